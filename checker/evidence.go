package checker

import "firedrill/checker/history"

// evidence is a history, with what several checks need of it found once.
type evidence struct {
	*history.History
	told    []*history.Event // what nodes said
	faults  []fault
	watches []watch
	outages []Outage
}

func gather(h *history.History) *evidence {
	e := &evidence{History: h, faults: faults(h), watches: watched(h)}
	for i := range h.Events {
		if h.Events[i].Type == history.NodeEv {
			e.told = append(e.told, &h.Events[i])
		}
	}
	e.outages = e.measure()
	return e
}
