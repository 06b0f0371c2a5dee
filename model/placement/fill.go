package placement

import (
	"cmp"
	"slices"
)

// urgency is what a slot is needed for, most urgent first.
type urgency uint8

const (
	urgentRun     urgency = iota // the service runs nowhere
	urgentScale                  // it runs on fewer engines than it should
	urgentReplace                // it runs on an engine that it should leave
)

// need is one placement that a service lacks.
type need struct {
	service *service
	urgency urgency
	nth     int // placement of the service
}

// fill gives slots to those that lack them, last to those that can wait.
func (g *group) fill() {
	g.serve(g.needs(false))
	g.hold()
	g.serve(g.needs(true))
}

// serve works through needs of falling urgency. Round by round, every service gets its first engine before any gets its
// second. What finds no free slot may still get one when another service moves on.
func (g *group) serve(needs []need) {
	for len(needs) > 0 {
		round := 1
		for round < len(needs) && compareNeeds(needs[0], needs[round]) == 0 {
			round++
		}
		var stuck []need
		for _, n := range needs[:round] {
			if !g.place(n) {
				stuck = append(stuck, n)
			}
		}
		for _, n := range stuck {
			g.makeRoom(n)
		}
		needs = needs[round:]
	}
}

// needs lists what the services lack that can wait, or that cannot.
func (g *group) needs(patient bool) (needs []need) {
	for _, s := range g.services {
		if s.Patient != patient {
			continue
		}
		for nth := len(s.runs) + 1; nth <= s.want; nth++ {
			u := urgentScale
			if nth == 1 {
				u = urgentRun
			}
			needs = append(needs, need{s, u, nth})
		}
		replaceable := min(s.want, len(s.at)+len(s.leaving))
		for nth := len(s.at) + 1; nth <= replaceable; nth++ {
			needs = append(needs, need{s, urgentReplace, nth})
		}
	}
	slices.SortStableFunc(needs, compareNeeds)
	return needs
}

func compareNeeds(a, b need) int {
	return cmp.Or(cmp.Compare(a.urgency, b.urgency), cmp.Compare(a.nth, b.nth))
}

// place puts a service onto a free slot, and tells whether there was one.
func (g *group) place(n need) bool {
	if g.exact && len(g.takers) <= exhaustive && !n.service.Patient {
		return g.makeRoom(n)
	}
	limit := g.config.MaxVSPerSE
	if n.service.Patient {
		limit = g.limit
	}
	best := g.best(n.service, limit)
	if best.engine == nil {
		return false
	}
	g.give(n.service, best.engine, best.where(g.config.MaxVSPerSE))
	return true
}

func (g *group) give(s *service, e *engine, where Reason) {
	if s.primary == nil {
		s.primary = e
	}
	if s.primary == e {
		e.primaries++
	}
	s.at = append(s.at, e)
	s.picks = append(s.picks, pick{e, where})
	e.holds = append(e.holds, s)
	g.free--
	g.ways = nil
}

// take is the opposite of give.
func (g *group) take(s *service, e *engine) {
	s.drop(e)
	s.picks = slices.DeleteFunc(s.picks, func(p pick) bool { return p.engine == e })
	e.release(s)
	g.free++
	g.ways = nil
}
