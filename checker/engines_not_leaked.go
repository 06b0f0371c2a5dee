package checker

import (
	"slices"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/checker/words"
	"firedrill/model"
)

// checkEnginesNotLeaked holds what the cloud has in the end against what the configuration knows: every engine that the
// cloud has made and not ended is known, and every known one is there, unless it is about to be made or ended. What has
// changed within recover_within before the end may be under way, and while a fault lasts anything may be.
func checkEnginesNotLeaked(h *evidence) []Violation {
	settled := ends(h.History) - h.recoverWithin()
	if h.lastFaultOver() > settled {
		return nil
	}
	there := make(map[string]*history.Event) // by engine: how the cloud made it
	told := make(map[string]*history.Event)  // by cloud: what the configuration knows
	for _, e := range h.told {
		switch model.EventKind(e.Event) {
		case model.EventCreated:
			there[e.Peer] = e
		case model.EventDeleted:
			delete(there, e.Peer)
		case model.EventEnginesKnown:
			told[e.Unit] = e
		}
	}
	var out []Violation
	known := make(map[string]bool)
	for _, cloud := range sortedKeys(told) {
		e := told[cloud]
		for _, name := range strings.Fields(e.Peer) {
			known[name] = true
			if there[name] == nil && time.Duration(e.Time) <= settled && !slices.Contains(strings.Fields(e.Detail), name) {
				out = append(out, violation(int64(ends(h.History)), []string{describe(e)}, "the configuration knows %s, and the cloud does not have it", name))
			}
		}
	}
	for _, name := range sortedKeys(there) {
		if e := there[name]; !known[name] && time.Duration(e.Time) <= settled {
			out = append(out, violation(int64(ends(h.History)), []string{describe(e)}, "the cloud has %s since %s, and the configuration does not know it",
				name, words.Instant(time.Duration(e.Time))))
		}
	}
	return out
}
