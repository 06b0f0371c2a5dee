package sim

import (
	"encoding/binary"
	"net/netip"

	"firedrill/model"
)

// network is one of the three layer-2 segments, each behind a switch of its own.
type network uint8

const (
	management network = iota // controllers, engines, clients of the API
	edge                      // clients outside, in front of the gateway
	data                      // engines, servers, clients nearby, behind the gateway
	networks
)

func (n network) String() string { return [...]string{"management", "edge", "data"}[n] }

// ipv4 is an address as the network handles it.
type ipv4 uint32

func pack(a netip.Addr) ipv4 {
	if !a.Is4() {
		return 0
	}
	b := a.As4()
	return ipv4(binary.BigEndian.Uint32(b[:]))
}

func (ip ipv4) addr() netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(ip))
	return netip.AddrFrom4(b)
}

// networkOf tells the segment an address belongs to: 198.18.0.0/17, 198.18.128.0/17 and 198.19.0.0/16.
func networkOf(ip ipv4) network {
	switch {
	case ip>>16 == 198<<8|19:
		return data
	case ip>>15&1 == 1:
		return edge
	default:
		return management
	}
}

// frameKind is what a frame carries.
type frameKind uint8

const (
	arpRequest      frameKind = iota // who has to? tell from
	arpReply                         // from is at src; a gratuitous one has to == from and is broadcast
	message                          // bytes between nodes
	open                             // a client opens a flow (TCP's SYN)
	accept                           // and is let in
	reset                            // or refused, or told that its flow is unknown
	request                          // a request on a flow
	response                         // and its answer
	backendRequest                   // an engine hands a request to a server
	backendResponse                  // and gets the answer
	checkRequest                     // a health check or a ping
	checkResponse
)

func (k frameKind) String() string {
	return [...]string{"ARP question", "ARP answer", "message", "open", "accept", "reset", "request", "response",
		"request to the server", "answer of the server", "check", "answer to a check"}[k]
}

// frame is one packet on a segment.
type frame struct {
	kind     frameKind
	net      network
	src, dst *nic
	from, to ipv4
	flow     flowKey         // of the flow frames: the client's and the service's address
	last     bool            // of a request: the client closes the flow after the answer
	given    bool            // by the primary of the service to another of its engines
	missed   bool            // and back: the flow is not known there
	asked    []netip.Addr    // of both: the engines that were asked, or are
	id       uint64          // of checks
	gen      uint32          // and which of those with this id
	check    model.CheckKind // of checks
	by       *machine        // of an answer: the engine that gave it
	server   string          // of an answer: the back-end server behind it
	sent     int64           // when it was put on the wire
	payload  []byte
}

// flowKey is the identity of a client's connection to a service.
type flowKey struct {
	client, service         ipv4
	clientPort, servicePort uint16
}
