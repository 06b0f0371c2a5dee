package placement

import (
	"cmp"
	"slices"
)

// rebalance moves services for anti-affinity and for balance alone, until neither gains from one more move. It waits
// until nobody lacks a slot.
func (g *group) rebalance() {
	for _, s := range g.services {
		if len(s.at) < s.want {
			return
		}
	}
	for g.part() || g.level() {
	}
}

// part moves one placement away from the host, or rack, of another of its service.
func (g *group) part() bool {
	for _, s := range g.services {
		for _, e := range slices.Backward(s.at) { // the primary last
			if !e.takes() {
				continue
			}
			now, best := g.without(s, e)
			if best.engine == nil || best.odds.apart() >= now.apart() {
				continue
			}
			s.moved = Reason{Code: CodeRebalanceHost, Engine: e.Name, Host: e.host.Name}
			g.take(s, e)
			g.give(s, best.engine, best.where(g.config.MaxVSPerSE))
			return true
		}
	}
	return false
}

// without weighs the engine of a placement, and the best other one, as if the placement were not there.
func (g *group) without(s *service, e *engine) (now odds, best candidate) {
	others := s.at
	s.at = slices.DeleteFunc(slices.Clone(others), func(o *engine) bool { return o == e })
	first := len(s.at) == 0
	s.visit(+1)
	now = e.odds(first)
	for _, o := range g.takers {
		if o == e || len(o.holds) >= g.config.MaxVSPerSE || o.mark == s {
			continue
		}
		if odds := o.odds(first); best.engine == nil || odds < best.odds {
			best = candidate{o, odds, !first}
		}
	}
	s.visit(-1)
	s.at = others
	return now, best
}

// level moves one placement from an engine to one that holds at least two fewer, but never nearer to another of its
// service.
func (g *group) level() bool {
	for _, from := range slices.SortedStableFunc(slices.Values(g.takers), func(a, b *engine) int { return cmp.Compare(len(b.holds), len(a.holds)) }) {
		// Secondaries first: to move them disturbs less.
		holds := slices.SortedFunc(slices.Values(from.holds), func(a, b *service) int {
			return cmp.Or(compareBool(a.primary == from, b.primary == from), cmp.Compare(a.Name, b.Name))
		})
		for _, s := range holds {
			now, best := g.without(s, from)
			if best.engine == nil || best.odds.load()+2 > now.load() || best.odds.apart() > now.apart() {
				continue
			}
			s.moved = Reason{Code: CodeRebalanceLoad, Engine: from.Name, Have: now.load(), Want: best.odds.load()}
			g.take(s, from)
			g.give(s, best.engine, best.where(g.config.MaxVSPerSE))
			return true
		}
	}
	return false
}
