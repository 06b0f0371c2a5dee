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
}

// plan asks package placement. Services of one address move as one, under the name of the first; they count as one
// against max_vs_per_se. What finds no slot keeps its place on engines that are down: they may come back to it.
func (in *placementInput) plan() *config.Placement {
	units := in.units()
	out := &config.Placement{Name: in.group.Name, Services: []config.PlacedService{}}
	for _, a := range placement.Compute(in.translate(units)).Assignments {
		i := slices.IndexFunc(units, func(u []*config.VirtualService) bool { return u[0].Name == a.Service })
		engines := a.Engines
		if len(engines) == 0 {
			engines = in.before(units[i])
		}
		engines = in.withoutDraining(engines)
		for _, vs := range units[i] {
			out.Services = append(out.Services, config.PlacedService{Service: vs.Name, Engines: append([]string{}, engines...)})
		}
	}
	slices.SortFunc(out.Services, func(a, b config.PlacedService) int { return strings.Compare(a.Service, b.Service) })
	return out
}

// withoutDraining scales a service in that stays on an engine which is being emptied only because there is no other slot,
// if it runs elsewhere too ("Upgrading Avi Vantage Software"). The other engine takes over before this one lets go.
func (in *placementInput) withoutDraining(engines []string) []string {
	stay := slices.DeleteFunc(slices.Clone(engines), func(name string) bool { return in.stateOf(name) == placement.EngineDraining })
	if !slices.ContainsFunc(stay, func(name string) bool { return in.stateOf(name) == placement.EngineUp }) {
		return engines
	}
	return stay
}

func (in *placementInput) stateOf(engine string) placement.EngineState {
	for i := range in.engines {
		if in.engines[i].Name == engine {
			return in.engines[i].State
		}
	}
	return placement.EngineDown
}

func (in *placementInput) translate(units [][]*config.VirtualService) placement.Input {
	out := placement.Input{Groups: []placement.Group{{Config: *in.group}}, Engines: in.engines}
	for _, unit := range units {
		before := in.before(unit)
		if before == nil && !in.settled {
			continue
		}
		out.Services = append(out.Services, placement.Service{Name: unit[0].Name, Group: in.group.Name, Engines: before})
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

// before is where a unit was placed; a service that joins an address follows those that are there.
func (in *placementInput) before(unit []*config.VirtualService) []string {
	for _, vs := range unit {
		if engines := in.current.EnginesOf(vs.Name); len(engines) > 0 {
			return engines
		}
	}
	return nil
}
