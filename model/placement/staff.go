package placement

import (
	"cmp"
	"slices"

	"firedrill/model/config"
)

// retain settles the engines of every service: what finds no slot stays where it runs, even if it should leave. An
// engine that drains must become empty, though, and so must one whose host is to be maintained: services that run on a
// healthy one too give it up meanwhile, as for an upgrade ("Upgrading Avi Vantage Software").
func (g *group) retain() {
	for _, s := range g.services {
		g.missing += s.want - len(s.at)
		elsewhere := slices.ContainsFunc(s.at, (*engine).takes)
		staying := s.want - len(s.at)
		var kept []*engine
		for _, l := range s.leaving {
			if staying == 0 || slices.Contains(s.at, l.engine) || elsewhere && l.why.soon() {
				continue
			}
			staying--
			s.stays++
			l.engine.retained++
			kept = append(kept, l.engine)
		}
		s.conclude(kept)
	}
}

// conclude orders the engines of a service: those where it runs go before those where it will, and the primary leads.
func (s *service) conclude(kept []*engine) {
	for _, e := range s.runs {
		if slices.Contains(s.at, e) || slices.Contains(kept, e) {
			s.final = append(s.final, e)
		}
	}
	running := s.final
	for _, p := range s.picks {
		if !slices.Contains(s.runs, p.engine) {
			s.final = append(s.final, p.engine)
		}
	}
	if len(running) == 0 || running[0].Name == s.Engines[0] {
		return
	}
	if i := max(0, slices.IndexFunc(running, (*engine).takes)); i > 0 {
		lead := s.final[i]
		s.final = slices.Insert(slices.Delete(s.final, i, i+1), 0, lead)
	}
}

// staff asks for the engines that are lacking, and gives back those that are not wanted.
func (g *group) staff(plan *Plan) {
	lacking := g.lacking()
	if g.canCreate() {
		g.creating = max(0, min(lacking, g.config.MaxSE-g.exist))
	}
	for i := range g.creating {
		why := Reason{Code: CodeNoSlot, Group: g.config.Name, Have: g.missing}
		if have := g.have + i; have < min(g.base, g.want) {
			why = Reason{Code: CodeBuffer, Group: g.config.Name, Have: have, Want: g.want}
		} else if have < g.want {
			why = Reason{Code: CodeFresh, Group: g.config.Name, Have: have, Want: g.want}
		}
		plan.Create = append(plan.Create, Creation{Group: g.config.Name, Why: why})
	}
	g.house(plan.Create[len(plan.Create)-g.creating:])
	if g.spec.Access == config.WriteAccess {
		g.dismiss(plan)
	}
}

// lacking counts the engines to create: for N + M, and so many that everything that lacks a slot can have one of those
// that are coming, no two of one service on the same engine. Slots of an engine that drains come back, but not for
// what waits to leave one, nor for a service that runs nowhere.
func (g *group) lacking() int {
	coming, back := 0, 0 // engines
	var soon, later int  // slots
	for _, e := range g.engines {
		switch slots := max(0, g.config.MaxVSPerSE-len(e.holds)-e.retained); {
		case e.boots() || e.doubted():
			coming++
			soon += slots
		case e.drains():
			back++
			later += slots
		}
	}
	n, urgent := g.want-g.have, 0
	for _, s := range g.services {
		missing := s.want - len(s.at)
		if missing == 0 {
			continue
		}
		now := s.stays
		if len(s.final) == 0 {
			now = missing
		}
		urgent += now
		useless := 0
		for _, e := range s.at {
			if e.doubted() {
				useless++
			}
		}
		n = max(n, now-(coming-useless), missing-(coming-useless)-(back-min(back, s.draining())))
	}
	return max(n, ceil(urgent-soon, g.config.MaxVSPerSE), ceil(g.missing-soon-later, g.config.MaxVSPerSE))
}

// draining counts the draining engines that a service cannot leave.
func (s *service) draining() (n int) {
	for _, e := range s.final {
		if e.drains() {
			n++
		}
	}
	return n
}

// house chooses hosts for new engines: the one with the fewest engines of the group, and of those one where none has
// died, in the rack with the fewest, with the fewest engines of all groups. With more engines than hosts all hosts fill
// up evenly, and the rule counts as met.
func (g *group) house(creations []Creation) {
	if len(creations) == 0 || g.hostless() {
		return
	}
	type tally struct{ mine, dead, all int }
	hosts := make([]tally, len(g.site.hosts))
	racks := map[*rack]int{}
	for _, e := range g.site.engines {
		t := &hosts[e.host.id]
		switch {
		case !e.exists() && e.group == g:
			t.dead++
		case e.exists() && e.group == g:
			t.mine++
			racks[e.host.rack]++
			fallthrough
		case e.exists():
			t.all++
		}
	}
	compare := func(a, b *host) int {
		x, y := hosts[a.id], hosts[b.id]
		return cmp.Or(cmp.Compare(x.mine, y.mine), cmp.Compare(x.dead, y.dead), cmp.Compare(racks[a.rack], racks[b.rack]), cmp.Compare(x.all, y.all))
	}
	open := slices.DeleteFunc(slices.Clone(g.site.hosts), func(h *host) bool { return !g.open(h) })
	for i := range creations {
		h := slices.MinFunc(open, compare)
		hosts[h.id].mine++
		hosts[h.id].all++
		racks[h.rack]++
		creations[i].Host = h.Name
	}
}

// dismiss gives back idle engines: those on barred hosts, and when nobody lacks a slot, those beyond what is wanted;
// of these first one that boots still, then one on a host with many. Who is doubted may be found dead the next moment, and
// an engine that is idle now takes its place: it does not count here.
func (g *group) dismiss(plan *Plan) {
	hosts, doubted := map[*host]int{}, 0
	var idle []*engine
	for _, e := range g.engines {
		hosts[e.host]++
		if e.doubted() {
			doubted++
		}
		switch {
		case !e.Managed || !e.exists() || e.running > 0 || len(e.holds) > 0:
		case e.barred:
			plan.Delete = append(plan.Delete, Deletion{e.Name, e.whyBarred()})
		case e.boots() || e.takes():
			idle = append(idle, e)
		}
	}
	for g.missing == 0 && g.have-doubted > g.want && len(idle) > 0 {
		e := slices.MaxFunc(idle, func(a, b *engine) int {
			return cmp.Or(compareBool(a.boots(), b.boots()), cmp.Compare(hosts[a.host], hosts[b.host]), cmp.Compare(a.Name, b.Name))
		})
		plan.Delete = append(plan.Delete, Deletion{e.Name, Reason{Code: CodeSurplus, Engine: e.Name, Have: g.have, Want: g.want}})
		idle = slices.DeleteFunc(idle, func(o *engine) bool { return o == e })
		hosts[e.host]--
		g.have--
		if e.takes() {
			g.free -= g.config.MaxVSPerSE
		}
	}
}

// orphans gives back the engines of groups that are gone, once they are empty.
func (s *site) orphans(plan *Plan) {
	for _, e := range s.engines {
		if e.group == nil && e.Managed && e.running == 0 {
			plan.Delete = append(plan.Delete, Deletion{e.Name, Reason{Code: CodeOrphaned, Engine: e.Name, Group: e.Engine.Group}})
		}
	}
}
