package analytics

import (
	"net/netip"
	"slices"

	"firedrill/model"
	"firedrill/model/wire"
)

// KeptRecords is how many of the latest log records of a service an engine keeps, and a controller of each engine
// and life.
const KeptRecords = 1000

// Recorder is an engine's side. It belongs to one life of the engine and needs no disk: with the process end the
// counters, too.
type Recorder struct {
	engine      string
	incarnation uint64
	send        func(to netip.Addr, m *wire.Metrics)

	sequence    uint64    // of the last message
	series      []*series // as the data path named them first
	byName      map[string]*series
	controllers []netip.Addr
	outboxes    []*outbox // one for each of them
}

// NewRecorder returns a recorder that streams to the controllers given until it is told of others. The incarnation
// is a number that no two lives of the engine share.
func NewRecorder(engine string, incarnation uint64, controllers []netip.Addr, send func(to netip.Addr, m *wire.Metrics)) *Recorder {
	r := &Recorder{engine: engine, incarnation: incarnation, send: send, byName: make(map[string]*series)}
	r.Redistribute(controllers)
	return r
}

// Collect takes what the data path has carried for a service.
func (r *Recorder) Collect(sample *model.TrafficSample) {
	s := r.byName[sample.Service]
	if s == nil {
		s = &series{name: sample.Service}
		r.byName[s.name] = s
		r.series = append(r.series, s)
		r.assign(s)
	}
	if s.take(sample) {
		s.changed = r.sequence + 1
	}
}

// Redistribute makes the controllers given share the services. An empty list says nothing: the engine keeps
// the last collectors it knew, since one of them may come back.
func (r *Recorder) Redistribute(controllers []netip.Addr) {
	if len(controllers) == 0 || slices.Equal(controllers, r.controllers) {
		return
	}
	r.controllers = slices.Clone(controllers)
	r.outboxes = slices.DeleteFunc(r.outboxes, func(o *outbox) bool { return !slices.Contains(controllers, o.to) })
	for _, c := range controllers {
		if r.outbox(c) == nil {
			r.outboxes = append(r.outboxes, &outbox{recorder: r, to: c})
		}
	}
	for _, s := range r.series {
		r.assign(s)
	}
}

// assign gives a service to its collector. A new collector gets all that is kept: what the old one has may have gone
// with it.
func (r *Recorder) assign(s *series) {
	o := r.outbox(Collector(s.name, r.controllers))
	if o == s.outbox {
		return
	}
	s.outbox, s.held = o, 0
	s.changed = r.sequence + 1
}

func (r *Recorder) outbox(to netip.Addr) *outbox {
	for _, o := range r.outboxes {
		if o.to == to {
			return o
		}
	}
	return nil
}

// Report is called at every interval: each collector is sent what it does not hold yet.
func (r *Recorder) Report() {
	for _, o := range r.outboxes {
		o.round()
	}
}

// Acked takes a collector's answer.
func (r *Recorder) Acked(from netip.Addr, a *wire.MetricsAck) {
	if o := r.outbox(from); o != nil && a.Incarnation == r.incarnation {
		o.acked(a)
	}
}
