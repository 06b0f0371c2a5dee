package reports

import (
	"fmt"
	"slices"

	"firedrill/checker"
	"firedrill/scenarios"
)

// Gate is what came of holding results against a baseline. As JSON it is what `firedrill gate --json` prints; times are
// in microseconds.
type Gate struct {
	Verdict       checker.Verdict `json:"verdict"` // pass or fail
	Before        string          `json:"before"`  // the build of the baseline
	After         string          `json:"after"`
	MaxRegression float64         `json:"max_regression"` // a share: 0.05 is 5 %
	Level         float64         `json:"level"`          // see gateLevel
	Comparisons   []Comparison    `json:"comparisons"`
	Findings      []Finding       `json:"findings"` // each of them fails the gate
	Warnings      []string        `json:"warnings"`
	Outdated      bool            `json:"outdated"` // `--update` would keep something that is worth it
}

// Finding is a reason to fail.
type Finding struct {
	Kind     string `json:"kind"`
	Scenario string `json:"scenario"`
	World    string `json:"world"`
	Message  string `json:"message"`
	Replay   string `json:"replay,omitempty"` // the command that shows it again
}

// The kinds of a finding.
const (
	FindingViolation  = "violation"  // a run failed
	FindingBound      = "bound"      // an outage is over the bound of the baseline
	FindingRegression = "regression" // outages have become longer by more than is allowed
	FindingMissing    = "missing"    // a scenario or seeds were not run
)

// findingsEach is how many runs of one scenario are told one by one.
const findingsEach = 3

// NewGate holds results against a baseline. Max is the regression that is put up with, as a share; prefix is how the
// reader calls this program.
func NewGate(b *Baseline, r *Results, max float64, prefix string) *Gate {
	r = r.normal()
	g := &Gate{Before: b.Build, After: r.Build, MaxRegression: max, Level: gateLevel,
		Comparisons: []Comparison{}, Findings: []Finding{}, Warnings: []string{}}
	all := groups(r)
	for _, now := range all {
		g.runs(b.find(now), now, prefix)
	}
	for i := range b.Scenarios {
		s := &b.Scenarios[i]
		at := slices.IndexFunc(all, func(now *group) bool { return now.is(s) })
		if at < 0 {
			g.find(FindingMissing, s.Scenario, s.World, "", "it is in the baseline and was not run")
			continue
		}
		g.scenario(s, all[at], prefix)
	}
	g.judge()
	g.Verdict = checker.Pass
	if len(g.Findings) > 0 {
		g.Verdict = checker.Fail
	}
	return g
}

func (g *group) is(s *BaselineScenario) bool {
	return g.info.Name == s.Scenario && g.world == s.World && len(g.runs) > 0
}

func (b *Baseline) find(now *group) *BaselineScenario {
	for i := range b.Scenarios {
		if now.is(&b.Scenarios[i]) {
			return &b.Scenarios[i]
		}
	}
	return nil
}

func (g *Gate) find(kind, scenario, world, replay, format string, args ...any) {
	g.Findings = append(g.Findings, Finding{Kind: kind, Scenario: scenario, World: world, Replay: replay, Message: fmt.Sprintf(format, args...)})
}

func (g *Gate) warn(scenario, world, format string, args ...any) {
	g.Warnings = append(g.Warnings, labelOf(scenario, world)+": "+fmt.Sprintf(format, args...))
}

// runs looks at the runs that failed. Where the baseline knows their seeds, they are new failures: all its runs passed.
func (g *Gate) runs(before *BaselineScenario, now *group, prefix string) {
	if before == nil && len(now.runs) > 0 {
		g.Outdated = true
		g.warn(now.info.Name, now.world, "it is not in the baseline; --update takes it up")
	}
	for i, run := range now.failed {
		if i == findingsEach {
			g.find(FindingViolation, now.info.Name, now.world, "", "and %s failed: seed %s",
				plural(len(now.failed)-i, "more run"), seedList(seedsOf(now.failed[i:]), 20))
			return
		}
		known := "a seed that the baseline does not have"
		if before != nil && slices.Contains(before.seeds, run.Seed) {
			known = "which passed in the baseline"
		}
		g.find(FindingViolation, now.info.Name, now.world, replayCommand(prefix, now.argument(), run), "seed %d, %s: %s", run.Seed, known, firstMessage(run))
	}
}

// scenario compares one scenario with what the baseline knows of it.
func (g *Gate) scenario(before *BaselineScenario, now *group, prefix string) {
	name, world := before.Scenario, before.World
	if before.Digest != "" && now.info.Digest != "" && before.Digest != now.info.Digest {
		g.Outdated = true
		g.warn(name, world, "the scenario has changed since the baseline, so that equal seeds are different plans; --update once that is meant")
	}
	if missing := without(before.seeds, seedsOf(now.runs)); len(missing) > 0 {
		g.find(FindingMissing, name, world, "", "%s of the baseline were not run: %s; run it with --seeds %s",
			plural(len(missing), "seed"), formatSeeds(missing), before.Seeds)
	}
	if added := without(seedsOf(now.runs), before.seeds); len(added) > 0 {
		g.Outdated = true
		g.warn(name, world, "not in the baseline, and not compared: %s, %s", plural(len(added), "seed"), formatSeeds(added))
	}
	g.bounds(before, now, prefix)
	g.compare(before, now)
}

// bounds holds the outages against the bounds of the baseline: whoever loosens a bound so that a scenario passes has
// to say so by --update. What breaks the scenario's own bound is a failed run, and has been told.
func (g *Gate) bounds(before *BaselineScenario, now *group, prefix string) {
	was := Scenario{Bounds: before.Bounds}
	for _, b := range before.Bounds {
		if longest, ok := now.info.bound(b.Service); !ok || longest > b.Max {
			g.Outdated = true
			g.warn(before.Scenario, before.World, "the bound for %s was %s in the baseline and is looser now; the old one holds until --update", b.Service, duration(b.Max))
		}
	}
	told := 0
	for _, run := range now.runs {
		for i := range run.Outages {
			o := &run.Outages[i]
			bound, ok := was.bound(o.Service)
			if !ok || o.Duration <= bound || run.Verdict != checker.Pass || told == findingsEach {
				continue
			}
			told++
			g.find(FindingBound, before.Scenario, before.World, replayCommand(prefix, now.argument(), run),
				"seed %d: %s was dark for %s; the baseline allows %s", run.Seed, o.Service, duration(o.Duration), duration(bound))
		}
	}
}

func seedsOf(runs []*checker.Result) []uint64 {
	out := make([]uint64, len(runs))
	for i, run := range runs {
		out[i] = run.Seed
	}
	return out
}

// without lists the seeds that are not among others.
func without(seeds, others []uint64) []uint64 {
	known := make(map[uint64]bool, len(others))
	for _, s := range others {
		known[s] = true
	}
	return slices.DeleteFunc(slices.Clone(seeds), func(s uint64) bool { return known[s] })
}

func labelOf(scenario, world string) string {
	if world == "" || world == scenarios.WorldSim {
		return scenario
	}
	return scenario + " (" + world + ")"
}
