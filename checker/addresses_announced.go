package checker

import (
	"time"

	"firedrill/checker/history"
	"firedrill/model"
)

// announceWithin is how soon an address that a node takes must be announced.
const announceWithin = 500 * time.Millisecond

// checkAddressesAnnounced wants a gratuitous ARP behind every address that a node takes: without one, neighbours go
// on sending to whoever had it before. A node that gives the address up or stops meanwhile owes nothing, nor does
// anybody where the world never tells of an announcement.
func checkAddressesAnnounced(h *evidence) []Violation {
	var out []Violation
	type holding struct{ node, address string }
	owed := make(map[holding]*history.Event)
	var order []holding // as they came
	told := false
	for _, e := range h.told {
		this := holding{e.Node, e.Unit}
		switch model.EventKind(e.Event) {
		case model.EventAnnounced:
			told = true
			if since := owed[this]; since != nil && e.Time-since.Time <= int64(announceWithin) {
				delete(owed, this)
			}
		case model.EventAddressAdded:
			owed[this], order = e, append(order, this)
		case model.EventAddressRemoved:
			if since := owed[this]; since != nil && e.Time-since.Time <= int64(announceWithin) {
				delete(owed, this)
			}
		case model.EventStarted, model.EventStopped:
			for _, o := range order {
				if since := owed[o]; o.node == e.Node && since != nil && e.Time-since.Time <= int64(announceWithin) {
					delete(owed, o)
				}
			}
		}
	}
	for _, o := range order {
		since := owed[o]
		if !told || since == nil || int64(ends(h.History))-since.Time <= int64(announceWithin) {
			continue
		}
		delete(owed, o)
		out = append(out, violation(since.Time+int64(announceWithin), []string{describe(since)},
			"%s took the address %s and did not announce it within %v", o.node, o.address, announceWithin))
	}
	return out
}
