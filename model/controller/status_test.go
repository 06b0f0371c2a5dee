package controller

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"firedrill/model"
)

// statusAt asks one controller how it sees the cluster.
func (w *world) statusAt(h *host) clusterStatus {
	w.Helper()
	var s clusterStatus
	r := w.ask(h, request{method: "GET", path: "/api/cluster/status"})
	if err := json.Unmarshal(r.Body, &s); err != nil || r.Status != 200 || s.AnsweredBy != h.cfg.Name {
		w.Fatalf("status at %s: %v, %v", h.cfg.Name, r, err)
	}
	return s
}

// TestClusterStates: what one controller says of the cluster, as the others go and come.
func TestClusterStates(t *testing.T) {
	for _, c := range []struct {
		name        string
		size, gone  int
		leaderGoes  bool
		want, after string
	}{
		{"one", 1, 0, false, ClusterNoHA, ClusterNoHA},
		{"three", 3, 0, false, ClusterActive, ClusterActive},
		{"a follower gone", 3, 1, false, ClusterCompromised, ClusterActive},
		{"the leader gone", 3, 1, true, ClusterCompromised, ClusterActive},
		{"two gone", 3, 2, true, ClusterDown, ClusterActive},
		{"both followers gone", 3, 2, false, ClusterDown, ClusterActive},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.size)
			w.pass(5 * time.Second)
			order := append(w.followers(), w.leader()) // the leader stays longest
			if c.leaderGoes {
				order = append([]*host{w.leader()}, w.followers()...)
			}
			survivor := order[len(order)-1]
			for _, h := range order[:c.gone] {
				h.crash()
			}
			w.pass(5 * time.Second)
			if got := w.statusAt(survivor).State; got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			for _, h := range order[:c.gone] {
				h.start()
			}
			w.pass(5 * time.Second)
			if got := w.statusAt(survivor).State; got != c.after {
				t.Errorf("after their return: %s, want %s", got, c.after)
			}
		})
	}
}

// TestStatusNamesNodes: the status tells each node's part, and what the node itself says.
func TestStatusNamesNodes(t *testing.T) {
	w := newWorld(t, 3)
	w.pass(5 * time.Second)
	leader, gone, asked := w.leader(), w.followers()[0], w.followers()[1]
	gone.crash()
	w.pass(5 * time.Second)
	s := w.statusAt(asked)
	if s.Leader != leader.cfg.Name || s.Change != "" || s.Term == 0 || len(s.Nodes) != 3 {
		t.Errorf("status: %+v", s)
	}
	for i, n := range s.Nodes {
		h := w.hosts[i]
		role, state := "CLUSTER_FOLLOWER", StateReady
		switch h {
		case leader:
			role = "CLUSTER_LEADER"
		case gone:
			state = StateNotResponsive
		}
		if n.Name != h.cfg.Name || n.IP != h.cfg.Address.String() || n.Role != role || n.State != state || n.Version != "16.2" || n.Applied == 0 {
			t.Errorf("%+v, want %s %s", n, role, state)
		}
	}
}

// TestReboot: a follower passes through the states of a reboot in their order, and the event log says that it left and
// that it is back.
func TestReboot(t *testing.T) {
	w := newWorld(t, 3)
	w.pass(5 * time.Second)
	w.must(request{method: "POST", path: "/api/serviceenginegroup", body: `{"name":"g","ha_mode":"HA_MODE_LEGACY_ACTIVE_STANDBY"}`})
	f := w.followers()[0]
	f.crash()
	w.pass(2 * time.Second)
	f.events = nil
	f.start()
	w.pass(5 * time.Second)
	var states []string
	for _, e := range f.events {
		if e.Kind == model.EventNodeState {
			states = append(states, e.Unit)
		}
	}
	if got, want := strings.Join(states, ", "), strings.Join([]string{StateWaiting, StateCopying, StateReady}, ", "); got != want {
		t.Errorf("states: %s, want %s", got, want)
	}
	var log []string
	for _, e := range w.eventLog("") {
		if e.Object == f.cfg.Name {
			log = append(log, e.ID)
		}
	}
	if got, want := strings.Join(log, " "), EventNodeLeft+" "+EventNodeJoined; got != want {
		t.Errorf("events: %s, want %s", got, want)
	}
}

// eventLog reads the event log at the leader.
func (w *world) eventLog(query string) []Event {
	w.Helper()
	var out struct {
		Count   int
		Results []Event
	}
	r := w.must(request{method: "GET", path: "/api/events" + query})
	if err := json.Unmarshal(r.Body, &out); err != nil || out.Count != len(out.Results) {
		w.Fatalf("events: %v, %d of %d", err, len(out.Results), out.Count)
	}
	return out.Results
}

// logged counts the events of a kind in the event log; the leader is the first machine that leads.
func (w *world) logged(id string) int {
	w.Helper()
	n := 0
	for _, e := range w.eventLog("") {
		if e.ID == id {
			n++
		}
	}
	return n
}

// TestEventsSurvive: the event log is the same under the next leader, and since leaves out what was seen.
func TestEventsSurvive(t *testing.T) {
	w := newWorld(t, 3)
	w.pass(5 * time.Second)
	before := w.eventLog("")
	w.leader().crash()
	w.until("another leads", func() bool { return w.leader() != nil })
	w.pass(time.Second)
	after := w.eventLog("")
	if len(before) == 0 || len(after) <= len(before) || fmt.Sprint(after[:len(before)]) != fmt.Sprint(before) {
		t.Fatalf("before: %v, after: %v", before, after)
	}
	last := after[len(after)-1].Index
	if got := w.eventLog(fmt.Sprintf("?since=%d", before[len(before)-1].Index)); fmt.Sprint(got) != fmt.Sprint(after[len(before):]) {
		t.Errorf("since: %v, want %v", got, after[len(before):])
	}
	if got := w.eventLog(fmt.Sprintf("?since=%d", last)); len(got) != 0 {
		t.Errorf("since the last: %v", got)
	}
}
