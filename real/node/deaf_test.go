package node

import (
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"firedrill/model"
	"firedrill/scenarios"
)

// TestGratuitousARPGoesUnnoticed has an address move while the kernel that knows it is deaf, on that network or on another, and
// looks where that sends what is for the address.
func TestGratuitousARPGoesUnnoticed(t *testing.T) {
	needNamespaces(t)
	l := newLab(t)
	vip := netip.MustParseAddr("198.19.2.1")
	settled := make(map[string]*Addresses)
	for name, own := range map[string][]netip.Addr{
		"engine-1":   {scenarios.EngineManagementIP(1), scenarios.EngineDataIP(1)},
		"engine-2":   {scenarios.EngineManagementIP(2), scenarios.EngineDataIP(2)},
		ClientNearby: {scenarios.NearbyClientIP(1)},
	} {
		m := l.machine(name, own)
		inside(t, m.ns, func() {
			a, err := Settle(m.spec.Networks, own, quiet)
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(a.Close)
			settled[name] = a
		})
	}
	if t.Failed() {
		return
	}
	do := func(name string, f func(a *Addresses)) { inside(t, l.machines[name].ns, func() { f(settled[name]) }) }
	sendsTo := func() (mac string) {
		do(ClientNearby, func(*Addresses) {
			neighbours, err := netlink.NeighList(0, netlink.FAMILY_V4)
			must(t, err)
			for _, n := range neighbours {
				if n.IP.String() == vip.String() {
					mac = n.HardwareAddr.String()
				}
			}
		})
		return mac
	}
	take := func(name, from string) {
		do(from, func(a *Addresses) { a.remove(vip) })
		do(name, func(a *Addresses) { a.add(vip); a.announce(vip) })
	}
	deaf := func(network string) {
		do(ClientNearby, func(a *Addresses) {
			if err := a.hearGratuitousARP(func(n string) bool { return n == network }); err != nil {
				t.Fatal(err)
			}
		})
	}
	one, two := HardwareAddr(scenarios.EngineDataIP(1)).String(), HardwareAddr(scenarios.EngineDataIP(2)).String()
	take("engine-1", "engine-2")
	do(ClientNearby, func(*Addresses) {
		if !answers(t.Context(), model.Check{Kind: model.CheckPing, Target: netip.AddrPortFrom(vip, 0), Timeout: 2 * time.Second}) {
			t.Error("nobody answers")
		}
	})
	for _, step := range []struct {
		deaf, taker, from, want string
	}{
		{"", "engine-2", "engine-1", two},
		{scenarios.NetworkManagement, "engine-1", "engine-2", one},
		{scenarios.NetworkData, "engine-2", "engine-1", one},
		{"", "engine-2", "engine-2", two}, // announced again
	} {
		time.Sleep(1100 * time.Millisecond) // Linux lets no entry change twice within a second (locktime)
		deaf(step.deaf)
		take(step.taker, step.from)
		time.Sleep(50 * time.Millisecond)
		if got := sendsTo(); got != step.want {
			t.Errorf("deaf on %q, %s has taken the address: the client sends to %s, want %s", step.deaf, step.taker, got, step.want)
		}
	}
}
