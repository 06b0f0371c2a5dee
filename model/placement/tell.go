package placement

import (
	"slices"

	"firedrill/model/config"
)

// tell adds to the plan how the group stands, who waits for what, and what could not be mended.
func (g *group) tell(plan *Plan) {
	plan.Groups = append(plan.Groups, GroupStatus{
		Group: g.config.Name, Placements: g.placements, N: g.n, M: g.m, Have: g.have, Want: g.want, FreeSlots: g.free,
	})
	if short := g.have + g.creating; short < g.base {
		why := Reason{Code: CodeShortNoAccess, Group: g.config.Name, Have: short, Want: g.base}
		switch g.blocked().Code {
		case CodeMaxSE:
			why.Code = CodeShortMaxSE
		case CodeNoHost:
			why.Code = CodeShortNoHost
		}
		plan.Warnings = append(plan.Warnings, Warning{Group: g.config.Name, Why: why})
	}
	queue := g.queue()
	for _, outage := range []bool{true, false} {
		for _, s := range g.services {
			if missing := s.want - len(s.at); missing > 0 && outage == (len(s.final) == 0) {
				plan.Waiting = append(plan.Waiting, Wait{s.Name, missing, len(s.final), queue.join(s, missing)})
			}
		}
	}
	hosts := g.hosts()
	for _, s := range g.services {
		if apart, possible := s.hosts(), min(len(s.final), hosts); apart < possible {
			why := Reason{Code: CodeSharedHost, Service: s.Name, Have: apart, Want: possible}
			plan.Warnings = append(plan.Warnings, Warning{g.config.Name, s.Name, why})
		}
	}
}

// hosts counts the hosts on which the group has engines.
func (g *group) hosts() int {
	var seen []*host
	for _, e := range g.engines {
		if e.counts() {
			seen = append(seen, e.host)
		}
	}
	return distinct(seen)
}

// hosts counts the hosts on which the service runs.
func (s *service) hosts() int {
	if len(s.final) < 2 {
		return len(s.final)
	}
	seen := make([]*host, len(s.final))
	for i, e := range s.final {
		seen[i] = e.host
	}
	return distinct(seen)
}

func distinct(hosts []*host) int {
	slices.SortFunc(hosts, func(a, b *host) int { return a.id - b.id })
	return len(slices.Compact(hosts))
}

// blocked says why no more engines can be had.
func (g *group) blocked() Reason {
	switch {
	case g.exist+g.creating >= g.config.MaxSE:
		return Reason{Code: CodeMaxSE, Group: g.config.Name, Have: g.exist + g.creating, Want: g.config.MaxSE}
	case !g.canCreate() && g.spec.Access == config.WriteAccess:
		return Reason{Code: CodeNoHost, Group: g.config.Name}
	}
	return Reason{Code: CodeNoAccess, Group: g.config.Name}
}

// queue hands out the slots that are coming, so that every service that waits is told what it waits for.
type queue struct {
	group  *group
	coming []ticket
}

// ticket is an engine that will have slots.
type ticket struct {
	engine *engine // nil: one that the plan creates
	slots  int
	why    Reason
}

func (g *group) queue() *queue {
	q := &queue{group: g}
	for _, kind := range []struct {
		code Code
		of   func(*engine) bool
	}{
		{CodeWaitsBoot, (*engine).boots}, {CodeWaitsNew, nil}, {CodeWaitsSuspected, (*engine).doubted}, {CodeWaitsDrained, (*engine).drains},
	} {
		if kind.of == nil {
			q.coming = append(q.coming, ticket{nil, g.creating * g.config.MaxVSPerSE, Reason{Code: kind.code, Group: g.config.Name}})
			continue
		}
		for _, e := range g.engines {
			if kind.of(e) {
				slots := g.config.MaxVSPerSE - len(e.holds) - e.retained
				q.coming = append(q.coming, ticket{e, slots, Reason{Code: kind.code, Engine: e.Name}})
			}
		}
	}
	return q
}

// join finds what a service waits for.
func (q *queue) join(s *service, missing int) Reason {
	if s.Patient && q.group.free > 0 && q.group.limit < q.group.config.MaxVSPerSE {
		return Reason{Code: CodeHeld, Group: q.group.config.Name}
	}
	for i := range q.coming {
		t := &q.coming[i]
		if t.slots <= 0 || slices.Contains(s.final, t.engine) || t.why.Code == CodeWaitsDrained && (s.stays > 0 || len(s.final) == 0) {
			continue
		}
		t.slots -= missing
		return t.why
	}
	for _, e := range q.group.engines {
		if e.State == EngineUp && e.FailedLately && len(e.holds) < q.group.config.MaxVSPerSE && !slices.Contains(s.final, e) {
			return Reason{Code: CodeFailedLately, Engine: e.Name}
		}
	}
	return q.group.blocked()
}

// strays are services whose group does not exist.
func (s *site) strays(plan *Plan) {
	for _, v := range s.services {
		if !v.Disabled {
			plan.Waiting = append(plan.Waiting, Wait{v.Name, max(v.Scale, 1), 0, Reason{Code: CodeNoGroup, Group: v.Service.Group}})
		}
	}
}
