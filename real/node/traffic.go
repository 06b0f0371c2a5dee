package node

import (
	"net/netip"
	"sync"
	"time"

	"firedrill/model"
)

// traffic is what the data path of one process has carried, by service, in the order in which they were first used.
type traffic struct {
	began time.Time

	mu     sync.Mutex
	byName map[string]*carried
	all    []*carried
}

// carried is what it has carried for one service.
type carried struct {
	t *traffic
	model.TrafficSample
}

func newTraffic() *traffic { return &traffic{began: time.Now(), byName: make(map[string]*carried)} }

// flow counts a new flow, to a server or, where that is invalid, refused.
func (t *traffic) flow(service string, client, server netip.AddrPort) *carried {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.byName[service]
	if c == nil {
		c = &carried{t, model.TrafficSample{Service: service}}
		t.byName[service] = c
		t.all = append(t.all, c)
	}
	c.Begin(model.FlowRecord{At: time.Since(t.began), Client: client, Server: server})
	return c
}

// flowsOf tells how many flows of a service were accepted.
func (t *traffic) flowsOf(service string) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.byName[service]; c != nil {
		return c.Flows
	}
	return 0
}

// request counts one that is handed to the flow's server.
func (c *carried) request() {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	c.Requests++
}

// response counts one that is handed back to the client.
func (c *carried) response() {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	c.Responses++
}

// samples hands out what has been carried, and the records since they were last handed out.
func (t *traffic) samples(yield func(*model.TrafficSample)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.all {
		yield(&c.TrafficSample)
		c.Fetched()
	}
}

// tell says what has truly been carried, for a service or, without a name, for all.
func (t *traffic) tell(service string, emit func(model.Event)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.all {
		if service == "" || c.Service == service {
			emit(model.CountersEvent(model.EventCarried, c.Service, c.Counters))
		}
	}
}
