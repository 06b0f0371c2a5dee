package model

import (
	"maps"
	"math"
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
	// Engines share the new flows of the service, by their addresses on the data network; Self is the engine that the table
	// is for. Where there is no other, this engine serves every flow itself.
	Engines []netip.Addr
	// Former are engines that served it until lately, and go on with the flows that they have.
	Former []netip.Addr
	Self   netip.Addr
}

// Balance is how a service spreads flows over its servers.
type Balance uint8

// The ways of balancing.
const (
	BalanceRoundRobin Balance = iota
	BalanceLeastConnections
	BalanceConsistentHash // of the client's address, as the vendor's hash is by default
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

// Addresses are those at which services answer, sorted.
func (t *Table) Addresses() []netip.AddrPort {
	if t == nil {
		return nil
	}
	return slices.SortedFunc(maps.Keys(t.services), netip.AddrPort.Compare)
}

// Load is what a data path tells of itself when it asks for a decision. The lookup itself keeps no state.
type Load struct {
	Taken func(service string) uint64 // flows of a service accepted so far; what round robin turns on; nil: none
	Open  func(netip.AddrPort) int    // flows open to a server through this engine, for least connections; nil: none are
}

func (l Load) taken(service string) uint64 {
	if l.Taken == nil {
		return 0
	}
	return l.Taken(service)
}

// Lookup decides for a new flow.
func (t *Table) Lookup(flow Flow, load Load) Decision {
	s := t.service(flow.Service)
	if s == nil {
		return Decision{}
	}
	if chosen := likeliest(flow.Client, s.Engines); !flow.Given && chosen.IsValid() && chosen != s.Self {
		return Decision{Action: ActionGive, Service: s.Name, Engine: chosen}
	}
	if len(s.Servers) == 0 {
		return Decision{Service: s.Name}
	}
	return Decision{Action: ActionServe, Service: s.Name, Server: s.pick(flow, load)}
}

// Carries tells whether the engine answers for a service at all. Where it does not, flows that it still knows are over.
func (t *Table) Carries(service netip.AddrPort) bool { return t.service(service) != nil }

func (t *Table) service(at netip.AddrPort) *TableService {
	if t == nil {
		return nil
	}
	return t.services[at]
}

func (s *TableService) pick(flow Flow, load Load) netip.AddrPort {
	switch s.Balance {
	case BalanceRoundRobin:
		return s.turn(load)
	case BalanceLeastConnections:
		return s.least(load)
	}
	best, bestScore := s.Servers[0], uint64(0)
	client := NewRendezvous().AddrPort(netip.AddrPortFrom(flow.Client.Addr(), 0)) // all flows of a client, whatever port they come from
	for _, server := range s.Servers {
		if score := client.AddrPort(server).Score(); score >= bestScore {
			best, bestScore = server, score
		}
	}
	return best
}

// turn is the server whose turn it is.
func (s *TableService) turn(load Load) netip.AddrPort {
	return s.Servers[load.taken(s.Name)%uint64(len(s.Servers))]
}

// least is the server with the fewest open flows; those with equally few take turns.
func (s *TableService) least(load Load) netip.AddrPort {
	if load.Open == nil {
		return s.turn(load)
	}
	var best netip.AddrPort
	fewest, taken := math.MaxInt, load.taken(s.Name)
	for i := range uint64(len(s.Servers)) {
		server := s.Servers[(taken+i)%uint64(len(s.Servers))]
		if n := load.Open(server); n < fewest {
			best, fewest = server, n
		}
	}
	return best
}

// Others are the engines that may have flows of a service besides this one; nil if there are none.
func (t *Table) Others(service netip.AddrPort) (others []netip.Addr) {
	s := t.service(service)
	if s == nil {
		return nil
	}
	for _, engines := range [][]netip.Addr{s.Engines, s.Former} {
		for _, e := range engines {
			if e != s.Self {
				others = append(others, e)
			}
		}
	}
	return others
}

// Holder is whom to ask about a flow that this engine does not know: of the other engines that carry the service, the
// likeliest one that has not been asked yet, and those last that are leaving. Who is asked and does not know it either says
// so, and the next one is asked, among those that there are by then. When that were all, Holder returns the zero Addr.
//
// So flows stay where they are: when engines join or leave, or the primary dies, the new primary knows nothing of them,
// and finds them where the set of engines had put them before.
func (t *Table) Holder(flow Flow, asked []netip.Addr) netip.Addr {
	s := t.service(flow.Service)
	if s == nil {
		return netip.Addr{}
	}
	unasked := func(engines []netip.Addr) netip.Addr {
		return likeliest(flow.Client, slices.DeleteFunc(slices.Clone(engines), func(e netip.Addr) bool { return e == s.Self || slices.Contains(asked, e) }))
	}
	if e := unasked(s.Engines); e.IsValid() {
		return e
	}
	return unasked(s.Former)
}

// likeliest is the engine with the highest score for a client (native scale-out: "Virtual Service Scaling").
func likeliest(client netip.AddrPort, engines []netip.Addr) netip.Addr {
	if len(engines) == 0 {
		return netip.Addr{}
	}
	key, best := NewRendezvous().AddrPort(client), engines[0]
	for _, e := range engines[1:] {
		if likelier(key, e, best) {
			best = e
		}
	}
	return best
}

// likelier tells whether a comes before b for a key.
func likelier(key Rendezvous, a, b netip.Addr) bool {
	x, y := key.AddrPort(netip.AddrPortFrom(a, 0)).Score(), key.AddrPort(netip.AddrPortFrom(b, 0)).Score()
	return x > y || x == y && a.Less(b)
}
