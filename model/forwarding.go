package model

import (
	"net/netip"
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
}

// Action is what the data path does with a new flow.
type Action uint8

// The actions.
const (
	ActionRefuse Action = iota // answer with a reset: nothing listens here, or no server is left
	ActionServe                // hand the flow to Decision.Server
)

// Decision is the answer of [Table.Lookup].
type Decision struct {
	Action  Action
	Service string
	Server  netip.AddrPort
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
