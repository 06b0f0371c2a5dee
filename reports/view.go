package reports

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"time"

	"firedrill/checker"
	"firedrill/scenarios"
)

// view is the page, ready for its template: everything is text, nothing is left to work out.
type view struct {
	Style   template.CSS
	Script  template.JS
	ECharts template.JS

	Build    string
	Verdict  checker.Verdict
	Headline string
	Facts    []string
	Worst    []worstCard
	Rows     []row
	Small    []string // what the table's dashes mean
	Modes    []modeRow
	Flows    []flowRow // long ones, through takeovers
	Losses   []leaderLoss
	Fidelity []fidelity // where a scenario was played in both worlds
	States   []string   // that faults may meet
	Coverage []coverageRow
	Soak     string // what all runs came to, if these are a sample
	Soaked   []soakRow
	Failures []failure
	MoreRuns int // that failed and are not listed
	Sections []section
}

// HasCharts tells whether the page needs the chart library.
func (v *view) HasCharts() bool {
	return len(v.Losses) > 0 || len(v.Fidelity) > 0 || slices.ContainsFunc(v.Sections, func(s section) bool { return len(s.Charts) > 0 })
}

// worstCard is the worst outage of one class over all scenarios.
type worstCard struct {
	Of       string
	Seen     bool
	Runs     string
	Scenario string
	ID       string
	example
}

// row is a scenario in the table of the first screen.
type row struct {
	ID, Label string
	Verdict   checker.Verdict
	Seeds     string
	Classes   [2]cells
}

// cells are the columns of one class.
type cells struct {
	N     string
	Blips cell
	Stats []cell // p50, p90, p99, max
	Bound string
}

// cell is a number with its spread.
type cell struct {
	Text, Title string
	Over        bool
}

// quantiles are those of every table.
var quantiles = []struct {
	name string
	q    float64
}{{"p50", 0.50}, {"p90", 0.90}, {"p99", 0.99}}

func newView(r *Results, o Options) (*view, error) {
	all := groups(r)
	v := &view{Build: r.Build}
	v.Verdict, v.Headline = headline(all)
	v.Facts = facts(r, all)
	v.Worst = []worstCard{
		worstOf("virtual services", all, func(g *group) *class { return &g.services }),
		worstOf("API", all, func(g *group) *class { return &g.api }),
	}
	for _, g := range all {
		v.Rows = append(v.Rows, newRow(g))
		s, err := newSection(g, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", g.info.Name, err)
		}
		v.Sections = append(v.Sections, s)
	}
	v.Failures, v.MoreRuns = failures(all, o)
	v.Small = smallSamples(all)
	v.Modes = modes(all)
	if r.Soak != nil {
		v.Soak, v.Soaked = r.Soak.headline(len(r.Runs)), r.soakRows(o.Prefix)
	}
	v.States, v.Coverage = checker.States, coverage(r.met(), scenarios.FaultNames())
	v.Flows = longFlows(all)
	var err error
	if v.Fidelity, err = fidelities(all); err != nil {
		return nil, err
	}
	v.Losses, err = leaderLosses(all)
	return v, err
}

// headline is the answer to the first question.
func headline(all []*group) (checker.Verdict, string) {
	var runs, failed []*checker.Result
	bad, absent, partial, missing := 0, 0, 0, 0
	for _, g := range all {
		runs, failed = append(runs, g.runs...), append(failed, g.failed...)
		missing += g.info.Missing
		switch {
		case len(g.runs) == 0:
			absent++
		case g.info.Missing > 0:
			partial++
		}
		if len(g.failed) > 0 {
			bad++
		}
	}
	verdict := verdictOf(runs)
	if verdict == checker.Pass && missing > 0 {
		verdict = partlyRun
	}
	text := ""
	switch whole := len(all) - absent - partial; {
	case len(runs) == 0:
		return verdict, "Nothing was run."
	case len(failed) > 0:
		text = fmt.Sprintf("%d of %s, %d of %s did not hold.", bad, plural(len(all)-absent, "scenario"), len(failed), plural(len(runs), "run"))
	case partial > 0:
		text = fmt.Sprintf("What was played held: %s.", plural(len(runs), "run"))
	case whole == 1:
		text = fmt.Sprintf("1 scenario held in %s.", plural(len(runs), "run"))
	default:
		text = fmt.Sprintf("All %s held in %s.", plural(whole, "scenario"), plural(len(runs), "run"))
	}
	if partial > 0 {
		text += fmt.Sprintf(" %s played in part only.", plural(partial, "scenario"))
	}
	if absent > 0 {
		text += fmt.Sprintf(" %s not run.", plural(absent, "scenario"))
	}
	if missing > 0 {
		text += fmt.Sprintf(" %s missing.", plural(missing, "run"))
	}
	return verdict, text
}

