package model

import (
	"net/netip"
	"slices"
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
	if d := t.Lookup(f, Load{}); d.Action == ActionGive {
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
		if d := tableOf(1, 1, 2, 3).Lookup(f, Load{}); d.Action != ActionServe || d.Server != backEnd {
			t.Fatalf("port %d: a flow that was given away comes to %+v", port, d)
		}
	}
	for n := byte(1); n <= 3; n++ {
		if got := share[engineAt(n)]; got < 900 || got > 1100 {
			t.Errorf("engine %d has %d of 3000 flows", n, got)
		}
	}
	if d := tableOf(1, 1).Lookup(flowOf(1), Load{}); d.Action != ActionServe {
		t.Errorf("an engine that is alone does %+v", d)
	}
	if d := NewTable(nil).Lookup(flowOf(1), Load{}); d.Action != ActionRefuse {
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
		var asked []netip.Addr
		for {
			e := tableOf(2, 1, 2, 3, 4).Holder(f, asked)
			if !e.IsValid() {
				break
			}
			if slices.Contains(asked, e) || e == engineAt(2) {
				t.Fatalf("port %d: %s is asked again", port, e)
			}
			asked = append(asked, e)
		}
		if len(asked) != 3 {
			t.Fatalf("port %d: %d others were asked", port, len(asked))
		}
	}
	for _, table := range []*Table{nil, NewTable(nil), tableOf(1, 1)} {
		if e := table.Holder(flowOf(1), nil); e.IsValid() {
			t.Errorf("there is nobody to ask but %s", e)
		}
	}
}

// TestFlowsOfLeavingEngines: an engine that leaves gets no new flows, and is asked about old ones.
func TestFlowsOfLeavingEngines(t *testing.T) {
	for port := range uint16(1000) {
		f := flowOf(port + 1)
		for self, leaving := range map[byte]byte{1: 3, 3: 3} {
			s := TableService{Name: "shop", Address: shopAt, Servers: []netip.AddrPort{backEnd}, Self: engineAt(self),
				Engines: []netip.Addr{engineAt(1)}, Former: []netip.Addr{engineAt(leaving)}}
			table := NewTable([]TableService{s})
			if got := chosen(table, self, f); got != engineAt(1) {
				t.Fatalf("port %d: engine %d gives a new flow to %s", port, self, got)
			}
			if got, want := table.Others(shopAt), []netip.Addr{engineAt(4 - self)}; !slices.Equal(got, want) {
				t.Fatalf("engine %d shares flows with %v, want %v", self, got, want)
			}
			if got := table.Holder(f, nil); got != engineAt(4-self) {
				t.Fatalf("port %d: engine %d asks %s", port, self, got)
			}
		}
	}
}

// TestFlowsSoughtWhileEnginesLeave: whoever carries a service throughout is asked, though others leave and come back between
// two questions.
func TestFlowsSoughtWhileEnginesLeave(t *testing.T) {
	table := func(engines, former []netip.Addr) *Table {
		return NewTable([]TableService{{Name: "shop", Address: shopAt, Servers: []netip.AddrPort{backEnd}, Self: engineAt(1), Engines: engines, Former: former}})
	}
	both, one, none := []netip.Addr{engineAt(1), engineAt(2)}, []netip.Addr{engineAt(1), engineAt(3)}, []netip.Addr(nil)
	for port := range uint16(1000) {
		f := flowOf(port + 1)
		for what, after := range map[string]*Table{"gone": table(one, none), "leaving": table(one, []netip.Addr{engineAt(2)})} {
			first := table(both, []netip.Addr{engineAt(3)}).Holder(f, nil)
			if first != engineAt(3) && after.Holder(f, []netip.Addr{first}) != engineAt(3) {
				t.Fatalf("port %d: %s was asked first and is %s, and engine 3 is not asked", port, first, what)
			}
		}
	}
}

// TestLeastConnections: the server with the fewest open flows gets the next one, and equals take turns.
func TestLeastConnections(t *testing.T) {
	s := TableService{Name: "shop", Address: shopAt, Balance: BalanceLeastConnections}
	for n := range byte(3) {
		s.Servers = append(s.Servers, netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 19, 1, n + 1}), 80))
	}
	table, open := NewTable([]TableService{s}), map[netip.AddrPort]int{s.Servers[1]: 5, s.Servers[2]: 2}
	taken := uint64(0)
	load := Load{Taken: func(string) uint64 { return taken }, Open: func(at netip.AddrPort) int { return open[at] }}
	for ; taken < 300; taken++ {
		open[table.Lookup(flowOf(uint16(taken)), load).Server]++
	}
	for _, server := range s.Servers {
		if n := open[server]; n < 102 || n > 103 {
			t.Errorf("%s has %d of 307 flows", server, n)
		}
	}
	turns := make(map[netip.AddrPort]int)
	load.Open = nil
	for taken = range uint64(30) {
		turns[table.Lookup(flowOf(1), load).Server]++
	}
	if turns[s.Servers[0]] != 10 || turns[s.Servers[1]] != 10 {
		t.Errorf("turns: %v", turns)
	}
}
