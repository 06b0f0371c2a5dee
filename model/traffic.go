package model

import (
	"net/netip"
	"time"
)

// Counters is what a data path has done for one service since its process started. Each only grows.
type Counters struct {
	Flows     uint64 // accepted
	Refused   uint64 // flows answered by a reset
	Requests  uint64 // handed to a server
	Responses uint64 // handed back to the client
}

// FlowRecord is one flow as the data path saw it begin.
type FlowRecord struct {
	At     time.Duration // since the process started
	Client netip.AddrPort
	Server netip.AddrPort // the zero AddrPort: the flow was refused
}

// TrafficSample is what a data path has to tell of one service.
type TrafficSample struct {
	Service string
	Counters
	// Records are the flows begun since the last sample, oldest first. They belong to the world again when the
	// call that brings the sample returns.
	Records []FlowRecord
	// Unrecorded counts flows since the last sample, all older than Records, for which there was no room.
	Unrecorded uint64
}

// recordsKept is how many flow records of a service a data path holds for its node to fetch.
const recordsKept = 1000

// Begin counts a flow that begins, or is refused, and keeps its record. It is how the data path of any world fills a sample.
func (s *TrafficSample) Begin(r FlowRecord) {
	if r.Server.IsValid() {
		s.Flows++
	} else {
		s.Refused++
	}
	if len(s.Records) >= recordsKept {
		s.Unrecorded += uint64(len(s.Records))
		s.Records = s.Records[:0]
	}
	s.Records = append(s.Records, r)
}

// Fetched forgets the records that the node has been told.
func (s *TrafficSample) Fetched() { s.Records, s.Unrecorded = s.Records[:0], 0 }