// facts are the counts without which no verdict means anything.
func facts(r *Results, all []*group) []string {
	var simulated time.Duration
	var operations, probes, outages, blips int
	var events uint64
	seeds := make(map[uint64]bool)
	for i := range r.Runs {
		run := &r.Runs[i]
		simulated += run.Simulated
		operations += run.Operations
		probes += run.Probes
		for j := range run.Outages {
			if run.Outages[j].Blip {
				blips++
			} else {
				outages++
			}
		}
		events += run.Events
		seeds[run.Seed] = true
	}
	out := []string{
		plural(len(all), "scenario"), plural(len(seeds), "seed"), plural(len(r.Runs), "run"), duration(simulated) + " by the world's clock",
		plural(operations, "operation") + " checked", plural(probes, "probe"), plural(outages, "outage"), plural(blips, "blip"),
	}
	if events > 0 {
		out = append(out, count(events)+" events")
	}
	if r.Shard != nil {
		out = append(out, "shard "+r.Shard.String())
	}
	return out
}

func worstOf(name string, all []*group, of func(*group) *class) worstCard {
	card := worstCard{Of: name}
	runs, blips := 0, 0
	for _, g := range all {
		runs += len(g.runs)
		blips += len(of(g).blips)
		o, ok := of(g).worst()
		if ok && (!card.Seen || o.Duration > card.Outage.Duration) {
			card.Seen, card.Scenario, card.ID, card.example = true, g.label(), g.id, g.example("worst", o)
		}
	}
	card.Runs = plural(runs, "run")
	if blips > 0 {
		card.Runs += "; " + plural(blips, "blip")
	}
	return card
}

func newRow(g *group) row {
	r := row{ID: g.id, Label: g.label(), Verdict: g.verdict(), Seeds: g.held()}
	for i, c := range []*class{&g.services, &g.api} {
		r.Classes[i] = cells{N: count(c.sample.N()), Blips: blipsCell(g, c), Bound: c.limit.String()}
		for _, q := range quantiles {
			r.Classes[i].Stats = append(r.Classes[i].Stats, quantileCell(q.name, c.sample.Quantile(q.q)))
		}
		longest := cell{Text: "–", Title: "no outage"}
		if o, ok := c.worst(); ok {
			longest = cell{Text: duration(o.Duration), Title: "the longest of " + plural(c.sample.N(), "outage")}
			if o.Outlasted() {
				longest.Title += ", " + outlasted(o)
			}
			if slices.ContainsFunc(c.outages, g.over) {
				longest.Over, longest.Title = true, longest.Title+"; over the bound"
			}
		}
		r.Classes[i].Stats = append(r.Classes[i].Stats, longest)
	}
	return r
}

// blipsCell counts single lost probes, which bounds hold for too.
func blipsCell(g *group, c *class) cell {
	out := cell{Text: count(len(c.blips)), Title: "no single lost probe"}
	if longest, ok := worst(c.blips); ok {
		out.Title = "single lost probes, the longest " + duration(longest.Duration)
	}
	if out.Over = slices.ContainsFunc(c.blips, g.over); out.Over {
		out.Title += "; over the bound"
	}
	return out
}

// quantileCell says a quantile with its interval, or why there is none.
func quantileCell(name string, q Quantile) cell {
	switch {
	case q.N == 0:
		return cell{Text: "–", Title: "no outage"}
	case !q.Enough:
		return cell{Text: "–", Title: fmt.Sprintf("not enough seeds for %s: it needs %d runs with an outage, and there are %d", name, Needed(q.Q), q.Runs)}
	}
	return cell{Text: duration(q.Value), Title: fmt.Sprintf("95 %% interval: %s; n = %s", spread(q), count(q.N))}
}

// spread writes the interval of a quantile.
func spread(q Quantile) string {
	switch {
	case q.LowKnown && q.HighKnown:
		return duration(q.Low) + " to " + duration(q.High)
	case q.LowKnown:
		return "at least " + duration(q.Low)
	case q.HighKnown:
		return "at most " + duration(q.High)
	}
	return tooFew
}

// smallSamples says aloud which quantiles the table does not have, and what would help.
func smallSamples(all []*group) []string {
	var out []string
	for _, q := range quantiles {
		missing, needed := 0, Needed(q.q)
		for _, g := range all {
			for _, c := range []*class{&g.services, &g.api} {
				if n := c.sample.Runs(); n > 0 && n < needed {
					missing++
				}
			}
		}
		if missing > 0 {
			out = append(out, fmt.Sprintf("Not enough seeds for %s in %s: it takes %d runs with an outage.", q.name, plural(missing, "place"), needed))
		}
	}
	return out
}

// name of the argument of `firedrill replay`.
func (g *group) argument() string { return cmp.Or(g.info.Argument, g.info.Name) }
