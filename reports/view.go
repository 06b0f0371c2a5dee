package reports

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"

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
	Mutants  *Mutants
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
	v.Flows, v.Mutants = longFlows(all), o.Mutants
	var err error
	if v.Fidelity, err = fidelities(all); err != nil {
		return nil, err
	}
	v.Losses, err = leaderLosses(all)
	return v, err
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
