package shrink

import (
	"slices"

	"firedrill/checker/history"
	"firedrill/model/config"
	"firedrill/scenarios"
)

// part is a list in a plan that can be made shorter.
type part struct {
	count  func(*scenarios.Scenario) int
	remove func(s *scenarios.Scenario, from, to int)
}

// parts are in the order in which taking something away saves most.
var parts = []part{
	list(func(s *scenarios.Scenario) *[]scenarios.Fault { return &s.Faults }),
	list(func(s *scenarios.Scenario) *[]scenarios.Operation { return &s.Workload.Operate }),
	{func(s *scenarios.Scenario) int { return len(s.Config.Groups) }, removeGroups},
	{func(s *scenarios.Scenario) int { return len(s.Config.Services) }, removeServices},
	{spareEngines, removeEngines},
	{func(s *scenarios.Scenario) int { return max(0, s.Topology.Servers-1) }, removeServers},
	list(func(s *scenarios.Scenario) *[]config.Pool { return &s.Config.Pools }),
	list(func(s *scenarios.Scenario) *[]config.HealthMonitor { return &s.Config.HealthMonitors }),
	list(func(s *scenarios.Scenario) *[]config.Cloud { return &s.Config.Clouds }),
	list(func(s *scenarios.Scenario) *[]scenarios.Host { return &s.Topology.Hosts }),
	list(func(s *scenarios.Scenario) *[]scenarios.Installed { return &s.Topology.Installed }),
	list(func(s *scenarios.Scenario) *[]string { return &s.Topology.Images }),
	list(func(s *scenarios.Scenario) *[]history.OutageBound { return &s.Expect.Outages }),
	list(func(s *scenarios.Scenario) *[]history.FailoverBound { return &s.Expect.Failovers }),
}

// list is a part whose elements stand alone.
func list[T any](of func(*scenarios.Scenario) *[]T) part {
	return part{
		count:  func(s *scenarios.Scenario) int { return len(*of(s)) },
		remove: func(s *scenarios.Scenario, from, to int) { *of(s) = slices.Delete(*of(s), from, to) },
	}
}

// removeGroups removes groups with their engines and services, and what is expected of them.
func removeGroups(s *scenarios.Scenario, from, to int) {
	for _, g := range s.Config.Groups[from:to] {
		for i := len(s.Config.Services) - 1; i >= 0; i-- {
			if s.Config.Services[i].SEGroupRef == g.Name {
				removeServices(s, i, i+1)
			}
		}
		s.Topology.Engines = slices.DeleteFunc(s.Topology.Engines, func(e scenarios.Engines) bool { return e.Group == g.Name })
		s.Expect.Failovers = slices.DeleteFunc(s.Expect.Failovers, func(f history.FailoverBound) bool { return f.Of == g.Name })
	}
	s.Config.Groups = slices.Delete(s.Config.Groups, from, to)
}

// removeServices removes services, and what is expected of them.
func removeServices(s *scenarios.Scenario, from, to int) {
	gone := s.Config.Services[from:to]
	s.Expect.Outages = slices.DeleteFunc(s.Expect.Outages, func(o history.OutageBound) bool {
		return slices.ContainsFunc(gone, func(vs config.VirtualService) bool { return vs.Name == o.Service })
	})
	s.Config.Services = slices.Delete(s.Config.Services, from, to)
}

// spareEngines counts the engines that their groups have beyond one.
func spareEngines(s *scenarios.Scenario) int {
	n := 0
	for _, e := range s.Topology.Engines {
		n += e.Count - 1
	}
	return n
}

func removeEngines(s *scenarios.Scenario, from, to int) {
	n := 0
	for i := range s.Topology.Engines {
		e := &s.Topology.Engines[i]
		last := n + e.Count - 1
		e.Count -= max(0, min(to, last)-max(from, n))
		n = last
	}
}

// removeServers removes the last servers, whichever are asked for: the others keep their addresses.
func removeServers(s *scenarios.Scenario, from, to int) {
	left := s.Topology.Servers - (to - from)
	for n := left + 1; n <= s.Topology.Servers; n++ {
		for i := range s.Config.Pools {
			p := &s.Config.Pools[i]
			p.Servers = slices.DeleteFunc(slices.Clone(p.Servers), func(server config.Server) bool { return server.IP == scenarios.ServerIP(n) })
		}
	}
	s.Topology.Servers = left
}
