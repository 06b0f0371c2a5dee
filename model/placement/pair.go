package placement

import (
	"slices"

	"firedrill/model/config"
)

// staffPair sees to the two engines of a legacy group in a cloud that may be written to ("Legacy HA for Avi Service
// Engines": exactly two). The place of a dead one is free as soon as it is given back to the cloud, which makes sure
// that it does not serve any more; it is given back when the other engine is up, or when the cloud knows of the death
// too. A leader that hears neither of the two may be cut off from both. The place of one that stands by on a host that is
// to be maintained is free as well, so that the other one has somebody to hand over to.
func (g *group) staffPair(plan *Plan) {
	if g.spec.Access != config.WriteAccess {
		return
	}
	up := slices.ContainsFunc(g.engines, func(e *engine) bool { return e.State == EngineUp })
	there := 0
	for _, e := range g.engines {
		switch {
		case g.leaves(e):
			plan.Delete = append(plan.Delete, Deletion{e.Name, e.whyBarred()})
		case e.exists() || !e.Managed || !up && !e.host.Down:
			there++
		default:
			plan.Delete = append(plan.Delete, Deletion{e.Name, Reason{Code: CodeReplaced, Engine: e.Name}})
		}
	}
	want := g.config.MaxSE
	if g.creating = max(0, want-there); !g.canCreate() {
		g.creating = 0
	}
	for i := range g.creating {
		plan.Create = append(plan.Create, Creation{Group: g.config.Name, Why: Reason{Code: CodePair, Group: g.config.Name, Have: there + i, Want: want}})
	}
	g.house(plan.Create[len(plan.Create)-g.creating:])
	if short := there + g.creating; short < want {
		plan.Warnings = append(plan.Warnings, Warning{Group: g.config.Name, Why: Reason{Code: CodePairNoHost, Group: g.config.Name, Have: short, Want: want}})
	}
}

// leaves tells whether an engine is given back before its host is maintained: it stands by for another that is well, and
// there is a host for the one that takes its place.
func (g *group) leaves(e *engine) bool {
	return e.Managed && e.State == EngineUp && e.host.Maintenance && !e.Serves && g.canCreate() && !g.hostless() &&
		slices.ContainsFunc(g.engines, func(o *engine) bool { return o != e && o.State == EngineUp && o.Serves })
}
