package checker

import (
	"firedrill/checker/history"
)

// checkFaultsStrike wants every planned fault to have struck somebody. One whose selector matched nobody took nothing
// away, so that all else that was checked proves nothing of it. A scenario may say that a fault is optional.
func checkFaultsStrike(h *evidence) []Violation {
	var out []Violation
	for i := range h.Events {
		e := &h.Events[i]
		if e.Type == history.Fault && e.Phase == history.Begin && len(e.Resolved) == 0 && !e.Optional {
			out = append(out, violation(e.Time, nil, "the fault %s at %s never struck: nobody was that when it was due", e.Fault, e.Target))
		}
	}
	return out
}
