package reports

import (
	"fmt"
	"slices"
	"strings"

	"firedrill/checker"
	"firedrill/checker/history"
)

// section is a scenario told in full.
type section struct {
	ID, Label string
	Verdict   checker.Verdict
	Seeds     string
	Brief     string // one line beside the name
	About     string
	Expected  []string
	Stats     []statRow
	Charts    []chart
	Examples  []example
	Story     *story
	Strip     *strip // of the run with the worst outage
	// For links to a seed: which there are, which did not hold, and how to play {seed} again.
	AllSeeds, BadSeeds, ReplaySeed string
	History                        string
	FailedSeeds                    string
	Runs                           string
}

// statRow is a class in the table of numbers.
type statRow struct {
	Name  string
	N     string
	Blips string
	Cells []statCell
	Max   string
	Bound string
}

// statCell is a quantile and its interval, or the reason why there is none.
type statCell struct{ Value, Spread string }

func newSection(g *group, o Options) (section, error) {
	s := section{
		ID: g.id, Label: g.label(), Verdict: g.verdict(), About: g.info.About, Expected: g.info.Expected,
		Seeds: fmt.Sprintf("%d of %s held", g.passed(), plural(len(g.runs)+g.info.Missing, "seed")), Runs: plural(len(g.runs), "run"),
		Examples: g.examples(), FailedSeeds: failedSeeds(g), Brief: brief(g),
	}
	s.AllSeeds, s.BadSeeds = formatSeeds(seedsOf(g.runs)), formatSeeds(seedsOf(g.failed))
	s.ReplaySeed = strings.Replace(replayCommand(o.Prefix, g.argument(), &checker.Result{World: g.world}), "--seed 0", "--seed {seed}", 1)
	if slices.ContainsFunc(g.runs, func(r *checker.Result) bool { return r.Argument != "" }) {
		s.ReplaySeed = "" // not every seed is played by the same command
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
	var h *history.History
	if o.History != nil {
		h = o.History(worst.run.World, worst.run.Scenario, worst.run.Seed)
	}
	if h != nil {
		s.Story = tell(h, worst)
	}
	s.Strip = newStrip(g, worst.run, h)
	return s, nil
}

// brief is what a closed section still says.
func brief(g *group) string {
	switch all := g.examples(); {
	case len(g.runs) == 0:
		return "not run"
	case len(all) == 0:
		return "no outage"
	case len(g.services.outages)+len(g.api.outages) == 0:
		return plural(len(g.services.blips)+len(g.api.blips), "blip") + ", no outage"
	default:
		return "worst " + all[0].Took
	}
}

func newStatRow(c named) statRow {
	r := statRow{Name: c.name, N: count(c.sample.N()), Blips: count(len(c.blips)), Max: duration(c.sample.Max()), Bound: c.limit.String()}
	for _, q := range quantiles {
		r.Cells = append(r.Cells, newStatCell(c.sample.Quantile(q.q)))
	}
	return r
}

func newStatCell(q Quantile) statCell {
	if !q.Enough {
		return statCell{Value: "–", Spread: fmt.Sprintf("needs %d runs", Needed(q.Q))}
	}
	return statCell{Value: duration(q.Value), Spread: spread(q)}
}

func failedSeeds(g *group) string {
	var seeds []uint64
	for _, run := range g.failed {
		seeds = append(seeds, run.Seed)
	}
	return seedList(seeds, 20)
}
