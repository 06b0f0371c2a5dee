package checker

import (
	"firedrill/checker/history"
	"firedrill/model"
)

// checkOneLeaderPerTerm: figure 3 of the Raft paper, election safety.
func checkOneLeaderPerTerm(h *evidence) []Violation {
	var out []Violation
	leaders := make(map[uint64]*history.Event)
	for _, e := range h.told {
		if model.EventKind(e.Event) != model.EventLeader {
			continue
		}
		first, taken := leaders[e.Term]
		switch {
		case !taken:
			leaders[e.Term] = e
		case first.Node != e.Node:
			out = append(out, violation(e.Time, []string{describe(first), describe(e)},
				"%s and %s both led in term %d", first.Node, e.Node, e.Term))
		}
	}
	return out
}
