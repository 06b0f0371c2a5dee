package checker

import (
	"firedrill/checker/history"
	"firedrill/model"
)

// evidence is a history, with what several checks need of it found once.
type evidence struct {
	*history.History
	told   []*history.Event // what nodes said; not what controllers said of a cluster of their own
	faults []fault

	controllers map[string]bool
	watches     []watch
	outages     []Outage
	spread      unseen      // found when first asked for
	flows       []*longFlow // likewise
}

func gather(h *history.History) *evidence {
	e := &evidence{History: h, faults: faults(h), watches: watched(h), controllers: make(map[string]bool)}
	for _, n := range h.Header.Nodes {
		e.controllers[n.Name] = n.Role == "controller"
	}
	for i := range h.Events {
		if h.Events[i].Type == history.NodeEv && !e.elsewhere(&h.Events[i]) {
			e.told = append(e.told, &h.Events[i])
		}
	}
	e.outages = e.measure()
	return e
}

// elsewhere tells whether a controller speaks of another log than that of the cluster under test: one that is at factory
// default is a cluster of its own, and names it.
func (h *evidence) elsewhere(e *history.Event) bool {
	switch model.EventKind(e.Event) {
	case model.EventVoted, model.EventLeader, model.EventFollower, model.EventReady, model.EventHandover, model.EventApplied, model.EventRestored:
		return e.Unit != ""
	case model.EventSuspected:
		return e.Unit != "" && h.controllers[e.Node]
	case model.EventMembers:
		return e.Peer != ""
	}
	return false
}
