package reports

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
)

// leaderLoss is how long the API is away when its leader is lost, by one set of timers, over all scenarios whose fault
// hits the leader, in one world.
type leaderLoss struct {
	Profile string
	Count   string
	About   string
	Rows    []leaderRow
	Vendor  bool // the rows have the vendor's figures
	Chart   chart
}

// leaderRow is one phase, or all of it.
type leaderRow struct {
	Colour, Name string
	Cells        []statCell // p50, p90, p99
	Max          string
	Vendor       string
}

// documented is the profile with the vendor's own timers.
const documented = "documented"

// vendorFigures is what the vendor publishes, by phase and in all: four heartbeats of 10 s until a leader counts as lost, and
// 2 to 3 minutes until the next one answers ("Impact of a Controller Failure").
var vendorFigures = [5]string{"40 s", "", "2 to 3 min", "", "2 min 40 s to 3 min 40 s"}

// vendorLimits are the ends of the last of them.
var vendorLimits = []time.Duration{160 * time.Second, 220 * time.Second}

// atLeader tells selectors that mean the leader or its host.
var atLeader = regexp.MustCompile(`^(host\()*leader\)*$`)

// leaderLosses sorts what the loss of a leader cost by profile and world. An outage in which nobody was seen to take over says
// nothing of how that goes.
func leaderLosses(all []*group) ([]leaderLoss, error) {
	type key struct{ profile, world string }
	of := make(map[key][]outage)
	in := make(map[key]int)
	var keys []key
	for _, g := range all {
		var lost []outage
		for _, o := range g.api.outages {
			if o.Ended && !o.Healed && atLeader.MatchString(o.Target) && o.Phases.Converge < o.Duration {
				lost = append(lost, o)
			}
		}
		if len(lost) == 0 {
			continue
		}
		k := key{g.info.Profile, g.world}
		if of[k] == nil {
			keys = append(keys, k)
		}
		of[k] = append(of[k], lost...)
		in[k]++
	}
	slices.SortStableFunc(keys, func(a, b key) int { return cmp.Compare(len(of[b]), len(of[a])) })
	var out []leaderLoss
	for _, k := range keys {
		loss, err := newLeaderLoss(k.profile, of[k], in[k])
		if err != nil {
			return nil, err
		}
		out = append(out, loss)
	}
	return out, nil
}

func newLeaderLoss(profile string, lost []outage, scenarios int) (leaderLoss, error) {
	whole := sampleOf(lost)
	l := leaderLoss{Profile: inWorld(profile, lost[0].run.World), Vendor: profile == documented, Count: plural(whole.N(), "outage") + " in " + plural(whole.Runs(), "run")}
	l.About = fmt.Sprintf("%s of the API in %s of %s, in which the fault hit the leader.", plural(whole.N(), "outage"), plural(whole.Runs(), "run"), plural(scenarios, "scenario"))
	labels := phaseLabels(api)
	for i := range phaseNames {
		s := sampleBy(lost, func(o outage) time.Duration { return lengths(o.Phases)[i] })
		l.Rows = append(l.Rows, newLeaderRow(phaseNames[i], labels[i], s, vendorFigures[i]))
	}
	l.Rows = append(l.Rows, newLeaderRow("", "in all", whole, vendorFigures[4]))
	var err error
	l.Chart, err = l.draw(lost)
	return l, err
}

func newLeaderRow(colour, name string, s Sample, vendor string) leaderRow {
	r := leaderRow{Colour: colour, Name: name, Max: duration(s.Max()), Vendor: vendor}
	for _, q := range quantiles {
		r.Cells = append(r.Cells, newStatCell(s.Quantile(q.q)))
	}
	return r
}

// lossLines is the same for a terminal: a line a profile.
func lossLines(all []*group) []string {
	losses, err := leaderLosses(all)
	if err != nil {
		return nil // of the chart, which nobody draws here
	}
	var out []string
	for _, l := range losses {
		var phases []string
		whole := l.Rows[len(l.Rows)-1]
		for _, r := range l.Rows[:len(l.Rows)-1] {
			phases = append(phases, r.Name+" "+r.Cells[0].Value)
		}
		text := fmt.Sprintf("leader lost, %s timers: API away %s (p50; %s), max %s; %s", cmp.Or(l.Profile, "unknown"),
			whole.Cells[0].Value, strings.Join(phases, ", "), whole.Max, l.Count)
		if l.Vendor {
			text += "; vendor: " + whole.Vendor
		}
		out = append(out, text)
	}
	return out
}

// milestones are the ends of the phases.
var milestones = [4]string{"suspected", "next leader elected", "API ready", "clients answered"}

// draw draws how many outages had come how far within a time: between two lines lies a phase.
func (l *leaderLoss) draw(lost []outage) (chart, error) {
	c := charts.NewLine()
	high := millis(sampleOf(lost).Max())
	if l.Vendor {
		high = max(high, millis(vendorLimits[1]))
	}
	c.SetGlobalOptions(charts.WithXAxisOpts(opts.XAxis{Type: "value", Min: 0, Max: ceiling(high)}), charts.WithYAxisOpts(opts.YAxis{Type: "value", Min: 0, Max: 1}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "axis"}), charts.WithAnimation(false))
	for i, name := range phaseNames {
		s := sampleBy(lost, func(o outage) time.Duration {
			sum := time.Duration(0)
			for n, took := range lengths(o.Phases) {
				if n <= i {
					sum += took
				}
			}
			return sum
		})
		options := stepLine(s, "var(--"+name+")", "solid")
		if l.Vendor && i == len(phaseNames)-1 {
			options = append(options, vendorLines()...)
		}
		c.AddSeries(milestones[i], s.steps(), options...)
	}
	label := "Share of the outages that had come so far within a time. " + l.About + " The table has the numbers."
	return newChart("page:leader:"+l.Profile, "ecdf", label, 270, c)
}

func vendorLines() []charts.SeriesOpts {
	var out []charts.SeriesOpts
	for i, name := range []string{"vendor from", "to"} { // short, or they would run into each other on a narrow page
		out = append(out, charts.WithMarkLineNameXAxisItemOpts(opts.MarkLineNameXAxisItem{Name: name, XAxis: millis(vendorLimits[i])}))
	}
	return append(out, charts.WithMarkLineStyleOpts(opts.MarkLineStyle{
		Symbol:    []string{"none", "none"},
		Label:     &opts.Label{Show: opts.Bool(true), Formatter: "{b}", Color: "var(--soft)", Position: "end"},
		LineStyle: &opts.LineStyle{Color: "var(--soft)", Type: "dashed", Width: 1},
	}))
}
