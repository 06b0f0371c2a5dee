package model

import (
	"net/netip"
	"testing"
)

var (
	shopAt  = netip.MustParseAddrPort("198.19.2.1:443")
	backEnd = netip.MustParseAddrPort("198.19.1.1:8080")
)

func engineAt(n byte) netip.Addr { return netip.AddrFrom4([4]byte{198, 19, 0, 10 + n}) }

func flowOf(port uint16) Flow {
	return Flow{Client: netip.AddrPortFrom(netip.MustParseAddr("198.19.4.2"), port), Service: shopAt}
}

// tableOf is the table of one engine of a service that several share.
func tableOf(self byte, all ...byte) *Table {
	s := TableService{Name: "shop", Address: shopAt, Servers: []netip.AddrPort{backEnd}, Self: engineAt(self)}
	for _, n := range all {
		s.Engines = append(s.Engines, engineAt(n))
	}
	return NewTable([]TableService{s})
}

// chosen is the engine that gets a new flow.
func chosen(t *Table, self byte, f Flow) netip.Addr {
	if d := t.Lookup(f, 0); d.Action == ActionGive {
		return d.Engine
	}
	return engineAt(self)
}

// TestFlowsAreShared: every engine gets its share, all engines agree on whose a flow is, and whoever is given one keeps it.
func TestFlowsAreShared(t *testing.T) {
	share := make(map[netip.Addr]int)
	for port := range uint16(3000) {
		f := flowOf(port + 1)
		to := chosen(tableOf(1, 1, 2, 3), 1, f)
		share[to]++
		if other := chosen(tableOf(2, 3, 2, 1), 2, f); other != to {
			t.Fatalf("port %d: engine 1 says %s, engine 2 says %s", port, to, other)
		}
		f.Given = true
		if d := tableOf(1, 1, 2, 3).Lookup(f, 0); d.Action != ActionServe || d.Server != backEnd {
			t.Fatalf("port %d: a flow that was given away comes to %+v", port, d)
		}
	}
	for n := byte(1); n <= 3; n++ {
		if got := share[engineAt(n)]; got < 900 || got > 1100 {
			t.Errorf("engine %d has %d of 3000 flows", n, got)
		}
	}
	if d := tableOf(1, 1).Lookup(flowOf(1), 0); d.Action != ActionServe {
		t.Errorf("an engine that is alone does %+v", d)
	}
	if d := NewTable(nil).Lookup(flowOf(1), 0); d.Action != ActionRefuse {
		t.Errorf("where nothing listens: %+v", d)
	}
}

// TestFlowsStay: when an engine is gone, flows of the others are where they were; and whoever else has a flow is asked.
func TestFlowsStay(t *testing.T) {
	for port := range uint16(1000) {
		f := flowOf(port + 1)
		before := chosen(tableOf(1, 1, 2, 3), 1, f)
		if before != engineAt(1) {
			if after := chosen(tableOf(2, 2, 3), 2, f); after != before {
				t.Fatalf("port %d moved from %s to %s when engine 1 died", port, before, after)
			}
		}
		asked := make(map[netip.Addr]bool)
		for n := 0; ; {
			e, next, ok := tableOf(2, 1, 2, 3, 4).Holder(f, n)
			if !ok {
				break
			}
			if asked[e] || e == engineAt(2) || next <= n {
				t.Fatalf("port %d: %s is asked as number %d", port, e, next)
			}
			asked[e], n = true, next
		}
		if len(asked) != 3 {
			t.Fatalf("port %d: %d others were asked", port, len(asked))
		}
	}
	for _, table := range []*Table{nil, NewTable(nil), tableOf(1, 1)} {
		if e, _, ok := table.Holder(flowOf(1), 0); ok {
			t.Errorf("there is nobody to ask but %s", e)
		}
	}
}
