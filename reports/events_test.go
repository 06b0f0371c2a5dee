package reports

import (
	"fmt"
	"testing"
	"time"

	"firedrill/checker"
	"firedrill/checker/history"
)

func TestStoryKeepsToItsTimeAndCap(t *testing.T) {
	o := outage{Outage: &checker.Outage{Start: 10 * time.Second, Duration: 2 * time.Second}}
	h := &history.History{}
	add := func(at time.Duration, typ history.Type, node, event string) {
		h.Events = append(h.Events, history.Event{Time: int64(at), Type: typ, Node: node, Event: event, Fault: event})
	}
	add(9*time.Second-1, history.NodeEv, "early", "started")
	add(9*time.Second, history.NodeEv, "engine-10", "started")
	add(10*time.Second, history.Fault, "", "crash")
	add(10*time.Second, history.Probe, "", "")
	add(11*time.Second, history.NodeEv, "engine-2", "applied")
	for i := range maxLines {
		add(12*time.Second, history.NodeEv, fmt.Sprintf("n-%d", i%14), "server_down")
	}
	add(13*time.Second, history.NodeEv, "engine-2", "active")
	add(13*time.Second+1, history.NodeEv, "late", "started")

	s := tell(h, o)
	if len(s.Lines) != maxLines || s.LeftOut != 3 || s.Routine != 1 {
		t.Errorf("%d lines, %d left out, %d routine", len(s.Lines), s.LeftOut, s.Routine)
	}
	if len(s.Lanes) != maxLanes || s.LanesLeft != 5 || s.Lanes[0].Name != "fault" {
		t.Errorf("%d lanes from %s on, %d left out", len(s.Lanes), s.Lanes[0].Name, s.LanesLeft)
	}
	if l := s.Lines[0]; l.Lane != "engine-10" || l.Offset != "−1.000 s" || l.Left != 0 {
		t.Errorf("the first line is %+v", l)
	}
	if s.Begin != 25 || s.Width != 50 {
		t.Errorf("dark from %v, for %v percent", s.Begin, s.Width)
	}
}

func TestEventsAreSentences(t *testing.T) {
	for _, c := range []struct {
		e    history.Event
		want string
	}{
		{history.Event{Event: "suspected", Peer: "engine-1"}, "suspects engine-1"},
		{history.Event{Event: "suspected"}, "suspects its peer"},
		{history.Event{Event: "leader", Term: 4}, "was elected in term 4"},
		{history.Event{Event: "follower", Term: 4}, "leads no more, term 4"},
		{history.Event{Event: "active", Unit: "198.19.2.1", Term: 2}, "serves 198.19.2.1, epoch 2"},
		{history.Event{Event: "stopped", Detail: "lost power"}, "stopped; lost power"},
		{history.Event{Event: "server_down", Unit: "web", Peer: "server-1"}, "server down web server-1"},
	} {
		if got := nodeText(&c.e); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	f := history.Event{Fault: "partition", Target: "leader", Resolved: []string{"controller-1"}, Phase: history.Finish, Reason: "planned"}
	if got, want := faultText(&f), "partition ends at leader: controller-1; planned"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
