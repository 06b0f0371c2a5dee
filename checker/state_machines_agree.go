package checker

import (
	"firedrill/checker/history"
	"firedrill/model"
)

// checkStateMachinesAgree: figure 3 of the Raft paper, state machine safety, by the hash of the state after
// each command or restored snapshot. A node that disagrees is reported once per life: from then on it
// disagrees at every index.
func checkStateMachinesAgree(h *evidence) []Violation {
	var out []Violation
	states := make(map[uint64]*history.Event)
	reported := make(map[string]bool)
	for _, e := range h.told {
		switch model.EventKind(e.Event) {
		case model.EventStarted:
			delete(reported, e.Node)
		case model.EventApplied, model.EventRestored:
			if e.State == 0 {
				continue
			}
			first, seen := states[e.Index]
			switch {
			case !seen:
				states[e.Index] = e
			case first.State != e.State && !reported[e.Node]:
				reported[e.Node] = true
				out = append(out, violation(e.Time, []string{describe(first), describe(e)},
					"%s and %s hold different states at index %d", first.Node, e.Node, e.Index))
			}
		}
	}
	return out
}
