package controller

import (
	"slices"

	"firedrill/model/config"
	"firedrill/model/placement"
)

// carryOut turns where the services of a group shall run into where they run next, so that no move lowers availability
// (package placement: make before break). An engine that is to lose a service stays on its list until all that are to
// have it report that they carry it. While both have it, it takes a slot on both: a move to a full engine waits for one
// that frees a slot there. Where moves wait for each other in a ring, one is let through all the same.
//
// What runs nowhere waits for nothing. The next step is worked out from the list that is in force, so that every leader
// goes on where the last one was.
func (in *placementInput) carryOut(goals []goal) []config.PlacedService {
	load := make(map[string]int) // units on an engine at present
	for _, g := range goals {
		for _, e := range g.now {
			load[e]++
		}
	}
	limit, moving := in.group.WithDefaults().MaxVSPerSE, false
	out := make([]config.PlacedService, len(goals))
	stuck := -1
	for i, g := range goals {
		list, waits := in.step(g, load, limit)
		if waits && stuck < 0 {
			stuck = i
		}
		moving = moving || !waits && !slices.Equal(list, g.engines) || !slices.Equal(list, g.now)
		out[i] = g.placed(list)
	}
	if stuck >= 0 && !moving {
		list, _ := in.step(goals[stuck], load, limit+1)
		out[stuck] = goals[stuck].placed(list)
	}
	return out
}

// goal is what shall become of the services of one address.
type goal struct {
	vip     string
	engines []string // where they shall run
	now     []string // where they run
	scale   int
}

// placed is the goal on its way.
func (g goal) placed(list []string) config.PlacedService {
	p := config.PlacedService{Engines: append([]string{}, list...), Scale: g.scale}
	if !slices.Equal(list, g.engines) {
		p.Next = g.engines
	}
	return p
}

// step is the next list of engines on the way to the goal, those last that are new to the service: who takes its address
// over knows of it. waits tells that an engine has no slot yet.
func (in *placementInput) step(g goal, load map[string]int, limit int) (list []string, waits bool) {
	if !slices.ContainsFunc(g.now, in.lives) {
		return g.engines, false
	}
	var fresh, leaving []string
	done := true
	for _, e := range g.engines {
		switch has := slices.Contains(g.now, e); {
		case has && in.carries(e, g.vip):
			list = append(list, e)
		case has:
			fresh, done = append(fresh, e), false
		case load[e] >= limit:
			waits, done = true, false
		default:
			load[e]++
			fresh, done = append(fresh, e), false
		}
	}
	for _, e := range g.now {
		if !slices.Contains(g.engines, e) && in.lives(e) {
			leaving = append(leaving, e)
		}
	}
	if done || len(leaving) == 0 && !waits {
		return g.engines, false
	}
	return slices.Concat(list, leaving, fresh), waits
}

// lives tells whether an engine may be serving.
func (in *placementInput) lives(engine string) bool {
	i, found := slices.BinarySearchFunc(in.engines, engine, byEngine)
	return found && in.engines[i].State != placement.EngineDown && in.engines[i].State != placement.EngineBooting
}

// carries tells whether an engine has reported that it is ready for flows to an address.
func (f *fleet) carries(engine, vip string) bool {
	e := f.engine(engine)
	if e == nil || !e.met || e.down || e.stranded {
		return false
	}
	for _, u := range e.report.Units {
		if u.Address == vip {
			return !u.Drains
		}
	}
	return false
}
