package shrink

import (
	"time"

	"firedrill/model/config"
	"firedrill/scenarios"
)

// calmer takes away what the world does of its own accord, and long flows.
func (s *shrinker) calmer() []edit {
	return []edit{
		func(p *scenarios.Scenario) { p.Topology.Cluster, p.Topology.Controllers = 1, 1 },
		func(p *scenarios.Scenario) { p.Topology.Controllers = p.Topology.Cluster },
		func(p *scenarios.Scenario) { p.Workload.Flows.PerService = 0 },
		func(p *scenarios.Scenario) { p.Workload.Flows.PerService = min(1, p.Workload.Flows.PerService) },
		func(p *scenarios.Scenario) { p.Machine = nil },
		func(p *scenarios.Scenario) { p.Expect.Created = nil },
		func(p *scenarios.Scenario) { p.Topology.Cloud = nil },
		func(p *scenarios.Scenario) {
			if c := p.Topology.Cloud; c != nil {
				sound := *c
				sound.Fails, sound.Username, sound.Password = 0, "", ""
				p.Topology.Cloud = &sound
			}
		},
		func(p *scenarios.Scenario) { p.Topology.ClusterIP = nil },
		func(p *scenarios.Scenario) { p.Topology.Network.Loss = 0 },
		func(p *scenarios.Scenario) { p.Topology.Network.Duplicate = 0 },
		func(p *scenarios.Scenario) { p.Topology.Network.Tail.Share = 0 },
		func(p *scenarios.Scenario) { p.Topology.Network.Distance = scenarios.Span{} },
		func(p *scenarios.Scenario) { p.Topology.Clocks = scenarios.Clocks{} },
	}
}

// earlier moves all that happens forward, so that less goes before it. What the configuration needs stays.
func (s *shrinker) earlier() []edit {
	first := time.Duration(s.best.Duration)
	for _, at := range times(s.best) {
		first = min(first, at.Min)
	}
	var out []edit
	for _, begin := range []time.Duration{2 * time.Second, 4 * time.Second, first / 2, first * 3 / 4} {
		if by := first - begin; by > 0 && begin >= 2*time.Second {
			out = append(out, func(p *scenarios.Scenario) {
				for _, at := range times(p) {
					at.Min, at.Max = at.Min-by, at.Max-by
				}
				p.Duration -= config.Duration(by)
			})
		}
	}
	return out
}

// shorter ends the run sooner. What would come after the end goes.
func (s *shrinker) shorter() []edit {
	var out []edit
	for _, percent := range []time.Duration{10, 25, 50, 75, 90} {
		end := (s.best.Duration.Std() * percent / 100).Round(100 * time.Millisecond)
		if end <= 0 || end >= s.best.Duration.Std() {
			continue
		}
		out = append(out, func(p *scenarios.Scenario) {
			p.Duration = config.Duration(end)
			p.Faults = within(p.Faults, end, func(f *scenarios.Fault) time.Duration { return f.At.Min })
			p.Workload.Operate = within(p.Workload.Operate, end, func(o *scenarios.Operation) time.Duration { return o.At.Min })
		})
	}
	return out
}

// within keeps what happens before the end.
func within[T any](all []T, end time.Duration, at func(*T) time.Duration) []T {
	var out []T
	for i := range all {
		if at(&all[i]) < end {
			out = append(out, all[i])
		}
	}
	return out
}

// rounder makes times such as people would write: of each one the roundest at which the plan still fails. It leaves a plan
// alone in which too much happens to be read by people anyway.
func (s *shrinker) rounder() []edit {
	all := times(s.best)
	if len(all) > mostRounded {
		return nil
	}
	var out []edit
	for i, t := range all {
		now := t.Min
		for _, step := range []time.Duration{time.Second, 100 * time.Millisecond, 10 * time.Millisecond, time.Millisecond} {
			if now%step == 0 {
				break
			}
			for _, rounded := range []time.Duration{now.Truncate(step), now.Truncate(step) + step} {
				if rounded == 0 {
					continue // a fault that lasts for no time lasts for good
				}
				out = append(out, func(p *scenarios.Scenario) {
					if t := times(p)[i]; t.Min == now { // else a rounder one has been found
						t.Min, t.Max = rounded, rounded
					}
				})
			}
		}
	}
	return out
}

const mostRounded = 60

// times are the places in a plan that say when something happens, and for how long.
func times(p *scenarios.Scenario) []*scenarios.Span {
	var out []*scenarios.Span
	for i := range p.Faults {
		out = append(out, &p.Faults[i].At)
	}
	for i := range p.Workload.Operate {
		out = append(out, &p.Workload.Operate[i].At)
	}
	for i := range p.Faults {
		out = append(out, &p.Faults[i].For)
	}
	return out
}
