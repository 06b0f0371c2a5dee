package model

import (
	"cmp"
	"net/netip"
	"slices"
)

// Table is the forwarding table of a service engine: which service answers at an address, and which
// back-end servers may take its flows. It is immutable once published, so that the data path of any world
// may read it from anywhere.
type Table struct {
	services map[netip.AddrPort]*TableService
}

// TableService is one virtual service in a [Table].
type TableService struct {
	Name    string
	Address netip.AddrPort
	Balance Balance
	Servers []netip.AddrPort // those that pass their health monitors, in configuration order
	// Engines share the flows of the service, by their addresses on the data network; Self is the one among them that the
	// table is for. None, or it alone: this engine serves every flow itself.
	Engines []netip.Addr
	Self    netip.Addr
	// Former served it until a moment ago, and may hold flows that are not over.
	Former []netip.Addr
}

// Balance is how a service spreads flows over its servers.
type Balance uint8

// The ways of balancing.
const (
	BalanceRoundRobin Balance = iota
	BalanceConsistentHash
)

// Flow is the identity of a client's connection to a service.
type Flow struct {
	Client  netip.AddrPort
	Service netip.AddrPort
	Given   bool // by another engine, which has chosen this one
}

// Action is what the data path does with a new flow.
type Action uint8

// The actions.
const (
	ActionRefuse Action = iota // answer with a reset: nothing listens here, or no server is left
	ActionServe                // hand the flow to Decision.Server
	ActionGive                 // hand it to Decision.Engine, which answers the client itself
)

// Decision is the answer of [Table.Lookup].
type Decision struct {
	Action  Action
	Service string
	Server  netip.AddrPort
	Engine  netip.Addr
}

// NewTable builds a table; of two services at one address the first stays.
func NewTable(services []TableService) *Table {
	t := &Table{services: make(map[netip.AddrPort]*TableService, len(services))}
	for i := range services {
		s := services[i]
		if _, taken := t.services[s.Address]; !taken {
			t.services[s.Address] = &s
		}
	}
	return t
}

// Lookup decides for a new flow. nth counts the flows this engine has accepted, and is what round robin
// turns on; the lookup itself keeps no state.
func (t *Table) Lookup(flow Flow, nth uint64) Decision {
	if t == nil {
		return Decision{}
	}
	s, ok := t.services[flow.Service]
	if !ok {
		return Decision{}
	}
	if chosen := s.engine(flow.Client, 0); !flow.Given && chosen.IsValid() && chosen != s.Self {
		return Decision{Action: ActionGive, Service: s.Name, Engine: chosen}
	}
	if len(s.Servers) == 0 {
		return Decision{Service: s.Name}
	}
	return Decision{Action: ActionServe, Service: s.Name, Server: s.pick(flow, nth)}
}

func (s *TableService) pick(flow Flow, nth uint64) netip.AddrPort {
	if s.Balance == BalanceRoundRobin {
		return s.Servers[nth%uint64(len(s.Servers))]
	}
	best, bestScore := s.Servers[0], uint64(0)
	client := NewRendezvous().AddrPort(flow.Client)
	for _, server := range s.Servers {
		if score := client.AddrPort(server).Score(); score >= bestScore {
			best, bestScore = server, score
		}
	}
	return best
}

// Holder is whom to ask about a flow that began elsewhere, where n have been asked already: the engines of the service,
// the likeliest first, this one left out. It returns how many will have been asked then, and false when that were all.
//
// So flows stay where they are: when engines join or leave, or the primary dies, the new primary knows nothing of them,
// and finds them where the set of engines had put them before.
func (t *Table) Holder(flow Flow, n int) (engine netip.Addr, asked int, ok bool) {
	if t == nil {
		return netip.Addr{}, n, false
	}
	s, known := t.services[flow.Service]
	if !known {
		return netip.Addr{}, n, false
	}
	for ; n < len(s.Engines); n++ {
		if e := s.engine(flow.Client, n); e.IsValid() && e != s.Self {
			return e, n + 1, true
		}
	}
	if n -= len(s.Engines); n < len(s.Former) {
		return s.Former[n], len(s.Engines) + n + 1, true
	}
	return netip.Addr{}, n, false
}

// engine is the engine with the n-th highest score for a client (native scale-out: "Virtual Service Scaling"), the zero
// Addr where this engine is alone.
func (s *TableService) engine(client netip.AddrPort, n int) netip.Addr {
	if n >= len(s.Engines) || len(s.Engines) == 1 && s.Engines[0] == s.Self {
		return netip.Addr{}
	}
	key := NewRendezvous().AddrPort(client)
	byScore := slices.Clone(s.Engines)
	slices.SortFunc(byScore, func(a, b netip.Addr) int {
		x, y := key.AddrPort(netip.AddrPortFrom(a, 0)).Score(), key.AddrPort(netip.AddrPortFrom(b, 0)).Score()
		return cmp.Or(cmp.Compare(y, x), a.Compare(b))
	})
	return byScore[n]
}
