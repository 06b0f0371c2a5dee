package checker

import (
	"firedrill/checker/history"
	"firedrill/model"
)

// checkConfigNeverRegresses: an engine has its configuration on its disk before it runs it, so not even a loss
// of power takes it back to an older one.
func checkConfigNeverRegresses(h *evidence) []Violation {
	var out []Violation
	highest := make(map[string]*history.Event)
	for _, e := range h.told {
		if model.EventKind(e.Event) != model.EventConfigured {
			continue
		}
		if before := highest[e.Node]; before != nil && e.Index < before.Index {
			out = append(out, violation(e.Time, []string{describe(before), describe(e)},
				"%s runs the configuration of index %d, after it ran that of index %d", e.Node, e.Index, before.Index))
			continue
		}
		highest[e.Node] = e
	}
	return out
}
