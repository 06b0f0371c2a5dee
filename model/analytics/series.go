package analytics

import (
	"firedrill/model"
	"firedrill/model/wire"
)

// series is what an engine has to tell of one service: the counters, and the latest log records.
type series struct {
	name    string
	outbox  *outbox // of its collector
	changed uint64  // messages from this number on carry the present counters
	model.Counters
	dropped uint64

	records []model.FlowRecord // the last of them has the number last
	last    uint64
	held    uint64 // the collector holds the records up to this number
	safe    uint64 // some collector did
}

// take takes a sample over, and tells whether it says anything new.
func (s *series) take(sample *model.TrafficSample) bool {
	if s.Counters == sample.Counters && len(sample.Records) == 0 && sample.Unrecorded == 0 {
		return false
	}
	s.Counters = sample.Counters
	if n := sample.Unrecorded; n > 0 { // what comes before the gap counts as older than all that comes after
		s.forget(len(s.records))
		s.last += n
		s.dropped += n
	}
	s.records = append(s.records, sample.Records...)
	s.last += uint64(len(sample.Records))
	if over := len(s.records) - KeptRecords; over > 0 {
		s.forget(over)
	}
	return true
}

// forget gives up the oldest records. They are lost if nobody ever took them.
func (s *series) forget(n int) {
	gone := s.last - uint64(len(s.records)-n)
	first := s.last - uint64(len(s.records))
	s.dropped += gone - min(max(s.safe, first), gone)
	s.records = s.records[n:]
}

// counters writes the counters for a message.
func (s *series) counters() *wire.ServiceCounters {
	return &wire.ServiceCounters{Service: s.name, Flows: s.Flows, Refused: s.Refused,
		Requests: s.Requests, Responses: s.Responses, Dropped: s.dropped}
}

// appendRecords adds at most so many records that the collector does not hold, the oldest first, and returns the
// number of the last one.
func (s *series) appendRecords(logs []*wire.LogRecord, most int) ([]*wire.LogRecord, uint64) {
	first := s.last - uint64(len(s.records)) + 1
	number := max(first, s.held+1)
	block := make([]wire.LogRecord, min(uint64(most), s.last+1-number)) // one allocation for all
	for i := range block {
		f, l := &s.records[number-first], &block[i]
		l.Service, l.Number, l.AtNs, l.Client = s.name, number, uint64(f.At), f.Client.String()
		number++
		if f.Server.IsValid() {
			l.Server = f.Server.String()
		} else {
			l.Refused = true
		}
		logs = append(logs, l)
	}
	return logs, number - 1
}
