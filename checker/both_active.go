package checker

import (
	"firedrill/checker/history"
	"firedrill/model"
)

// checkBothActive follows what engines believe of themselves. It sees a split pair even where the addresses
// of the losing side are out of reach; a stopped engine believes nothing.
func checkBothActive(h *history.History) []Violation {
	s := newHolders(h, "%s was served by %s, each believing to be the one, for %v from %v on; at most %v are allowed")
	for i := range h.Events {
		e := &h.Events[i]
		if e.Type != history.NodeEv {
			continue
		}
		switch model.EventKind(e.Event) {
		case model.EventActive:
			s.take(e.Unit, e.Node, e.Time)
		case model.EventStandby:
			s.give(e.Unit, e.Node, e.Time)
		case model.EventStarted, model.EventStopped:
			s.stop(e.Node, e.Time)
		}
	}
	return s.finish(int64(ends(h)))
}
