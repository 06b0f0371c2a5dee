package checker

import (
	"firedrill/checker/history"
	"firedrill/model"
)

// checkConfigNeverRegresses: an engine has its configuration on its disk before it runs it, so not even a loss
// of power takes it back to an older one.
func checkConfigNeverRegresses(h *history.History) []Violation {
	var out []Violation
	highest := make(map[string]*history.Event)
	for i := range h.Events {
		e := &h.Events[i]
		if e.Type != history.NodeEv || model.EventKind(e.Event) != model.EventConfigured {
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
