package checker

import (
	"slices"

	"firedrill/checker/history"
	"firedrill/model"
)

// checkFlowsSurvive follows the long flows of clients. A flow dies with its engine; it must not die with another one: the
// primary's successor finds it where it is ("Virtual Service Scaling": flows on surviving engines survive).
func checkFlowsSurvive(h *evidence) []Violation {
	type key struct {
		client string
		op     uint64
	}
	var out []Violation
	began := make(map[key]int64)
	for i := range h.Events {
		e := &h.Events[i]
		if e.Type != history.Flow {
			continue
		}
		flow := key{e.Client, e.Op}
		if e.Phase == history.Begin {
			began[flow] = e.Time
			continue
		}
		from, known := began[flow]
		if !known || e.By == "" || h.interrupted(e.By, from, e.Time) || h.hurt(e) {
			continue
		}
		out = append(out, violation(e.Time, nil, "flow %d to %s broke at %s, which lived on and felt no fault (%s)", e.Op, e.Service, e.By, e.Reason))
	}
	return out
}

// interrupted tells whether a node has stopped or started in between.
func (h *evidence) interrupted(node string, from, until int64) bool {
	return slices.ContainsFunc(h.told, func(e *history.Event) bool {
		kind := model.EventKind(e.Event)
		return e.Node == node && e.Time >= from && e.Time <= until && (kind == model.EventStopped || kind == model.EventStarted)
	})
}

// hurt tells whether a fault is felt by what a flow depends on, other engines left out.
func (h *evidence) hurt(e *history.Event) bool {
	return slices.ContainsFunc(h.faults, func(f fault) bool {
		return f.felt(e.Time) && f.reaches(func(n history.Node) bool {
			return n.Name == e.By || n.Role == "server" || n.Role == "gateway" || n.Role == "client"
		})
	})
}
