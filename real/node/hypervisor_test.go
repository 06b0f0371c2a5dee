package node

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	gocmp "github.com/google/go-cmp/cmp"

	"firedrill/checker/history"
	"firedrill/model/cloud"
)

// farEnd is the hardware that a hypervisor calls: it does at once whatever it is asked for.
type farEnd struct {
	after    uint64
	slots    int // of its one host
	machines []Built
}

func (f *farEnd) do(c Call) {
	f.after = c.Number
	drop := func(name string) {
		f.machines = slices.DeleteFunc(f.machines, func(b Built) bool { return b.Name == name })
	}
	switch {
	case c.Build != nil:
		f.machines = append(f.machines, Built{Machine: *c.Build, State: cloud.Booting})
		slices.SortFunc(f.machines, func(a, b Built) int { return cmp.Compare(a.Name, b.Name) })
	case c.Destroy != "":
		drop(c.Destroy)
	}
}

func (f *farEnd) shows() *Hardware {
	return &Hardware{After: f.after, Hosts: []cloud.Host{{Name: "host-a", Free: f.slots - len(f.machines)}}, Machines: slices.Clone(f.machines)}
}

// listener parses what is said.
func listener(t interface{ Fatalf(string, ...any) }, calls *[]Call) func([]byte) {
	return func(line []byte) {
		c, ok, err := ParseCall(line)
		if !ok || err != nil {
			t.Fatalf("said %q: %v, %v", line, ok, err)
		}
		*calls = append(*calls, c)
	}
}

// TestWhatIsCalledForIsSeenAtOnce holds what the management of a cloud sees against the hardware as it will be once it has
// heard all calls, however late it hears them and however late its answers come.
func TestWhatIsCalledForIsSeenAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var calls []Call
		h := newHypervisor(rapid.Uint64Range(0, 1e18).Draw(t, "now"), listener(t, &calls))
		far, heard := &farEnd{slots: 5}, 0
		var answers []*Hardware
		h.call(Call{})
		far.do(calls[0])
		heard++
		h.shown(far.shows())
		name := rapid.SampledFrom([]string{"engine-a", "engine-b", "engine-c"})
		t.Repeat(map[string]func(*rapid.T){
			"build":   func(t *rapid.T) { h.Build(cloud.Machine{Name: name.Draw(t, "name"), Host: "host-a"}) },
			"destroy": func(t *rapid.T) { h.Destroy(name.Draw(t, "name")) },
			"reboot":  func(t *rapid.T) { h.Reboot(name.Draw(t, "name")) },
			"hear": func(t *rapid.T) {
				if heard == len(calls) {
					t.Skip("there is no call")
				}
				far.do(calls[heard])
				heard++
				answers = append(answers, far.shows())
			},
			"answer": func(t *rapid.T) {
				if len(answers) == 0 {
					t.Skip("there is no answer")
				}
				h.shown(answers[0])
				answers = answers[1:]
			},
			"": func(t *rapid.T) {
				ideal := &farEnd{slots: far.slots, machines: slices.Clone(far.machines)}
				for _, c := range calls[heard:] {
					ideal.do(c)
				}
				var want []cloud.Machine
				for _, b := range ideal.machines {
					b.Machine.State = b.State
					want = append(want, b.Machine)
				}
				if diff := gocmp.Diff(want, h.Machines(), cmpopts.EquateEmpty(), cmpopts.EquateComparable()); diff != "" {
					t.Fatalf("the machines that will be, and those that are seen:\n%s", diff)
				}
				if free := h.Hosts()[0].Free; free > ideal.slots-len(ideal.machines) {
					t.Fatalf("room for %d is seen, and there will be for %d", free, ideal.slots-len(ideal.machines))
				}
			},
		})
	})
}

func TestNothingIsSeenBeforeItIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []Call
		h := newHypervisor(1000, listener(t, &calls))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		seen := make(chan error)
		go func() { seen <- h.await(ctx) }()
		synctest.Wait()
		h.shown(&Hardware{After: 999}) // for a life that has ended
		synctest.Wait()
		select {
		case err := <-seen:
			t.Fatalf("what was shown to an earlier life counts: %v", err)
		default:
		}
		h.shown(&Hardware{After: calls[0].Number, Hosts: []cloud.Host{{Name: "host-a"}}})
		if err := <-seen; err != nil || h.Hosts()[0].Name != "host-a" {
			t.Errorf("seen is %v, %v", h.Hosts(), err)
		}
		deaf := newHypervisor(2000, func([]byte) {})
		if err := deaf.await(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for what nobody shows ends with %v", err)
		}
	})
}

func TestCallsAreNoEvents(t *testing.T) {
	for _, c := range []Call{{Number: 7}, {Number: 1<<64 - 1, Build: &cloud.Machine{Name: "engine-a", Host: "host-a", Image: "16.3"}}, {Number: 9, Destroy: "engine-a"}, {Number: 10, Reboot: "engine-a"}} {
		got, ok, err := ParseCall(c.line())
		if diff := gocmp.Diff(c, got, cmpopts.EquateComparable()); !ok || err != nil || diff != "" {
			t.Errorf("%s is read as a call: %v, %v\n%s", c.line(), ok, err, diff)
		}
	}
	for _, line := range [][]byte{
		history.AppendEvent(nil, &history.Event{Type: history.Call, Client: "a", Op: 1, Operation: "read", Key: "r"}),
		history.AppendEvent(nil, &history.Event{Type: history.NodeEv, Node: "cloud-1", Event: "started"}),
		[]byte(`{"ca`), nil,
	} {
		if _, ok, _ := ParseCall(line); ok {
			t.Errorf("%s is taken for a call", line)
		}
	}
	if _, ok, err := ParseCall([]byte(`{"call":{"number":"x"}}`)); !ok || err == nil || !strings.Contains(err.Error(), "number") {
		t.Errorf("a call without a number: %v, %v", ok, err)
	}
}
