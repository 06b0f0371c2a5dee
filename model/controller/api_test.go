package controller

import (
	"testing"
	"time"

	"firedrill/model/config"
	"firedrill/model/wire"
)

var cloudKey = config.Key{Kind: config.KindCloud, Name: "c"}

// response is what came for a request of the internal protocol; nil if nothing did.
func (w *world) response(client string, sequence uint64) *wire.Response {
	for _, p := range w.mail {
		if body, err := wire.Decode(p.data); err == nil && p.to == clientIP {
			if r, ok := body.(*wire.Envelope_Response); ok && r.Response.Client == client && r.Response.Sequence == sequence {
				return r.Response
			}
		}
	}
	return nil
}

// do makes a request of the internal protocol and waits for the answer, which replaces an earlier one.
func (w *world) do(to *host, r *wire.Request) *wire.Response {
	w.Helper()
	if r.Client == "" {
		w.asked++
		r.Client, r.Sequence = "reader", w.asked
	}
	kept := w.mail
	w.mail = nil
	w.queue = append(w.queue, packet{clientIP, to.cfg.Address, wire.Encode(&wire.Envelope_Request{Request: r})})
	w.until("the request is answered", func() bool { return w.response(r.Client, r.Sequence) != nil })
	out := w.response(r.Client, r.Sequence)
	w.mail = append(kept, w.mail...)
	return out
}

// TestSessions: within its session a write happens once, however often it is sent and whoever leads; what the cluster
// has forgotten is not done again.
func TestSessions(t *testing.T) {
	w := newWorld(t, 3)
	create := func(sequence uint64, name string) *wire.Request {
		return &wire.Request{Client: "me", Sequence: sequence, Operation: wire.Operation_CREATE, Kind: "Pool", Name: name, Body: []byte(`{"name":"` + name + `","servers":[]}`)}
	}
	for _, c := range []struct {
		name   string
		before func()
		r      *wire.Request
		want   wire.Status
	}{
		{"a write without a session", nil, create(2, "a"), wire.Status_SESSION_EXPIRED},
		{"opening", nil, &wire.Request{Client: "me", Sequence: 1, Operation: wire.Operation_OPEN}, wire.Status_OK},
		{"the first write", nil, create(2, "a"), wire.Status_OK},
		{"the first write again", nil, create(2, "a"), wire.Status_OK},
		{"another that fails", nil, create(3, "a"), wire.Status_ALREADY_EXISTS},
		{"an earlier one", nil, create(2, "a"), wire.Status_SESSION_EXPIRED},
		{"the last one, under the next leader", func() {
			w.leader().crash()
			w.until("another leads", func() bool { return w.leader() != nil })
		}, create(3, "a"), wire.Status_ALREADY_EXISTS},
		{"an unknown kind", nil, &wire.Request{Client: "me", Sequence: 4, Operation: wire.Operation_CREATE, Kind: "Nothing", Name: "x", Body: []byte("{}")}, wire.Status_INVALID},
		{"a fact", nil, &wire.Request{Client: "me", Sequence: 5, Operation: wire.Operation_CREATE, Kind: "ServiceEngine", Name: "x", Body: []byte("{}")}, wire.Status_INVALID},
		{"an event from outside", nil, &wire.Request{Client: "me", Sequence: 6, Operation: wire.Operation_EVENT, Body: []byte("{}")}, wire.Status_INVALID},
		{"a restore from outside", nil, &wire.Request{Client: "me", Sequence: 7, Operation: wire.Operation_RESTORE}, wire.Status_INVALID},
		{"another cluster", nil, &wire.Request{Client: "me", Sequence: 8, Operation: wire.Operation_READ, Kind: "Pool", Name: "a", Cluster: "elsewhere"}, wire.Status_NOT_LEADER},
	} {
		if c.before != nil {
			c.before()
		}
		if got := w.do(w.leader(), c.r); got.Status != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if list := w.do(w.leader(), &wire.Request{Operation: wire.Operation_LIST, Kind: "Pool"}); len(list.Items) != 1 {
		t.Errorf("%d pools", len(list.Items))
	}
	f := w.followers()[0]
	if got := w.do(f, &wire.Request{Operation: wire.Operation_READ, Kind: "Pool", Name: "a"}); got.Status != wire.Status_NOT_LEADER ||
		got.Leader != w.leader().cfg.Address.String() || got.Controller != f.cfg.Name {
		t.Errorf("a follower answers %v", got)
	}
}

// TestReadsOfADeposedLeader: a leader that stood still while another was elected answers no read from what it holds.
func TestReadsOfADeposedLeader(t *testing.T) {
	w := newWorld(t, 3)
	w.must(request{method: "POST", path: "/api/pool", body: `{"name":"web","description":"old","servers":[]}`})
	w.pass(time.Second)
	old := w.leader()
	old.frozen = true
	w.until("another leads", func() bool { return w.leader() != nil })
	w.must(request{method: "PUT", path: "/api/pool/web", body: `{"name":"web","description":"new","servers":[]}`})
	id := w.post(old, request{method: "GET", path: "/api/pool/web"})
	w.deliver()
	old.waiting = old.waiting[len(old.waiting)-1:] // what it slept through is lost; it still believes to lead
	old.wake()
	w.until("the read is answered, or cannot be", func() bool { return w.answer(id) != nil })
	if got := w.answer(id); got.Status == 200 && string(got.Body) != `{"name":"web","description":"new","servers":[]}` {
		t.Errorf("a stale read: %s", got.Body)
	}
}

// TestWarmStart: a new leader that is still starting serves nothing, and says so.
func TestWarmStart(t *testing.T) {
	w := newWorld(t, 1, func(cfg *Config) { cfg.Timers.WarmStart = config.Duration(time.Second) })
	h := w.hosts[0]
	h.crash()
	h.start()
	w.pass(500 * time.Millisecond)
	for _, path := range []string{"/api/pool", "/api/pool/none", "/api/cluster", "/api/events", "/api/analytics/virtualservice", "/api/analytics/virtualservice/none"} {
		r := w.ask(h, request{method: "GET", path: path})
		if p := problemOf(t, r); r.Status != 503 {
			t.Errorf("%s: %d %s", path, r.Status, p.Detail)
		}
	}
	w.pass(time.Second)
	if r := w.ask(h, request{method: "GET", path: "/api/pool"}); r.Status != 200 {
		t.Errorf("after the warm start: %v", r)
	}
}
