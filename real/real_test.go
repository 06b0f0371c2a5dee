package real

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/real/node"
	"firedrill/scenarios"
)

func TestAnOwnerIsAliveUntilItsProcessHasEnded(t *testing.T) {
	if o := parseOwner(thisProcess().String()); o != thisProcess() || !o.alive() {
		t.Errorf("%v does not live", o)
	}
	c := exec.Command("sleep", "60")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	o := thisProcess()
	o.pid = c.Process.Pid
	o.started, _ = startOf(o.pid)
	if !o.alive() {
		t.Error("a process that runs counts as dead")
	}
	later := o
	later.started += "0"
	if later.alive() {
		t.Error("a process that got the number of a dead one counts as that one")
	}
	_ = c.Process.Kill()
	_ = c.Wait()
	if o.alive() {
		t.Error("a process that was killed counts as alive")
	}
	foreign := owner{1, "1", "pid:[1]"}
	if !foreign.alive() || parseOwner("").alive() {
		t.Error("nobody can tell of a process in another namespace that it is dead; of none, anybody")
	}
}

func TestSlotsShareNothing(t *testing.T) {
	next := 1 << 14
	for slot := range slots {
		if first, last := localPorts(slot); first != next || last < first || last > 1<<16-1 {
			t.Fatalf("slot %d connects from ports %d to %d, want from %d on", slot, first, last, next)
		} else {
			next = last + 1
		}
		for n := range networkNames {
			for other := range slots {
				for m := range networkNames {
					if (slot != other || n != m) && subnet(slot, n).Overlaps(subnet(other, m)) {
						t.Fatalf("%v of slot %d overlaps %v of slot %d", subnet(slot, n), slot, subnet(other, m), other)
					}
				}
			}
		}
	}
}

