package checker

import (
	"net/netip"
	"slices"
	"strings"

	"firedrill/checker/history"
	"firedrill/model"
)

// checkFlowsSurvive follows the long flows of clients. A flow dies with its engine, or when one of a legacy pair gives its
// load up; it must not die with another engine: the primary's successor finds it where it is ("Virtual Service Scaling":
// flows on surviving engines survive).
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

// interrupted tells whether a node has stopped or started in between, or stands by for a legacy pair since.
func (h *evidence) interrupted(node string, from, until int64) bool {
	return slices.ContainsFunc(h.told, func(e *history.Event) bool {
		if e.Node != node || e.Time < from || e.Time > until {
			return false
		}
		switch model.EventKind(e.Event) {
		case model.EventStopped, model.EventStarted:
			return true
		case model.EventStandby:
			_, unit, _ := strings.Cut(e.Unit, "/")
			_, err := netip.ParseAddr(unit)
			return err != nil // the units of an elastic group are addresses
		}
		return false
	})
}

// hurt tells whether a fault is felt by what a flow depends on, other engines left out; or by who reset it, which may be
// one that was frozen and now answers what has piled up.
func (h *evidence) hurt(e *history.Event) bool {
	reset, _ := strings.CutPrefix(e.Reason, "reset by ")
	return slices.ContainsFunc(h.faults, func(f fault) bool {
		return f.felt(e.Time) && f.reaches(func(n history.Node) bool {
			return n.Name == e.By || n.Name == reset || n.Role == "server" || n.Role == "gateway" || n.Role == "client"
		})
	})
}
