package controller

import (
	"slices"
	"strings"

	"firedrill/model/config"
	"firedrill/model/placement"
)

// placementInput is what the placement of one group depends on.
type placementInput struct {
	group    *config.ServiceEngineGroup
	engines  []placement.Engine       // of the group, by name
	services []*config.VirtualService // of the group, by name, those that are disabled left out
	current  *config.Placement
	// settled says that no engine has joined just now. Services that were never placed wait until then, so that they
	// spread over engines that come one after the other. A repair waits for nothing.
	settled bool
	carries func(engine, vip string) bool // whether an engine reports that it is ready for flows to an address

	hosts  []placement.Host // of the group's cloud, where it tells
	access config.CloudAccess
	// hurried says that services which were never placed have waited long enough for engines that are being made.
	hurried bool
}

// plan asks package placement. Services of one address move as one, under the name of the first; they count as one
// against max_vs_per_se. What finds no slot keeps its place on engines that are down: they may come back to it.
func (in *placementInput) plan() (*config.Placement, *placement.Plan) {
	units := in.units()
	number := make(map[string]int, len(units))
	for i, u := range units {
		number[u[0].Name] = i
	}
	plan, grows := placement.Compute(in.translate(units)), in.grows()
	up, drain := in.drained()
	goals := make([]goal, len(plan.Assignments))
	for i, a := range plan.Assignments {
		if grows {
			a.Engines = nil
		}
		unit := units[number[a.Service]]
		goals[i] = goal{vip: unit[0].VIP.String(), engines: withoutDraining(a.Engines, up, drain)}
		if before := in.before(unit); before != nil {
			goals[i].now, goals[i].scale = before.Engines, before.Scale
			if len(a.Engines) == 0 {
				goals[i].engines = withoutDraining(before.Goal(), up, drain)
			}
		}
	}
	out := &config.Placement{Name: in.group.Name, Services: []config.PlacedService{}}
	for i, placed := range in.carryOut(goals) {
		for _, vs := range units[number[plan.Assignments[i].Service]] {
			placed.Service = vs.Name
			out.Services = append(out.Services, placed)
		}
	}
	slices.SortFunc(out.Services, func(a, b config.PlacedService) int { return strings.Compare(a.Service, b.Service) })
	return out, plan
}

// grows tells whether the group gets its first engines just now. Its services wait for all of them, so that they are
// spread over engines and hosts; they are served by nobody yet.
func (in *placementInput) grows() bool {
	return !in.hurried &&
		slices.ContainsFunc(in.engines, func(e placement.Engine) bool { return e.State == placement.EngineBooting }) &&
		!slices.ContainsFunc(in.current.Services, func(s config.PlacedService) bool { return len(s.Engines) > 0 })
}

// withoutDraining scales a service in that stays on an engine which is being emptied only because there is no other slot,
// if it runs elsewhere too ("Upgrading Avi Vantage Software"). The other engine takes over before this one lets go.
func withoutDraining(engines []string, up, drain map[string]bool) []string {
	if len(drain) == 0 {
		return engines
	}
	stay := slices.DeleteFunc(slices.Clone(engines), func(name string) bool { return drain[name] })
	if !slices.ContainsFunc(stay, func(name string) bool { return up[name] }) {
		return engines
	}
	return stay
}

// drained tells which engines are being emptied, and, if there are any, which are up.
func (in *placementInput) drained() (up, drain map[string]bool) {
	if !slices.ContainsFunc(in.engines, func(e placement.Engine) bool { return e.State == placement.EngineDraining }) {
		return nil, nil
	}
	up, drain = make(map[string]bool), make(map[string]bool)
	for _, e := range in.engines {
		up[e.Name], drain[e.Name] = e.State == placement.EngineUp, e.State == placement.EngineDraining
	}
	return up, drain
}

func (in *placementInput) translate(units [][]*config.VirtualService) placement.Input {
	out := placement.Input{Engines: in.engines, Hosts: in.hosts, Groups: []placement.Group{{
		Config: *in.group, Access: in.access,
		IncludeHosts: in.group.HostInclude, ExcludeHosts: in.group.HostExclude, Rebalance: in.group.AutoRebalance,
	}}}
	for _, unit := range units {
		before := in.before(unit)
		if before == nil && !in.settled {
			continue
		}
		service := placement.Service{Name: unit[0].Name, Group: in.group.Name, Patient: before == nil && !in.hurried}
		if before != nil {
			service.Engines, service.Scale = before.Goal(), before.Scale
		}
		out.Services = append(out.Services, service)
	}
	return out
}

// units gathers the services of each address, in the order of their first names.
func (in *placementInput) units() [][]*config.VirtualService {
	var out [][]*config.VirtualService
	at := make(map[string]int)
	for _, vs := range in.services {
		vip := vs.VIP.String()
		i, known := at[vip]
		if !known {
			i, at[vip] = len(out), len(out)
			out = append(out, nil)
		}
		out[i] = append(out[i], vs)
	}
	return out
}

// before is how a unit was placed, nil if it was not; a service that joins an address follows those that are there.
func (in *placementInput) before(unit []*config.VirtualService) *config.PlacedService {
	for _, vs := range unit {
		if s := in.current.Of(vs.Name); s != nil && len(s.Engines) > 0 {
			return s
		}
	}
	return nil
}

func byEngine(e placement.Engine, name string) int { return strings.Compare(e.Name, name) }
