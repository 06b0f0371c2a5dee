package placement

import (
	"math"
	"slices"
)

// Where free slots are only left on engines that hold the service already, another service can move there and make
// room. This is the shortest augmenting path of a minimum-cost flow (Busacker and Gowen, 1960) from the service over
// engines to a free slot. Every path being the shortest, the moves are the fewest for what runs in the end.

// The cost of a service on an engine.
const (
	costStays   = 0
	costPrimary = 1       // runs there, but the primary's role goes elsewhere
	costMoves   = 1 << 16 // does not run there: one move; more than any number of the above
)

func (s *service) cost(e *engine) int {
	switch {
	case !slices.Contains(s.runs, e):
		return costMoves
	case s.primary != e:
		return costPrimary
	}
	return costStays
}

// exhaustive is up to how many engines of a group every path is looked at. In a larger group one service at most moves
// for another: whoever is stuck there has placements on every engine with a free slot, so that these are few and the
// others many, and a longer path is hardly ever needed and would be slow to rule out.
const exhaustive = 64

// hop is the rest of the way from an engine to a free slot.
type hop struct {
	cost  int
	guest *service // moves on to next
	next  *engine  // nil: the engine itself has a free slot
}

// makeRoom puts a service onto a slot that others make free for it, or onto one that is free, and tells whether there
// is any.
func (g *group) makeRoom(n need) bool {
	s := n.service
	if g.free == 0 || s.Patient {
		return false
	}
	if g.ways == nil {
		g.ways = g.hops()
	}
	var best candidate
	least := math.MaxInt
	s.visit(+1)
	for _, e := range g.stops {
		h, reachable := g.ways[e]
		if !reachable || e.mark == s || e.crowded && !n.staysOn(e) {
			continue
		}
		cost, o := s.cost(e)+h.cost, e.odds(len(s.at) == 0)
		if cost < least || cost == least && o < best.odds {
			best, least = candidate{e, o, len(s.at) > 0}, cost
		}
	}
	s.visit(-1)
	if best.engine == nil {
		return false
	}
	g.shift(s, best, g.ways)
	return true
}

// staysOn tells whether the need is met when another service leaves the crowded engine instead.
func (n need) staysOn(e *engine) bool {
	return n.urgency == urgentReplace && slices.Contains(n.service.runs, e)
}

// hops finds the cheapest way to a free slot from every engine that has one (Bellman and Ford), backwards and round by
// round: a round needs to look only at what the one before it made cheaper. No way leads over an engine that is crowded:
// it can only begin there, with a service that stays in place of another one.
func (g *group) hops() map[*engine]hop {
	hops := make(map[*engine]hop, len(g.takers))
	var changed []*engine
	for _, e := range g.takers {
		if len(e.holds) < g.config.MaxVSPerSE {
			hops[e] = hop{}
			changed = append(changed, e)
		}
	}
	rounds := len(g.takers)
	if rounds > exhaustive {
		rounds = 1
	}
	for ; rounds > 0 && len(changed) > 0; rounds-- {
		var next []*engine
		for _, e := range g.stops {
			if len(e.holds) >= g.config.MaxVSPerSE && e.approach(changed, hops) {
				if !e.crowded {
					next = append(next, e)
				}
			}
		}
		changed = next
	}
	return hops
}

// approach finds a cheaper way from a full engine by way of the given ones.
func (e *engine) approach(by []*engine, hops map[*engine]hop) (found bool) {
	for _, guest := range e.holds {
		for _, next := range by {
			if next == e || slices.Contains(guest.at, next) {
				continue
			}
			cost := guest.cost(next) - guest.cost(e) + hops[next].cost
			if h, reachable := hops[e]; !reachable || cost < h.cost {
				hops[e] = hop{cost, guest, next}
				found = true
			}
		}
	}
	return found
}

// shift gives the service its slot, its guest the next one, and so on.
func (g *group) shift(s *service, to candidate, hops map[*engine]hop) {
	where := to.where(g.config.MaxVSPerSE)
	if hops[to.engine].next != nil {
		where = Reason{Code: CodeRoomMade, Engine: to.engine.Name}
	}
	// The walk ends before it changes anything that the hops were made from.
	type step struct {
		guest    *service
		from, to *engine
	}
	var steps []step
	for at := to.engine; hops[at].next != nil; at = hops[at].next {
		steps = append(steps, step{hops[at].guest, at, hops[at].next})
	}
	for _, x := range steps {
		g.exact = true
		x.guest.moved = Reason{Code: CodeMakesRoom, Service: s.Name}
		g.take(x.guest, x.from)
		g.give(x.guest, x.to, Reason{Code: CodeRoomMade, Engine: x.to.Name})
	}
	g.give(s, to.engine, where)
}
