package analytics

import (
	"cmp"
	"slices"
	"strings"

	"firedrill/model/wire"
)

// life is what a store holds of one life of an engine.
type life struct {
	engine      string
	incarnation uint64
	whole       uint64 // the store holds all that the engine had due here until its message of this number
	heard       uint64 // by the store's clock
	services    []*held
}

// held is what it holds of one service.
type held struct {
	counters wire.ServiceCounters
	logs     []*wire.LogRecord // by number, each once
}

// service returns what is held of a service.
func (l *life) service(name string) *held {
	i, found := slices.BinarySearchFunc(l.services, name, func(h *held, name string) int { return strings.Compare(h.counters.Service, name) })
	if !found {
		h := &held{}
		h.counters.Service = name
		l.services = slices.Insert(l.services, i, h)
	}
	return l.services[i]
}

// join takes over newer counters. Since counters only grow, of two messages the one with the larger values is the
// newer one, in whatever order they come.
func (h *held) join(c *wire.ServiceCounters) { join(&h.counters, c) }

// join makes a the later one of a and b.
func join(a, b *wire.ServiceCounters) {
	a.Flows = max(a.Flows, b.Flows)
	a.Refused = max(a.Refused, b.Refused)
	a.Requests = max(a.Requests, b.Requests)
	a.Responses = max(a.Responses, b.Responses)
	a.Dropped = max(a.Dropped, b.Dropped)
}

// insert keeps a record, unless it is held already or older than all that a full log keeps.
func (h *held) insert(r *wire.LogRecord) {
	i := len(h.logs)
	if i > 0 && h.logs[i-1].Number >= r.Number { // else it is the next one, as almost always
		var found bool
		i, found = slices.BinarySearchFunc(h.logs, r.Number, func(l *wire.LogRecord, number uint64) int { return cmp.Compare(l.Number, number) })
		if found || i == 0 && len(h.logs) >= KeptRecords {
			return
		}
	}
	h.logs = slices.Insert(h.logs, i, r)
	if len(h.logs) > KeptRecords {
		h.logs[0] = nil
		h.logs = h.logs[1:]
	}
}

// answer writes what a query asks for, or nil where nothing is held.
func (l *life) answer(q *wire.MetricsQuery) *wire.Metrics {
	var m *wire.Metrics
	for _, h := range l.services {
		if q.Service != "" && q.Service != h.counters.Service {
			continue
		}
		if m == nil {
			m = &wire.Metrics{Engine: l.engine, Incarnation: l.incarnation, Sequence: l.whole}
		}
		m.Services = append(m.Services, h.snapshot())
		m.Logs = append(m.Logs, h.logs[len(h.logs)-min(len(h.logs), int(q.Logs)):]...)
	}
	return m
}

// snapshot copies the counters, which go on changing.
func (h *held) snapshot() *wire.ServiceCounters {
	c := &wire.ServiceCounters{Service: h.counters.Service}
	join(c, &h.counters)
	return c
}
