package checker

import (
	"firedrill/model"
)

// checkBothActive follows what engines believe of themselves. It sees a split pair even where the addresses
// of the losing side are out of reach; a stopped engine believes nothing.
func checkBothActive(h *evidence) []Violation {
	s := newHolders(h.Header.Expect, "%s was served by %s, each believing to be the one, for %s from %s on; at most %s are allowed")
	for _, e := range h.told {
		switch model.EventKind(e.Event) {
		case model.EventActive:
			s.take(e.Unit, e.Node, e.Time)
		case model.EventStandby:
			s.give(e.Unit, e.Node, e.Time)
		case model.EventStarted, model.EventStopped:
			s.stop(e.Node, e.Time)
		}
	}
	return s.finish(int64(ends(h.History)))
}
