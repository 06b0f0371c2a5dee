// Package shrink makes a failing plan smaller: fewer faults, operations, services and nodes, a shorter run, rounder
// times. It is delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28,
// 2002) over the parts of a plan.
package shrink

import (
	"reflect"
	"slices"

	"firedrill/scenarios"
)

// Fails plays plans and returns the index of the first, in their order, that still fails as the one that is shrunk does;
// -1 if none does. It may play several at once: what comes out must not depend on that. Its error ends the shrinking.
type Fails func(plans []*scenarios.Scenario) (int, error)

// Plan returns the smallest plan that it finds by [Fails]. The plan given must fail; it is not changed. A plan that is
// no valid scenario is never asked about. On an error the smallest plan so far is returned along with it.
func Plan(plan *scenarios.Scenario, fails Fails) (*scenarios.Scenario, error) {
	s := &shrinker{best: plan, fails: fails}
	for round := 0; s.err == nil && (round == 0 || s.progress); round++ {
		s.progress = false
		for _, p := range parts {
			s.drop(p)
		}
		for _, c := range []func() []edit{s.calmer, s.earlier, s.shorter, s.rounder} {
			s.simplify(c)
		}
	}
	return s.best, s.err
}

// edit changes a plan, which is its own copy. It may make an invalid one.
type edit func(*scenarios.Scenario)

type shrinker struct {
	best     *scenarios.Scenario
	fails    Fails
	progress bool
	err      error
}

// first returns the index of the first edit after which the plan still fails, having made it; -1 if there is none.
func (s *shrinker) first(edits []edit) int {
	if s.err != nil {
		return -1
	}
	var plans []*scenarios.Scenario
	var which []int
	for i, e := range edits {
		plan := clone(s.best)
		e(plan)
		if valid, err := scenarios.NewPlan(plan, 0); err == nil && !reflect.DeepEqual(valid, s.best) {
			plans, which = append(plans, valid), append(which, i)
		}
	}
	if len(plans) == 0 {
		return -1
	}
	i, err := s.fails(plans)
	if err != nil || i < 0 {
		s.err = err
		return -1
	}
	s.best, s.progress = plans[i], true
	return which[i]
}

// drop takes away as many elements of a list as it can: ever smaller pieces of it, from front to back.
func (s *shrinker) drop(p part) {
	for size := p.count(s.best); size > 0; size /= 2 {
		for start := 0; start < p.count(s.best); {
			var edits []edit
			for from := start; from < p.count(s.best); from += size {
				to := min(from+size, p.count(s.best))
				edits = append(edits, func(plan *scenarios.Scenario) { p.remove(plan, from, to) })
			}
			i := s.first(edits)
			if i < 0 {
				break
			}
			start += i * size // the pieces before it are needed
		}
	}
}

// simplify makes every change that it can, of those that are offered.
func (s *shrinker) simplify(offer func() []edit) {
	for edits := offer(); len(edits) > 0; {
		i := s.first(edits)
		if i < 0 {
			return
		}
		edits = edits[i+1:]
	}
}

// clone copies a plan as deep as edits reach.
func clone(s *scenarios.Scenario) *scenarios.Scenario {
	c := *s
	c.Topology.Engines = slices.Clone(s.Topology.Engines)
	c.Topology.Hosts = slices.Clone(s.Topology.Hosts)
	c.Topology.Installed = slices.Clone(s.Topology.Installed)
	c.Topology.Images = slices.Clone(s.Topology.Images)
	c.Config.Clouds = slices.Clone(s.Config.Clouds)
	c.Config.Groups = slices.Clone(s.Config.Groups)
	c.Config.HealthMonitors = slices.Clone(s.Config.HealthMonitors)
	c.Config.Pools = slices.Clone(s.Config.Pools)
	c.Config.Services = slices.Clone(s.Config.Services)
	c.Workload.Operate = slices.Clone(s.Workload.Operate)
	c.Faults = slices.Clone(s.Faults)
	c.Expect.Outages = slices.Clone(s.Expect.Outages)
	c.Expect.Failovers = slices.Clone(s.Expect.Failovers)
	return &c
}
