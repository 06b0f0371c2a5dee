package real

import (
	"bufio"
	"encoding/json"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/real/node"
	"firedrill/scenarios"
)

// TestWhatMachinesSayIsAnswered lets machines say something and listens to what all are told.
func TestWhatMachinesSayIsAnswered(t *testing.T) {
	say := func(name string, e model.Event) history.Event {
		return history.Event{Time: 5, Type: history.NodeEv, Node: name, Event: string(e.Kind), Unit: e.Unit, Peer: e.Peer, Index: e.Index}
	}
	for _, c := range []struct {
		name string
		said []history.Event
		told string // in short, in the order of the machines
	}{
		{"the members are those of the plan", []history.Event{
			say("controller-1", model.Event{Kind: model.EventMembers, Unit: "controller-1 controller-2 controller-3", Index: 3})}, ""},
		{"a member has left", []history.Event{
			say("controller-1", model.Event{Kind: model.EventMembers, Unit: "controller-1 controller-3", Index: 9}),
			say("controller-3", model.Event{Kind: model.EventMembers, Unit: "controller-1 controller-3", Index: 9})},
			"engine-1: members 198.18.0.11 198.18.0.13; engine-2: members 198.18.0.11 198.18.0.13; client-outside: members 198.18.0.11 198.18.0.13; client-nearby: members 198.18.0.11 198.18.0.13; client-api: members 198.18.0.11 198.18.0.13"},
		{"another cluster's members", []history.Event{
			say("controller-1", model.Event{Kind: model.EventMembers, Unit: "controller-1", Peer: "another", Index: 9})}, ""},
		{"somebody has read the metrics", []history.Event{
			say("controller-1", model.Event{Kind: model.EventMetricsRead, Unit: "web"})}, "engine-1: carried web; engine-2: carried web"},
		{"nothing of interest", []history.Event{say("controller-1", model.Event{Kind: model.EventStarted})}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := testRun(t, "real-leader-killed")
				machines := r.machines()
				told := make([][]string, len(machines))
				for i, m := range machines {
					ours, theirs := net.Pipe()
					defer ours.Close()
					m.voice.Store(&voice{ear: ours})
					go func() {
						for in := bufio.NewScanner(theirs); in.Scan(); {
							told[i] = append(told[i], short(t, in.Bytes()))
						}
					}()
				}
				for i := range c.said {
					m := r.byName[c.said[i].Node]
					r.hear(m, m.voice.Load(), history.AppendEvent(nil, &c.said[i]))
				}
				synctest.Wait()
				var all []string
				for i, m := range machines {
					for _, what := range told[i] {
						all = append(all, m.Name+": "+what)
					}
				}
				if got := strings.Join(all, "; "); got != c.told {
					t.Errorf("told is %q, want %q", got, c.told)
				}
				if !slices.Equal(r.members(), r.known) {
					t.Errorf("the members are %v, and clients know %v", r.members(), r.known)
				}
			})
		})
	}
}

func short(t *testing.T, line []byte) string {
	var m node.Message
	if err := json.Unmarshal(line, &m); err != nil {
		t.Error(err)
	}
	switch {
	case m.Carried != nil:
		return "carried " + *m.Carried
	case m.Members != nil:
		text := "members"
		for _, ip := range m.Members {
			text += " " + ip.String()
		}
		return text
	}
	return string(line)
}

// TestOnlyTheCloudCalls has others try.
func TestOnlyTheCloudCalls(t *testing.T) {
	var why error
	r := newRun(t.Context(), &scenarios.Scenario{}, &cluster{}, func(err error) { why = err })
	r.hear(&machine{Node: scenarios.Node{Name: "engine-1", Role: scenarios.RoleEngine}}, nil, []byte(`{"call":{"number":1,"destroy":"engine-2"}}`))
	if why == nil || !strings.Contains(why.Error(), "engine-1 calls a hypervisor, and is no cloud") {
		t.Errorf("the run breaks with %v", why)
	}
}
