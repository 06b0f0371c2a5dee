package real

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

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

func TestSlotsShareNoAddress(t *testing.T) {
	for slot := range slots {
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

// TestWhoIsToldToCut holds the orders of network faults against the machines that share a network.
func TestWhoIsToldToCut(t *testing.T) {
	plan, err := scenarios.Find("real-leader-killed")
	if err != nil {
		t.Fatal(err)
	}
	r := newRun(plan, &cluster{}, nil)
	for _, n := range append(plan.Nodes(), clientNodes...) {
		m := &machine{Node: n}
		r.cluster.machines = append(r.cluster.machines, m)
		r.byName[n.Name] = m
	}
	find := func(names string) []*machine { return r.called(strings.Fields(names)) }
	everybody := func(but string) []*machine {
		var out []*machine
		for _, m := range r.cluster.machines {
			if m.Name != but {
				out = append(out, m)
			}
		}
		return out
	}
	for _, c := range []struct {
		name        string
		at, others  []*machine
		network     string
		want, among string
	}{
		{"a controller is on one network", find("controller-1"), everybody("controller-1"), "",
			"controller-1", "controller-2,controller-3,engine-1,engine-2,client-api"},
		{"engines share two, of which one is meant", find("engine-1"), find("engine-2"), "data", "engine-1", "engine-2"},
		{"those who share none are not told", find("controller-1"), find("server-1"), "", "", ""},
		{"the gateway is on the data network", find("gateway-1"), find("engine-1 controller-1"), "", "gateway-1", "engine-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &blow{Fault: &scenarios.Fault{Network: c.network}, step: 3}
			var who, among []string
			for _, o := range b.cuts(c.at, c.others, "--in") {
				who = append(who, o.machine.Name)
				among = append(among, o.args[4])
				if o.args[0] != "cut" || o.args[2] != "3" {
					t.Errorf("it is told %v", o.args)
				}
			}
			if strings.Join(who, ",") != c.want || strings.Join(among, ",") != c.among {
				t.Errorf("%v are told to cut off %v, want %v and %v", who, among, c.want, c.among)
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

func TestEveryFaultOfTheSuiteForContainersCanBePlayed(t *testing.T) {
	suite, err := scenarios.Suite()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range suite {
		if err := Playable(s); strings.Contains(strings.Join(s.Worlds, " "), scenarios.WorldReal) && err != nil {
			t.Errorf("%s: %v", s.Name, err)
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
