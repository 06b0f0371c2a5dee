package node

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"firedrill/model"
	"firedrill/scenarios"
)

// TestVirtualAddress moves an address between two engines in network namespaces, and looks where a client's kernel sends
// what is for it.
func TestVirtualAddress(t *testing.T) {
	needNamespaces(t)
	l := newLab(t)
	vip := netip.MustParseAddr("198.19.2.1")
	ownOf := map[string][]netip.Addr{
		"engine-1":   {scenarios.EngineManagementIP(1), scenarios.EngineDataIP(1)},
		"engine-2":   {scenarios.EngineManagementIP(2), scenarios.EngineDataIP(2)},
		ClientNearby: {scenarios.NearbyClientIP(1)},
	}
	settled := make(map[string]*Addresses)
	for name, own := range ownOf {
		m := l.machine(name, own)
		inside(t, m.ns, func() {
			a, err := Settle(m.spec.Networks, own, quiet)
			if err != nil {
				t.Error(err)
				return
			}
			settled[name] = a
			t.Cleanup(a.Close)
			again, err := Settle(m.spec.Networks, own, quiet)
			if err != nil {
				t.Errorf("settled a second time: %v", err)
				return
			}
			again.Close()
		})
	}
	if t.Failed() {
		return
	}
	client := l.machines[ClientNearby].ns
	one, two := settled["engine-1"], settled["engine-2"]
	do := func(name string, f func() bool) bool {
		var done bool
		inside(t, l.machines[name].ns, func() { done = f() })
		return done
	}
	sendsTo := func() (mac string) {
		inside(t, client, func() {
			neighbours, err := netlink.NeighList(0, netlink.FAMILY_V4)
			if err != nil {
				t.Error(err)
			}
			for _, n := range neighbours {
				if n.IP.String() == vip.String() {
					mac = n.HardwareAddr.String()
				}
			}
		})
		return mac
	}
	reach := func() (ok bool) {
		inside(t, client, func() {
			ok = answers(t.Context(), model.Check{Kind: model.CheckPing, Target: netip.AddrPortFrom(vip, 0), Timeout: 2 * time.Second})
		})
		return ok
	}

	for i, step := range []struct {
		engine string
		do     func() bool
		want   bool
	}{
		{"engine-1", func() bool { return one.announce(vip) }, false},
		{"engine-1", func() bool { return one.add(vip) }, true},
		{"engine-1", func() bool { return one.add(vip) }, false},
		{"engine-1", func() bool { return one.announce(vip) }, true},
		{"engine-1", func() bool { return one.add(scenarios.EngineDataIP(1)) }, false},
		{"engine-1", func() bool { return one.add(netip.MustParseAddr("198.18.200.1")) }, false},
		{"engine-1", func() bool { return one.remove(scenarios.EngineDataIP(1)) }, false},
	} {
		if got := do(step.engine, step.do); got != step.want {
			t.Errorf("step %d: %v, want %v", i+1, got, step.want)
		}
	}
	if !reach() || sendsTo() != HardwareAddr(scenarios.EngineDataIP(1)).String() {
		t.Fatalf("the client sends to %q, want engine-1, which holds the address", sendsTo())
	}
	begin := time.Now()
	do("engine-2", func() bool { return two.add(vip) && two.announce(vip) })
	took := time.Since(begin)
	for begin := time.Now(); sendsTo() != HardwareAddr(scenarios.EngineDataIP(2)).String(); time.Sleep(time.Millisecond) {
		if time.Since(begin) > 5*time.Second {
			t.Fatalf("the client sends to %q, want engine-2, which has announced the address", sendsTo())
		}
	}
	t.Logf("taken and announced in %v", took)
	if !do("engine-1", func() bool { return one.remove(vip) }) || do("engine-1", func() bool { return one.remove(vip) }) {
		t.Error("an address is given up once")
	}
	if !reach() {
		t.Error("engine-2 does not answer for the address")
	}
	inside(t, l.machines["engine-2"].ns, func() {
		routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
		if err != nil {
			t.Error(err)
		}
		if !slices.ContainsFunc(routes, func(r netlink.Route) bool {
			return r.Gw.String() == scenarios.GatewayInner.String() && r.Dst.String() == scenarios.EdgeNet.String()
		}) {
			t.Errorf("no way to clients behind the gateway: %v", routes)
		}
	})
}
