package checker

import (
	"strings"

	"firedrill/checker/words"
	"firedrill/model"
)

// checkFailoverCount counts takeovers: elections after the first, and changes of the active engine of a group
// after its first activation. A group that distributes its load counts each of its units.
func checkFailoverCount(h *evidence) []Violation {
	var out []Violation
	for _, bound := range h.Header.Expect.Failovers {
		times := failovers(h, bound.Of)
		switch n := len(times); {
		case n > bound.Max:
			out = append(out, violation(times[bound.Max], nil, "%s failed over %s; at most %d failovers are allowed", bound.Of, words.Times(n), bound.Max))
		case n < bound.Min:
			out = append(out, violation(int64(ends(h.History)), nil, "%s failed over %s; at least %d failovers are expected", bound.Of, words.Times(n), bound.Min))
		}
	}
	return out
}

// failovers lists when the leader ("leader") or an active engine of the group changed.
func failovers(h *evidence, of string) []int64 {
	var times []int64
	active := make(map[string]string) // by unit
	for _, e := range h.told {
		switch model.EventKind(e.Event) {
		case model.EventLeader:
			if of != "leader" {
				continue
			}
			if _, later := active[""]; later {
				times = append(times, e.Time)
			}
			active[""] = e.Node
		case model.EventActive:
			if group, _, _ := strings.Cut(e.Unit, "/"); group != of {
				continue
			}
			if before, later := active[e.Unit]; later && before != e.Node {
				times = append(times, e.Time)
			}
			active[e.Unit] = e.Node
		}
	}
	return times
}
