package placement

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"firedrill/model/config"
)

// shape bounds what is drawn.
type shape struct {
	groups, engines, services, hosts int
	scale                            int
	states                           []EngineState
	fits                             bool // no engine holds too much
	wild                             bool // with host lists, hosts down, patient and disabled services, foreign engines, deletions
}

var (
	// small is what a brute force can judge: services on several engines, none of which drains.
	small = shape{groups: 1, engines: 4, services: 4, hosts: 3, scale: 3, fits: true,
		states: []EngineState{EngineUp, EngineUp, EngineUp, EngineSuspected, EngineDown, EngineBooting}}
	// crowded has engines that hold too much, and no service that is to give an engine up: it would be an open question
	// whose fault it is.
	crowded = shape{groups: 1, engines: 4, services: 4, hosts: 3, scale: 3,
		states: []EngineState{EngineUp, EngineUp, EngineUp, EngineSuspected}}
	// fitting is everything at once but for engines that hold too much: they get nothing before the next plan, which
	// may then have something left to do.
	fitting = shape{groups: 3, engines: 9, services: 12, hosts: 5, scale: 4, wild: true, fits: true, states: wild.states}
	// drained has engines that drain, and services on one engine each.
	drained = shape{groups: 1, engines: 4, services: 4, hosts: 3, scale: 1,
		states: []EngineState{EngineUp, EngineUp, EngineDraining, EngineDown, EngineSuspected}}
	// wild is everything at once.
	wild = shape{groups: 3, engines: 9, services: 12, hosts: 5, scale: 4, wild: true,
		states: []EngineState{EngineUp, EngineUp, EngineUp, EngineUp, EngineSuspected, EngineDown, EngineBooting, EngineDraining}}
)

func (s shape) draw(t *rapid.T) Input {
	var in Input
	for i := range rapid.IntRange(0, s.hosts).Draw(t, "hosts") {
		in.Hosts = append(in.Hosts, Host{Name: fmt.Sprintf("host-%d", i), Rack: rapid.SampledFrom([]string{"", "rack-a", "rack-b"}).Draw(t, "rack"), Down: s.wild && odd(t, "host down", 6),
			Maintenance: s.wild && odd(t, "host maintenance", 8)})
	}
	for i := range s.groups {
		in.Groups = append(in.Groups, s.drawGroup(t, i))
	}
	for i := range rapid.IntRange(0, s.engines).Draw(t, "engines") {
		in.Engines = append(in.Engines, s.drawEngine(t, i))
	}
	for i := range rapid.IntRange(0, s.services).Draw(t, "services") {
		v := s.drawService(t, i, in.Engines)
		switch {
		case s.fits:
			held := load(in)
			v.Engines = slices.DeleteFunc(v.Engines, func(e string) bool { return held[e] >= mostOn(in, e) })
		case !s.wild:
			v.Scale = max(v.Scale, len(v.Engines))
		}
		in.Services = append(in.Services, v)
	}
	return in
}

func (s shape) drawGroup(t *rapid.T, i int) Group {
	modes := []config.HAMode{config.HAModeShared, config.HAModeSharedPair}
	if s.wild {
		modes = append(modes, config.HAModeLegacyActiveStandby)
	}
	g := Group{Access: rapid.SampledFrom([]config.CloudAccess{config.NoAccess, config.WriteAccess}).Draw(t, "access")}
	g.Config = config.ServiceEngineGroup{
		Name: fmt.Sprintf("group-%d", i), HAMode: rapid.SampledFrom(modes).Draw(t, "mode"), MinScaleoutPerVS: 1,
		MaxVSPerSE: rapid.IntRange(1, 4).Draw(t, "max_vs_per_se"), MaxSE: rapid.IntRange(2, 8).Draw(t, "max_se"),
		Algo: rapid.SampledFrom([]config.PlacementAlgo{config.PlacementPacked, config.PlacementDistributed}).Draw(t, "algo"),
	}
	if s.wild && odd(t, "excludes", 3) {
		g.ExcludeHosts = []string{"host-1"}
	}
	if s.wild && odd(t, "includes", 4) {
		g.IncludeHosts = []string{"host-0", "host-1", "host-2"}
	}
	g.Rebalance = s.wild && odd(t, "rebalance", 3)
	return g
}

func (s shape) drawEngine(t *rapid.T, i int) Engine {
	group := rapid.IntRange(0, s.groups-1).Draw(t, "group")
	if s.wild && odd(t, "orphan", 12) {
		group = s.groups // there is none
	}
	return Engine{
		Name: fmt.Sprintf("engine-%d", i), Group: fmt.Sprintf("group-%d", group),
		Host:         rapid.SampledFrom([]string{"", "host-0", "host-1", "host-2", "host-3"}).Draw(t, "host"),
		State:        rapid.SampledFrom(s.states).Draw(t, "state"),
		FailedLately: odd(t, "failed lately", 6), Managed: odd(t, "managed", 2),
	}
}

func (s shape) drawService(t *rapid.T, i int, engines []Engine) Service {
	group := rapid.IntRange(0, s.groups-1).Draw(t, "group")
	if s.wild && odd(t, "stray", 12) {
		group = s.groups
	}
	v := Service{Name: fmt.Sprintf("vs-%02d", i), Group: fmt.Sprintf("group-%d", group), Scale: rapid.IntRange(0, s.scale).Draw(t, "scale")}
	v.Disabled, v.Patient = s.wild && odd(t, "disabled", 8), s.wild && odd(t, "patient", 3)
	var near []string
	for _, e := range engines {
		if e.Group == v.Group || s.wild && odd(t, "foreign", 10) {
			near = append(near, e.Name)
		}
	}
	if s.wild && odd(t, "gone", 8) {
		near = append(near, "engine-gone")
	}
	if len(near) > 0 {
		v.Engines = rapid.SliceOfNDistinct(rapid.SampledFrom(near), 0, min(s.scale, len(near)), rapid.ID[string]).Draw(t, "runs")
	}
	return v
}

// mostOn is how many services an engine may hold.
func mostOn(in Input, engine string) int {
	for _, e := range in.Engines {
		for _, g := range in.Groups {
			if e.Name == engine && g.Config.Name == e.Group {
				return g.Config.MaxVSPerSE
			}
		}
	}
	return 1
}

// odd is true once in so many times.
func odd(t *rapid.T, label string, times int) bool {
	return rapid.IntRange(1, times).Draw(t, label) == times
}

// shuffled is the same input in another order.
func shuffled(t *rapid.T, in Input) Input {
	return Input{
		Groups:   rapid.Permutation(in.Groups).Draw(t, "groups"),
		Engines:  rapid.Permutation(in.Engines).Draw(t, "engines"),
		Hosts:    rapid.Permutation(in.Hosts).Draw(t, "hosts"),
		Services: rapid.Permutation(in.Services).Draw(t, "services"),
	}
}
