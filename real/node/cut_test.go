package node

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"firedrill/model"
	"firedrill/scenarios"
)

const cutPlan = `
name: three-controllers
about: Three controllers and nothing else.
duration: 10s
topology: {controllers: 3}
`

// TestCut cuts links between three machines in namespaces, and tries who can still send messages to whom, and whose kernel
// answers whose.
func TestCut(t *testing.T) {
	needNamespaces(t)
	plan, err := scenarios.Parse("plan.yaml", []byte(cutPlan))
	if err != nil {
		t.Fatal(err)
	}
	l, ca := newLab(t), newAuthority(t)
	names := []string{"controller-1", "controller-2", "controller-3"}
	for _, name := range names {
		own, err := AddressesOf(plan, name)
		if err != nil {
			t.Fatal(err)
		}
		m := l.machine(name, own)
		networks := m.spec.Networks
		m.spec = ca.spec(t, name, cutPlan)
		m.spec.Networks = networks
		inside(t, m.ns, func() {
			a, err := Settle(networks, own, quiet)
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(a.Close)
		})
	}
	if t.Failed() {
		return
	}
	for _, name := range names {
		inside(t, l.machines[name].ns, func() {
			for _, port := range []uint16{Port, 80} {
				ln, err := net.Listen("tcp4", netip.AddrPortFrom(netip.IPv4Unspecified(), port).String())
				if err != nil {
					t.Error(err)
					return
				}
				t.Cleanup(func() { ln.Close() })
			}
		})
	}
	strike := func(name string, c Cut) {
		t.Helper()
		inside(t, l.machines[name].ns, func() {
			if err := c.Strike(l.machines[name].spec); err != nil {
				t.Errorf("cut at %s: %v", name, err)
			}
		})
	}
	mend := func(name string, id int) {
		t.Helper()
		inside(t, l.machines[name].ns, func() {
			if err := MendCut(id); err != nil {
				t.Errorf("mending at %s: %v", name, err)
			}
		})
	}
	at := func(names ...string) []netip.Addr {
		var out []netip.Addr
		for _, name := range names {
			all, _ := AddressesOf(plan, name)
			out = append(out, all...)
		}
		return out
	}
	want := func(when, from, to string, port uint16, wanted bool) {
		t.Helper()
		patience := 150 * time.Millisecond
		if wanted {
			patience = 3 * time.Second // a kernel that has asked for a MAC address in vain asks again after a second
		}
		target, _ := AddressesOf(plan, to)
		inside(t, l.machines[from].ns, func() {
			got := answers(t.Context(), model.Check{Kind: model.CheckTCP, Target: netip.AddrPortFrom(target[0], port), Timeout: patience})
			if got != wanted {
				t.Errorf("%s: %s reaches port %d of %s: %v, want %v", when, from, port, to, got, wanted)
			}
		})
	}
	want("whole", "controller-1", "controller-2", Port, true)

	strike("controller-2", Cut{ID: 1, Peers: at("controller-1"), In: true})
	want("cut from 1 to 2", "controller-1", "controller-2", Port, false)
	want("cut from 1 to 2", "controller-2", "controller-1", Port, true) // messages of the other direction have their acknowledgements
	want("cut from 1 to 2", "controller-2", "controller-1", 80, false)  // which nothing else has
	want("cut from 1 to 2", "controller-1", "controller-3", 80, true)

	strike("controller-2", Cut{ID: 2, Peers: at("controller-1", "controller-3"), Loss: scenarios.Whole, In: true, Out: true})
	mend("controller-2", 1)
	want("cut at 2", "controller-3", "controller-2", Port, false)
	want("cut at 2", "controller-2", "controller-3", Port, false)
	mend("controller-2", 2)
	mend("controller-2", 2) // there is none any more
	want("mended", "controller-3", "controller-2", Port, true)
	want("mended", "controller-1", "controller-2", 80, true)

	strike("controller-1", Cut{ID: 3, Peers: at("controller-2"), Loss: scenarios.Whole / 2, In: true})
	lost, tries := 0, 60
	for range tries {
		inside(t, l.machines["controller-1"].ns, func() {
			target, _ := AddressesOf(plan, "controller-2")
			if !answers(t.Context(), model.Check{Kind: model.CheckPing, Target: netip.AddrPortFrom(target[0], 0), Timeout: 30 * time.Millisecond}) {
				lost++
			}
		})
	}
	if lost < tries/6 || lost > tries*5/6 { // beyond five standard deviations
		t.Errorf("%d of %d echoes were lost, want about half", lost, tries)
	}
	mend("controller-1", 3)

	strike("controller-1", Cut{ID: 4, In: true, Out: true})
	want("cut off from everybody", "controller-2", "controller-1", 80, false)
	want("cut off from everybody", "controller-1", "controller-3", 80, false)
	want("cut off from everybody", "controller-2", "controller-3", 80, true)
}
