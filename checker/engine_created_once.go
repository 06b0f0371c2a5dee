package checker

import (
	"slices"

	"firedrill/checker/words"
	"firedrill/model"
)

// checkEngineCreatedOnce wants that a cloud makes no engine twice, and as many as the scenario says, where it allows: a leader that does not
// find what the one before it has begun begins it again under another name.
func checkEngineCreatedOnce(h *evidence) []Violation {
	var out []Violation
	var times []int64
	bound := h.Header.Expect.Created
	made := make(map[string]bool)
	for _, e := range h.told {
		if !is(e, model.EventCreated) {
			continue
		}
		times = append(times, e.Time)
		if made[e.Peer] {
			out = append(out, violation(e.Time, []string{describe(e)}, "%s made %s a second time", e.Node, e.Peer))
		}
		made[e.Peer] = true
		if bound != nil && slices.Contains(bound.NotOn, e.Detail) {
			out = append(out, violation(e.Time, []string{describe(e)}, "%s made %s on %s, which must get no engine", e.Node, e.Peer, e.Detail))
		}
	}
	if bound != nil {
		switch n := len(times); {
		case n > bound.Max:
			out = append(out, violation(times[bound.Max], nil, "engines were made %s; at most %d are allowed", words.Times(n), bound.Max))
		case n < bound.Min:
			out = append(out, violation(int64(ends(h.History)), nil, "engines were made %s; at least %d are expected", words.Times(n), bound.Min))
		}
	}
	return out
}
