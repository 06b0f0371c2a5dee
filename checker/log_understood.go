package checker

import (
	"firedrill/model"
)

// checkLogUnderstood: while builds of two versions run side by side, the leader writes what both read. A node that finds
// what it does not understand in its log rightly stops, but should never have been given it. A message that it drops is
// no matter: its sender learns.
func checkLogUnderstood(h *evidence) []Violation {
	var out []Violation
	for _, e := range h.told {
		if is(e, model.EventRefused) && e.Peer == "" {
			out = append(out, violation(e.Time, []string{describe(e)}, "%s was given a log that its build cannot read", e.Node))
		}
	}
	return out
}
