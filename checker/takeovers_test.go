package checker

import (
	"testing"
	"time"

	"firedrill/checker/history"
	"firedrill/model"
)

// TestTakeovers: which flows a takeover finds open, and which of them it breaks.
func TestTakeovers(t *testing.T) {
	h := &history.History{Header: history.Header{Services: []history.Service{{Name: "shop", Address: "198.19.2.1", Group: "g"}}}}
	second := int64(time.Second)
	flow := func(at int64, op uint64, phase string) {
		h.Events = append(h.Events, history.Event{Time: at * second, Type: history.Flow, Client: "c", Op: op, Service: "shop", Phase: phase, By: "a"})
	}
	active := func(at int64, node string) {
		h.Events = append(h.Events, history.Event{Time: at * second, Type: history.NodeEv, Node: node, Event: string(model.EventActive), Unit: "g/198.19.2.1"})
	}
	active(1, "a")
	for op := range uint64(5) {
		flow(2, op+1, history.Begin)
	}
	flow(3, 1, history.Finish)  // long before
	flow(19, 2, history.Finish) // its engine had died
	active(20, "b")
	flow(21, 3, history.Finish)
	flow(21, 6, history.Begin) // after it
	flow(40, 4, history.Finish)
	h.Events = append(h.Events, history.Event{Time: 50 * second, Type: history.End})
	got := Judge(h).Takeovers
	if len(got) != 1 || got[0] != (Takeover{Service: "shop", At: 20 * time.Second, Open: 4, Broken: 2}) {
		t.Errorf("%+v", got)
	}
}
