package checker

import (
	"firedrill/model"
)

// checkOneHolderPerAddress follows the addresses of engines and controllers, as the world saw them added and
// removed. While two nodes answer for one address, clients reach either, and neither knows the other's flows.
func checkOneHolderPerAddress(h *evidence) []Violation {
	outside := make(map[string]bool)
	for _, n := range h.Header.Nodes {
		outside[n.Name] = n.Role != "engine" && n.Role != "controller"
	}
	s := newHolders(h.Header.Expect, "%s was held by %s for %s from %s on; at most %s are allowed")
	for _, e := range h.told {
		if outside[e.Node] {
			continue
		}
		switch model.EventKind(e.Event) {
		case model.EventAddressAdded:
			s.take(e.Unit, e.Node, e.Time)
		case model.EventAddressRemoved:
			s.give(e.Unit, e.Node, e.Time)
		case model.EventStarted, model.EventStopped:
			s.stop(e.Node, e.Time)
		}
	}
	return s.finish(int64(ends(h.History)))
}
