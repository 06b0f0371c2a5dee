package reports

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"firedrill/checker"
	"firedrill/scenarios"
)

// api is the service that is the configuration API; every other one is a virtual service.
const api = "api"

// group is all runs of one scenario in one world: a row of every table.
type group struct {
	info   Scenario
	world  string
	id     string // of the scenario on the page
	runs   []*checker.Result
	failed []*checker.Result // those that did not pass, fails and errors alike

	services, api class
}

// class is the outages of all virtual services, or of the API.
type class struct {
	outages []outage
	blips   []outage // single lost probes: counted apart, because a lossy network makes them by the hundred
	sample  Sample   // of the outages
	limit   limit
}

// outage is an outage and the run in which it was seen.
type outage struct {
	*checker.Outage
	run *checker.Result
}

// limit is what bounds an outage. Services of one class may have bounds of their own.
type limit struct {
	known    bool
	min, max time.Duration
}

// groups sorts the runs by scenario and world. A scenario without a run becomes a group too, so that nobody
// takes what was not played for what has passed. The results must be normal.
func groups(r *Results) []*group {
	type id struct{ scenario, world string }
	at := make(map[id]*group)
	var out []*group
	for _, s := range r.Scenarios {
		if !slices.ContainsFunc(r.Runs, func(run checker.Result) bool { return run.Scenario == s.Name }) {
			out = append(out, &group{info: s, id: s.Name})
		}
	}
	for i := range r.Runs {
		run := &r.Runs[i]
		key := id{run.Scenario, run.World}
		g := at[key]
		if g == nil {
			g = &group{info: r.scenario(run.Scenario), world: run.World, id: run.Scenario}
			if slices.ContainsFunc(out, func(o *group) bool { return o.id == g.id }) {
				g.id += "-" + run.World
			}
			at[key] = g
			out = append(out, g)
		}
		g.add(run)
	}
	place := make(map[string]int)
	for i, s := range r.Scenarios {
		place[s.Name] = i - len(r.Scenarios)
	}
	slices.SortStableFunc(out, func(a, b *group) int { return cmp.Compare(place[a.info.Name], place[b.info.Name]) })
	for _, g := range out {
		g.measure()
	}
	return out
}

// scenario finds what is known of a scenario; results recorded elsewhere may know nothing but its name.
func (r *Results) scenario(name string) Scenario {
	for _, s := range r.Scenarios {
		if s.Name == name {
			s.Argument = cmp.Or(s.Argument, name)
			return s
		}
	}
	return Scenario{Name: name, Argument: name}
}

func (g *group) add(run *checker.Result) {
	g.runs = append(g.runs, run)
	if run.Verdict != checker.Pass {
		g.failed = append(g.failed, run)
	}
	for i := range run.Outages {
		o := outage{&run.Outages[i], run}
		c := &g.services
		if o.Service == api {
			c = &g.api
		}
		if o.Blip {
			c.blips = append(c.blips, o)
			continue
		}
		c.outages = append(c.outages, o)
	}
}

// measure does the statistics, once all runs are in.
func (g *group) measure() {
	for _, b := range g.info.Bounds {
		c := &g.services
		if b.Service == api {
			c = &g.api
		}
		c.limit.add(b.Max)
	}
	for _, c := range []*class{&g.services, &g.api} {
		for _, o := range slices.Concat(c.outages, c.blips) {
			if o.Bound > 0 {
				c.limit.add(o.Bound)
			}
		}
		c.sample = sampleOf(c.outages)
	}
}

// sampleOf measures outages, which stand run by run.
func sampleOf(outages []outage) Sample {
	return sampleBy(outages, func(o outage) time.Duration { return o.Duration })
}

// sampleBy measures something of outages, which stand run by run.
func sampleBy(outages []outage, measure func(outage) time.Duration) Sample {
	var by clusters
	for i, o := range outages {
		if i == 0 || o.run != outages[i-1].run {
			by = append(by, nil)
		}
		by[len(by)-1] = append(by[len(by)-1], measure(o))
	}
	return newClusteredSample(by)
}

func (l *limit) add(d time.Duration) {
	if !l.known {
		*l = limit{true, d, d}
	}
	l.min, l.max = min(l.min, d), max(l.max, d)
}

func (l limit) String() string {
	switch {
	case !l.known:
		return "–"
	case l.max == 0:
		return "0"
	case l.min == 0:
		return "0 to " + duration(l.max)
	case l.min != l.max:
		return duration(l.min) + " to " + duration(l.max)
	}
	return duration(l.max)
}

// bound returns what the scenario allows a service, if it says anything: its own name goes before "*", which
// is every virtual service.
func (s *Scenario) bound(service string) (longest time.Duration, ok bool) {
	for _, b := range s.Bounds {
		if b.Service == service {
			return b.Max, true
		}
		if b.Service == "*" && service != api {
			longest, ok = b.Max, true
		}
	}
	return longest, ok
}

// over tells whether an outage was longer than it may be.
func (g *group) over(o outage) bool {
	bound, ok := g.info.bound(o.Service)
	if !ok {
		bound, ok = o.Bound, o.Bound > 0
	}
	return ok && o.Duration > bound
}

// worst returns the longest outage; of equal ones one that did not end, else the first.
func (c *class) worst() (outage, bool) { return worst(c.outages) }

func worst(all []outage) (outage, bool) {
	if len(all) == 0 {
		return outage{}, false
	}
	return slices.MaxFunc(all, func(a, b outage) int {
		return cmp.Or(cmp.Compare(a.Duration, b.Duration), unended(a)-unended(b))
	}), true
}

func unended(o outage) int {
	if o.Ended {
		return 0
	}
	return 1
}

// median returns the outage in the middle, of an even number the shorter of the two.
func (c *class) median() outage {
	sorted := slices.Clone(c.outages)
	slices.SortStableFunc(sorted, func(a, b outage) int { return cmp.Compare(a.Duration, b.Duration) })
	return sorted[(len(sorted)-1)/2]
}

// verdict of all runs: what failed goes before what broke; without a run there is none, and one that was interrupted
// did not pass.
func (g *group) verdict() checker.Verdict {
	if v := verdictOf(g.runs); v != checker.Pass || g.info.Missing == 0 {
		return v
	}
	return partlyRun
}

// The verdicts of a scenario without runs, and of one whose other runs are missing.
const (
	notRun    checker.Verdict = "not run"
	partlyRun checker.Verdict = "partly run"
)

func verdictOf(runs []*checker.Result) checker.Verdict {
	out := notRun
	for _, run := range runs {
		switch {
		case run.Verdict == checker.Fail:
			return checker.Fail
		case out != checker.Error:
			out = run.Verdict
		}
	}
	return out
}

// held counts the runs that held: 20/20, or 3/3 of 20 where somebody interrupted.
func (g *group) held() string {
	text := fmt.Sprintf("%d/%d", g.passed(), len(g.runs))
	switch {
	case g.info.Missing == 0:
		return text
	case len(g.runs) == 0:
		return fmt.Sprintf("0 of %d", g.info.Missing)
	}
	return text + fmt.Sprintf(" of %d", len(g.runs)+g.info.Missing)
}

func (g *group) passed() int { return len(g.runs) - len(g.failed) }

// label names the group; the world only where there is more than the simulator.
func (g *group) label() string { return inWorld(g.info.Name, g.world) }

// inWorld marks what is not of the simulator.
func inWorld(name, world string) string {
	if world == "" || world == scenarios.WorldSim {
		return name
	}
	return name + " (" + world + ")"
}
