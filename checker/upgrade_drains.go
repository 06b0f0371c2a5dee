package checker

import (
	"time"

	"firedrill/checker/words"
	"firedrill/model"
)

// checkUpgradeDrains wants an upgrade to give flows the time to end (upgrade_drain): an engine is not restarted under a
// flow sooner than that after it has let go of what it served last. Where nobody had room for a service, and the engine
// is restarted while it serves, that is told as a disruption and judged as an outage.
func checkUpgradeDrains(h *evidence) []Violation {
	var out []Violation
	if h.Header.Timers == nil {
		return nil
	}
	least := h.Header.Timers.UpgradeDrain.Std()
	least -= least / 50 // clocks drift
	left := make(map[string]int64)
	serves := make(map[string]map[string]bool) // units, by engine
	for _, e := range h.told {
		switch model.EventKind(e.Event) {
		case model.EventActive:
			if serves[e.Node] == nil {
				serves[e.Node] = make(map[string]bool)
			}
			serves[e.Node][e.Unit] = true
		case model.EventStandby, model.EventDraining:
			delete(serves[e.Node], e.Unit)
			left[e.Node] = e.Time
		case model.EventStopped:
			delete(serves, e.Node)
			delete(left, e.Node)
		case model.EventRestart:
			since, did := left[e.Node]
			if took := time.Duration(e.Time - since); did && took < least && len(serves[e.Node]) == 0 && h.carriesFlow(e.Node, e.Time) {
				out = append(out, violation(e.Time, []string{describe(e)}, "%s was restarted %s after it had let go of what it served, under flows that had %s to end",
					e.Node, words.Duration(took), words.Duration(h.Header.Timers.UpgradeDrain.Std())))
			}
		}
	}
	return out
}

// carriesFlow tells whether a long flow is at an engine then.
func (h *evidence) carriesFlow(engine string, t int64) bool {
	for _, f := range h.longFlows() {
		if f.by == engine && f.begin <= t && (f.end == 0 || f.end >= t) {
			return true
		}
	}
	return false
}
