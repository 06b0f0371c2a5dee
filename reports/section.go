package reports

import (
	"fmt"

	"firedrill/checker"
)

// section is a scenario told in full.
type section struct {
	ID, Label   string
	Verdict     checker.Verdict
	Seeds       string
	Brief       string // one line beside the name
	About       string
	Expected    []string
	Stats       []statRow
	Charts      []chart
	Examples    []example
	Story       *story
	History     string
	FailedSeeds string
	Runs        string
}

// statRow is a class in the table of numbers.
type statRow struct {
	Name  string
	N     string
	Cells []statCell
	Max   string
	Bound string
}

// statCell is a quantile and its interval, or the reason why there is none.
type statCell struct{ Value, Spread string }

func newSection(g *group, o Options) (section, error) {
	s := section{
		ID: g.id, Label: g.label(), Verdict: g.verdict(), About: g.info.About, Expected: g.info.Expected,
		Seeds: fmt.Sprintf("%d of %s held", g.passed(), plural(len(g.runs), "seed")), Runs: plural(len(g.runs), "run"),
		Examples: g.examples(), FailedSeeds: failedSeeds(g), Brief: brief(g),
	}
	for i := range s.Examples {
		e := &s.Examples[i]
		e.Replay = replayCommand(o.Prefix, g.argument(), e.Outage.run)
	}
	for _, c := range g.classes() {
		s.Stats = append(s.Stats, newStatRow(c))
	}
	var err error
	if s.Charts, err = g.charts(); err != nil {
		return s, err
	}
	if len(s.Examples) == 0 {
		return s, nil
	}
	worst := s.Examples[0].Outage
	s.History = o.link(worst.run)
	if o.History != nil {
		if h := o.History(worst.run.Scenario, worst.run.Seed); h != nil {
			s.Story = tell(h, worst)
		}
	}
	return s, nil
}

// brief is what a closed section still says.
func brief(g *group) string {
	switch all := g.examples(); {
	case len(g.runs) == 0:
		return "not run"
	case len(all) == 0:
		return "no outage"
	default:
		return "worst " + all[0].Took
	}
}

func newStatRow(c named) statRow {
	r := statRow{Name: c.name, N: count(c.sample.N()), Max: duration(c.sample.Max()), Bound: c.limit.String()}
	for _, q := range quantiles {
		v := c.sample.Quantile(q.q)
		cell := statCell{Value: duration(v.Value), Spread: spread(v)}
		if !v.Enough {
			cell = statCell{Value: "–", Spread: fmt.Sprintf("needs n = %d", Needed(q.q))}
		}
		r.Cells = append(r.Cells, cell)
	}
	return r
}

func failedSeeds(g *group) string {
	var seeds []uint64
	for _, run := range g.failed {
		seeds = append(seeds, run.Seed)
	}
	return seedList(seeds, 20)
}
