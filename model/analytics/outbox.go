package analytics

import (
	"net/netip"
	"slices"

	"firedrill/model/wire"
)

// outbox is what an engine knows of one collector, and what is on its way there.
type outbox struct {
	recorder *Recorder
	to       netip.Addr
	base     uint64   // the last message that the collector holds; with it, all that was due before
	flights  []flight // messages that were not answered yet, the oldest first
	restart  uint64   // answers to messages up to this number say nothing any more

	wait   int // rounds until the next message may go
	silent int // messages in a row without an answer
	idle   int // rounds in a row without anything to say
}

// flight is a message on its way.
type flight struct {
	sequence uint64
	marks    []mark
	more     bool // there are records that had no room in it
}

// mark says up to which record of a service a message goes.
type mark struct {
	series *series
	number uint64
}

const (
	batch       = 100 // records of a service in one message
	flightsKept = 8
	patient     = 3 // messages without an answer that go out interval by interval; after that, the pause doubles
	mostDoubled = 3 // at most so often
	idleRounds  = 8 // after so many without news, the collector is asked whether it still holds what it was sent
)

// round sends what is due, unless the collector has been silent for so long that it is spared for a while.
func (o *outbox) round() {
	if o.wait > 0 {
		o.wait--
		return
	}
	if !o.due() {
		o.idle++
		if o.idle < idleRounds || o.base == 0 || !o.used() {
			return
		}
	}
	if len(o.flights) > 0 {
		o.silent++
	}
	if doubled := min(o.silent-patient, mostDoubled); doubled > 0 {
		o.wait = 1<<doubled - 1
	}
	o.post()
}

// due tells whether there is something to send: news, or a message without an answer.
func (o *outbox) due() bool {
	if len(o.flights) > 0 {
		return true
	}
	for _, s := range o.recorder.series {
		if s.outbox == o && (s.changed > o.base || s.held < s.last) {
			return true
		}
	}
	return false
}

// used tells whether the collector has a service at present.
func (o *outbox) used() bool {
	return slices.ContainsFunc(o.recorder.series, func(s *series) bool { return s.outbox == o })
}

// post sends all that the collector does not hold, as far as there is room.
func (o *outbox) post() {
	r := o.recorder
	r.sequence++
	o.idle = 0
	m := &wire.Metrics{Engine: r.engine, Incarnation: r.incarnation, Sequence: r.sequence, Base: o.base}
	f := o.newFlight(r.sequence)
	for _, s := range r.series {
		if s.outbox != o {
			continue
		}
		if s.changed > o.base {
			m.Services = append(m.Services, s.counters())
		}
		if s.held < s.last {
			var number uint64
			m.Logs, number = s.appendRecords(m.Logs, batch)
			f.marks = append(f.marks, mark{s, number})
			f.more = f.more || number < s.last
		}
	}
	r.send(o.to, m)
}

// newFlight notes a message under way; of too many, the oldest are no longer waited for.
func (o *outbox) newFlight(sequence uint64) *flight {
	if len(o.flights) >= flightsKept {
		o.flights = o.flights[:copy(o.flights, o.flights[1:])]
	}
	o.flights = append(o.flights, flight{sequence: sequence})
	return &o.flights[len(o.flights)-1]
}

// acked takes the collector's answer to a message. What the message left out was acknowledged before, so the
// collector holds all that was due until then, or says that it does not.
func (o *outbox) acked(a *wire.MetricsAck) {
	if a.Sequence <= o.restart {
		return
	}
	if a.Unknown {
		o.startOver()
		return
	}
	for i := range o.flights {
		f := &o.flights[i]
		if f.sequence != a.Sequence {
			continue
		}
		o.base = max(o.base, a.Sequence)
		for _, m := range f.marks {
			if m.series.outbox == o {
				m.series.held = max(m.series.held, m.number)
				m.series.safe = max(m.series.safe, m.number)
			}
		}
		more := f.more
		o.flights = o.flights[:copy(o.flights, o.flights[i+1:])]
		o.silent, o.wait = 0, 0
		if more && len(o.flights) == 0 {
			o.post() // at once: the collector keeps up, and records wait
		}
		return
	}
}

// startOver sends everything again to a collector that has lost what it held.
func (o *outbox) startOver() {
	o.restart = o.recorder.sequence
	o.base, o.flights = 0, o.flights[:0]
	for _, s := range o.recorder.series {
		if s.outbox == o {
			s.held = 0
		}
	}
	o.silent, o.wait = 0, 0
	o.post()
}
