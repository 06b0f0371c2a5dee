package sim

import (
	"net/netip"

	"firedrill/model"
)

// traffic is what the data path of one incarnation has carried, by service.
type traffic struct {
	byName map[string]*carried
	all    []*carried // as they were first used
	began  int64
}

// carried is what it has carried for one service. The sample is handed out as it is.
type carried struct{ model.TrafficSample }

// reset begins a new incarnation. The old counters stay with flows that still point at them.
func (t *traffic) reset(now int64) { *t = traffic{byName: make(map[string]*carried), began: now} }

// of returns the counters of a service.
func (t *traffic) of(service string) *carried {
	c := t.byName[service]
	if c == nil {
		c = &carried{model.TrafficSample{Service: service}}
		t.byName[service] = c
		t.all = append(t.all, c)
	}
	return c
}

// flowsOf tells how many flows of a service were accepted.
func (t *traffic) flowsOf(service string) uint64 {
	if c := t.byName[service]; c != nil {
		return c.Flows
	}
	return 0
}

// countFlow counts a new flow, to a server or refused.
func (m *machine) countFlow(service string, flow model.Flow, server netip.AddrPort) *carried {
	c := m.traffic.of(service)
	c.Begin(model.FlowRecord{At: m.local(m.w.now) - m.local(m.traffic.began), Client: flow.Client, Server: server})
	return c
}

// Traffic implements [model.Env].
func (m *machine) Traffic(yield func(*model.TrafficSample)) {
	for _, c := range m.traffic.all {
		yield(&c.TrafficSample)
		c.Fetched()
	}
}

// tellCarried records what the data path has truly carried, for a service or, without a name, for all.
func (m *machine) tellCarried(service string) {
	for _, c := range m.traffic.all {
		if service == "" || c.Service == service {
			m.w.nodeEvent(m, model.CountersEvent(model.EventCarried, c.Service, c.Counters))
		}
	}
}

// tellAllCarried does so for every machine that lives.
func (w *World) tellAllCarried(service string) {
	for _, m := range w.machines {
		if m.up {
			m.tellCarried(service)
		}
	}
}