// testRun is one of a plan of the suite, whose machines are no containers.
func testRun(t *testing.T, scenario string) *run {
	t.Helper()
	plan, err := scenarios.Find(scenario)
	if err != nil {
		t.Fatal(err)
	}
	r := newRun(t.Context(), plan, &cluster{}, func(err error) { t.Errorf("the run broke: %v", err) })
	if err := r.install(node.Spec{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestWhoIsToldToCut holds the orders of network faults against the machines that share a network.
func TestWhoIsToldToCut(t *testing.T) {
	r := testRun(t, "real-leader-killed")
	find := func(names string) []*machine { return r.called(strings.Fields(names)) }
	for _, c := range []struct {
		name       string
		at, others []*machine
		network    string
		want       string
	}{
		{"a controller is on one network", find("controller-1"), find("controller-2 engine-1 server-1"), "",
			"controller-1: --peers 198.18.0.12,198.18.1.1,198.19.0.11"},
		{"engines share two, of which one is meant", find("engine-1"), find("engine-2"), "data",
			"engine-1: --network data --peers 198.18.1.2,198.19.0.12"},
		{"those who share none are not told", find("controller-1"), find("server-1"), "", ""},
		{"the gateway is on the data network", find("gateway-1"), find("engine-1 controller-1"), "", "gateway-1: --peers 198.18.1.1,198.19.0.11"},
		{"of everybody who is not there yet, nobody has an address", find("engine-1"), nil, "", "engine-1:"},
		{"who is not on the network of the fault is not told", find("controller-1 engine-1"), nil, "data", "engine-1: --network data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &blow{Fault: &scenarios.Fault{Network: c.network}, step: 3}
			var told []string
			for _, o := range b.cuts(c.at, c.others, "--in") {
				what, ok := strings.CutPrefix(strings.Join(o.args, " "), "cut --id 3")
				what, ok2 := strings.CutSuffix(what, " --in")
				if !ok || !ok2 {
					t.Errorf("it is told %v", o.args)
				}
				told = append(told, o.machine.Name+":"+what)
			}
			if got := strings.Join(told, "; "); got != c.want {
				t.Errorf("told is %q, want %q", got, c.want)
			}
		})
	}
}

func TestWhatContainersCannotSufferIsRefusedByName(t *testing.T) {
	plan := &scenarios.Scenario{Faults: []scenarios.Fault{{Fault: "crash"}, {Fault: "earthquake"}}}
	err := Playable(plan)
	if !errors.As(err, new(Unavailable)) || !strings.Contains(err.Error(), "earthquake") {
		t.Errorf("refused with %v", err)
	}
	if _, err := new(Docker).Play(context.Background(), plan, 1, Options{}); !errors.As(err, new(Unavailable)) {
		t.Errorf("played, with %v", err)
	}
}

// TestEveryFaultCanBePlayed holds the strikes against the catalogue, both ways.
func TestEveryFaultCanBePlayed(t *testing.T) {
	names := scenarios.FaultNames()
	for _, name := range names {
		if strikes[name] == nil {
			t.Errorf("the fault %s cannot be played", name)
		}
	}
	if len(strikes) != len(names) {
		t.Errorf("%d faults can be played, of %d that there are", len(strikes), len(names))
	}
	for name := range details {
		if !slices.Contains(names, name) {
			t.Errorf("of %s, which is no fault, it is said what it does", name)
		}
	}
}

// TestOrdersInForce looks what machines are told when they start: rules of those faults that strike them, and what is still to be
// carried out there.
func TestOrdersInForce(t *testing.T) {
	r := testRun(t, "real-leader-killed")
	for i, f := range []scenarios.Fault{
		{Fault: "loss", Target: "controller-1", Network: "management", Loss: 5},
		{Fault: "disk-full", Target: "controller-1"},
		{Fault: "read-error", Target: "gateway-1"}, // which has no disk
		{Fault: "clock-slow", Target: "engine-1", Share: 300_000},
		{Fault: "duplication", Target: "controller-1", To: "controller-2", Share: 7},
		{Fault: "stale-arp", Target: "gateway-1", Network: "data"},
		{Fault: "stuck-disk", Target: "engine-1"},
		{Fault: "bit-rot", Target: "controller-1"}, // which is over at once
	} {
		b := &blow{Fault: &f, step: i + 1, targets: r.called([]string{f.Target}), others: r.called([]string{"controller-2"})}
		_, mend, err := strikes[f.Fault](t.Context(), r, b)
		if err == nil && f.Fault == "stuck-disk" {
			_, err = mend(t.Context())
		}
		if err != nil {
			t.Fatalf("%s: %v", f.Fault, err)
		}
	}
	for name, want := range map[string]string{
		"controller-1": `{"id":2,"full":true} {"id":5,"peers":["198.18.0.12"],"in":true,"out":true,"twice":"0.0007%"}; cut`,
		"controller-2": ``,
		"engine-1":     `{"id":4,"skew":-300000}`,
		"gateway-1":    `{"id":6,"network":"data","deaf":true}`,
	} {
		rules, orders := r.due(r.byName[name])
		var told []string
		for _, rule := range rules {
			text, err := json.Marshal(rule)
			if err != nil {
				t.Fatal(err)
			}
			told = append(told, string(text))
		}
		got := strings.Join(told, " ")
		for _, o := range orders {
			got += "; " + o.args[0]
		}
		if got != want {
			t.Errorf("%s is told %s, want %s", name, got, want)
		}
	}
}

// TestWhoIsFrozenIsToldLater: nothing can be run in a container that is frozen.
func TestWhoIsFrozenIsToldLater(t *testing.T) {
	r := testRun(t, "real-leader-killed")
	m := r.byName["controller-1"]
	m.up, m.paused = true, 1
	b := &blow{Fault: &scenarios.Fault{}, step: 4, targets: []*machine{m}, others: r.called([]string{"controller-2"})}
	_, heal, err := strikePartitionOneWay(t.Context(), r, &blow{Fault: &scenarios.Fault{To: "controller-1"}, step: 3, targets: b.others, others: b.targets})
	if err == nil {
		_, heal, err = strikes["read-error"](t.Context(), r, b)
	}
	if err == nil {
		_, err = heal(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	var owed []string
	for _, o := range m.owed {
		owed = append(owed, strings.Join(o.args[:3], " "))
	}
	if got, want := strings.Join(owed, ", "), "cut --id 3, fault --id 4, mend --id 4"; got != want {
		t.Errorf("it is owed %s, want %s", got, want)
	}
}

// TestWhatAStrangerClaims follows the addresses that an engine takes and gives up.
func TestWhatAStrangerClaims(t *testing.T) {
	r := testRun(t, "real-leader-killed")
	m := r.byName["engine-1"]
	for i, step := range []struct {
		node  string
		event model.EventKind
		unit  string
		want  string // on the data network
	}{
		{"engine-1", model.EventStarted, "16.2", "[198.19.0.11]"},
		{"engine-1", model.EventAddressAdded, "198.19.2.1", "[198.19.2.1]"},
		{"engine-2", model.EventAddressAdded, "198.19.2.9", "[198.19.2.1]"},
		{"engine-1", model.EventAddressAdded, "198.19.2.2", "[198.19.2.1 198.19.2.2]"},
		{"engine-1", model.EventAddressRemoved, "198.19.2.1", "[198.19.2.2]"},
		{"engine-1", model.EventActive, "pair/198.19.2.1", "[198.19.2.2]"},
		{"engine-1", model.EventStopped, "", "[198.19.0.11]"},
	} {
		r.record(history.Event{Type: history.NodeEv, Node: step.node, Event: string(step.event), Unit: step.unit})
		if got := fmt.Sprint(r.claims(m, scenarios.NetworkData)); got != step.want {
			t.Errorf("step %d: a stranger claims %s, want %s", i+1, got, step.want)
		}
		if got := fmt.Sprint(r.claims(m, scenarios.NetworkManagement)); got != "[198.18.1.1]" {
			t.Errorf("step %d: on the management network a stranger claims %s", i+1, got)
		}
	}
}

func TestDisksAreSmallWhereOneRunsFull(t *testing.T) {
	for fault, want := range map[string]bool{"crash": false, "slow-disk": false, "disk-full": true} {
		c := &cluster{}
		newRun(t.Context(), &scenarios.Scenario{Faults: []scenarios.Fault{{Fault: "pause"}, {Fault: fault}}}, c, func(error) {})
		if c.smallDisks != want {
			t.Errorf("%s: disks are small: %v", fault, c.smallDisks)
		}
	}
}

func TestWhatIsLeftWithoutAnEndIsNoLine(t *testing.T) {
	var got []string
	l := &lines{each: func(line []byte) { got = append(got, string(line)) }}
	for _, part := range []string{"on", "e\ntwo\nth", "ree\nfo"} {
		if n, err := l.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if strings.Join(got, "|") != "one|two|three" {
		t.Errorf("lines are %q", got)
	}
}
