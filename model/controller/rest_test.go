package controller

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"firedrill/model/wire"
)

const poolJSON = `{"name":"web","servers":[{"ip":"198.18.1.1","port":80}]}`

// problemOf reads an error, and holds it to RFC 9457.
func problemOf(t testing.TB, r *wire.HTTPResponse) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal(r.Body, &p); err != nil || r.ContentType != "application/problem+json" || p.Status != r.Status || p.Title == "" || p.Type != "about:blank" {
		t.Fatalf("no problem document: %d %s %s (%v)", r.Status, r.ContentType, r.Body, err)
	}
	return p
}

// TestRefusals: what cannot be done is refused with the status that says why, whoever is asked.
func TestRefusals(t *testing.T) {
	w := newWorld(t, 3)
	w.must(request{method: "POST", path: "/api/pool", body: poolJSON})
	w.must(request{method: "POST", path: "/api/serviceenginegroup", body: `{"name":"g","ha_mode":"HA_MODE_LEGACY_ACTIVE_STANDBY"}`})
	w.must(request{method: "POST", path: "/api/virtualservice", body: `{"name":"shop","vip":"198.18.2.1","port":80,"pool_ref":"web","se_group_ref":"g"}`})
	for _, c := range []struct {
		name   string
		r      request
		status uint32
		detail string
	}{
		{"a wrong token", request{method: "GET", path: "/api/pool", token: "guess"}, 401, "token"},
		{"a wrong token, and a path that is none", request{method: "GET", path: "/api/nothing", token: "guess"}, 401, "token"},
		{"an unknown path", request{method: "GET", path: "/api/nothing"}, 404, "there is nothing at /api/nothing"},
		{"a path outside of the API", request{method: "GET", path: "/"}, 404, "there is nothing"},
		{"a path below an object", request{method: "GET", path: "/api/pool/web/servers"}, 404, "there is nothing"},
		{"an object that is not there", request{method: "GET", path: "/api/pool/none"}, 404, "none does not exist"},
		{"an update of what is not there", request{method: "PUT", path: "/api/pool/none", body: `{"name":"none","servers":[]}`}, 404, "Pool/none does not exist"},
		{"a removal of what is not there", request{method: "DELETE", path: "/api/pool/none"}, 404, "Pool/none does not exist"},
		{"a method that the path does not take", request{method: "PATCH", path: "/api/pool/web"}, 405, "takes GET, PUT, DELETE"},
		{"an engine made by hand", request{method: "POST", path: "/api/serviceengine", body: `{}`}, 405, "takes GET"},
		{"the same object twice", request{method: "POST", path: "/api/pool", body: poolJSON}, 409, "exists"},
		{"an object in use", request{method: "DELETE", path: "/api/pool/web"}, 409, "used by VirtualService/shop"},
		{"another version", request{method: "PUT", path: "/api/pool/web", body: poolJSON, ifMatch: 99999}, 412, "not 99999"},
		{"a removal of another version", request{method: "DELETE", path: "/api/virtualservice/shop", ifMatch: 99999}, 412, "not 99999"},
		{"too long a body", request{method: "POST", path: "/api/pool", body: strings.Repeat(" ", maxBody+1)}, 413, "at most"},
		{"a body that is no JSON", request{method: "POST", path: "/api/pool", body: "{"}, 400, "Pool"},
		{"an unknown field", request{method: "POST", path: "/api/pool", body: `{"name":"a","servers":[],"nmae":1}`}, 400, "nmae"},
		{"an invalid field", request{method: "POST", path: "/api/pool", body: `{"name":"a","servers":[{"ip":"198.18.1.1","port":0}]}`}, 400, "servers[0].port"},
		{"another name in the body than in the path", request{method: "PUT", path: "/api/pool/web", body: `{"name":"other","servers":[]}`}, 400, "other"},
		{"a reference to nothing", request{method: "POST", path: "/api/virtualservice", body: `{"name":"x","vip":"198.18.2.2","port":80,"pool_ref":"gone","se_group_ref":"g"}`}, 400, "pool_ref"},
		{"events since no index", request{method: "GET", path: "/api/events?since=yesterday"}, 400, "since"},
		{"events since half an index", request{method: "GET", path: "/api/events?since=12abc"}, 400, "since"},
	} {
		for _, to := range append(w.followers()[:1], w.leader()) {
			t.Run(c.name+" at "+to.cfg.Name, func(t *testing.T) {
				r := w.ask(to, c.r)
				p := problemOf(t, r)
				if r.Status != c.status || !strings.Contains(p.Detail, c.detail) {
					t.Errorf("%d %q, want %d and %q", r.Status, p.Detail, c.status, c.detail)
				}
			})
		}
	}
}

// TestObjectLife: an object is made, read, changed in the version that was read, listed and removed; through a follower,
// who hands it all to the leader.
func TestObjectLife(t *testing.T) {
	w := newWorld(t, 3)
	f := w.followers()[0]
	made := w.ask(f, request{method: "POST", path: "/api/pool", body: poolJSON})
	if made.Status != 201 || string(made.Body) != poolJSON || made.Etag == 0 || made.Controller != f.cfg.Name {
		t.Fatalf("made: %v", made)
	}
	changed := `{"name":"web","description":"more","servers":[{"ip":"198.18.1.1","port":80}]}`
	updated := w.ask(f, request{method: "PUT", path: "/api/pool/web", body: changed, ifMatch: made.Etag})
	if updated.Status != 200 || string(updated.Body) != changed || updated.Etag <= made.Etag {
		t.Fatalf("updated: %v", updated)
	}
	if again := w.ask(f, request{method: "PUT", path: "/api/pool/web", body: poolJSON, ifMatch: made.Etag}); again.Status != 412 {
		t.Errorf("a version that is gone was updated: %v", again)
	}
	if read := w.ask(f, request{method: "GET", path: "/api/pool/web/"}); read.Status != 200 || string(read.Body) != changed || read.Etag != updated.Etag {
		t.Errorf("read: %v", read)
	}
	list := w.ask(f, request{method: "GET", path: "/api/pool"})
	if want := fmt.Sprintf(`{"count":1,"results":[{"version":%d,"object":%s}]}`, updated.Etag, changed); string(list.Body) != want {
		t.Errorf("list: %s, want %s", list.Body, want)
	}
	if gone := w.ask(f, request{method: "DELETE", path: "/api/pool/web", ifMatch: updated.Etag}); gone.Status != 204 || len(gone.Body) > 0 || gone.ContentType != "" {
		t.Errorf("removed: %v", gone)
	}
	if list := w.ask(f, request{method: "GET", path: "/api/pool"}); string(list.Body) != `{"count":0,"results":[]}` {
		t.Errorf("an empty list: %s", list.Body)
	}
}

// TestIdempotencyKey: a repeated request happens once and is answered as the first was, also by the next leader.
func TestIdempotencyKey(t *testing.T) {
	for _, c := range []struct {
		name string
		r    request
		want uint32
	}{
		{"create", request{method: "POST", path: "/api/pool", body: `{"name":"new","servers":[]}`}, 201},
		{"create what exists", request{method: "POST", path: "/api/pool", body: poolJSON}, 409},
		{"update", request{method: "PUT", path: "/api/pool/web", body: `{"name":"web","servers":[]}`}, 200},
		{"delete", request{method: "DELETE", path: "/api/pool/web"}, 204},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 3)
			w.must(request{method: "POST", path: "/api/pool", body: poolJSON})
			c.r.key = "4711"
			first := w.ask(w.leader(), c.r)
			w.must(request{method: "POST", path: "/api/cloud", body: `{"name":"c","access":"NO_ACCESS"}`}) // time goes on
			second := w.ask(w.followers()[0], c.r)
			w.leader().crash()
			w.until("another leads", func() bool { return w.leader() != nil })
			third := w.ask(w.leader(), c.r)
			for i, r := range []*wire.HTTPResponse{first, second, third} {
				if r.Status != c.want || string(r.Body) != string(first.Body) || r.Etag != first.Etag {
					t.Errorf("answer %d: %d %d %s, want %d %d %s", i, r.Status, r.Etag, r.Body, c.want, first.Etag, first.Body)
				}
			}
		})
	}
}

// TestIdempotencyKeyOfAnotherRequest: whoever uses a key again for something else must not be told that it was done.
func TestIdempotencyKeyOfAnotherRequest(t *testing.T) {
	w := newWorld(t, 1)
	w.must(request{method: "POST", path: "/api/pool", body: poolJSON, key: "k"})
	r := w.ask(w.leader(), request{method: "POST", path: "/api/pool", body: `{"name":"other","servers":[]}`, key: "k"})
	there := w.ask(w.leader(), request{method: "GET", path: "/api/pool/other"})
	if done := r.Status < 300; done != (there.Status == 200) {
		t.Errorf("told %d %s, but reading it gives %d", r.Status, r.Body, there.Status)
	}
}

// TestNobodyLeads: a controller without a quorum serves nothing that could be stale, and says what it sees.
func TestNobodyLeads(t *testing.T) {
	w := newWorld(t, 3)
	alone := w.followers()[0]
	was := w.leader()
	alone.cut = true // the client stands beside it
	post := func(r request) *wire.HTTPResponse {
		r.token = testToken
		w.asked++
		w.queue = nil
		alone.cut = false
		alone.node.Receive(clientIP, wire.Encode(&wire.Envelope_HttpRequest{HttpRequest: &wire.HTTPRequest{
			Id: w.asked, Method: r.method, Path: r.path, Body: []byte(r.body), Token: r.token}}))
		for _, p := range w.queue {
			if p.to == clientIP {
				w.mail = append(w.mail, p)
			}
		}
		w.queue, alone.cut = nil, true
		return w.answer(w.asked)
	}
	w.pass(5 * time.Second)
	for _, r := range []request{{method: "GET", path: "/api/pool"}, {method: "POST", path: "/api/pool", body: poolJSON}, {method: "GET", path: "/api/cluster"}} {
		got := post(r)
		if got == nil || got.Status != 503 || !strings.Contains(problemOf(t, got).Detail, "no controller leads") {
			t.Errorf("%s %s: %v", r.method, r.path, got)
		}
	}
	status := post(request{method: "GET", path: "/api/cluster/status"})
	if !strings.Contains(string(status.Body), ClusterDown) || !strings.Contains(string(status.Body), StateNotResponsive) {
		t.Errorf("status: %s", status.Body)
	}

	// A leader that was cut off knows that it cannot lead, and says so.
	if was != w.leader() {
		t.Errorf("the leader changed to %v", w.leader().cfg.Name)
	}
}

// TestForwardedToNoLeader: who was handed a request for the leader, and is none, names the one it believes to lead,
// and never hands it on.
func TestForwardedToNoLeader(t *testing.T) {
	w := newWorld(t, 3)
	f := w.followers()[0]
	w.queue = append(w.queue, packet{clientIP, f.cfg.Address, wire.Encode(&wire.Envelope_HttpRequest{HttpRequest: &wire.HTTPRequest{
		Id: 77, Method: "GET", Path: "/api/pool", Token: testToken, Forwarded: true}})})
	w.deliver()
	got := w.answer(77)
	if got == nil || got.Status != 503 {
		t.Fatalf("answer: %v", got)
	}
	if p := problemOf(t, got); p.Leader != w.leader().cfg.Address.String() {
		t.Errorf("names %q, want %s", p.Leader, w.leader().cfg.Address)
	}
}

// TestForwardUnanswered: what the leader does not answer may have been done, and the follower says just that.
func TestForwardUnanswered(t *testing.T) {
	w := newWorld(t, 3)
	f, l := w.followers()[0], w.leader()
	l.frozen = true
	id := w.post(f, request{method: "POST", path: "/api/pool", body: poolJSON})
	w.pass(f.cfg.Timers.APITimeout.Std() - 200*time.Millisecond)
	if w.answer(id) != nil {
		t.Fatal("the follower gave up too soon")
	}
	w.pass(time.Second)
	got := w.answer(id)
	if got == nil || got.Status != 504 || !strings.Contains(problemOf(t, got).Detail, "may have been carried out") {
		t.Errorf("answer: %v", got)
	}
	l.wake()
	w.pass(time.Second)
	w.answer(id) // fails the test if the late answer was handed on, too
}

// TestForwardOfAnotherLife: an answer to what a controller forwarded before it crashed is not taken for the answer to
// what it has forwarded since.
func TestForwardOfAnotherLife(t *testing.T) {
	w := newWorld(t, 3)
	f, l := w.followers()[0], w.leader()
	w.must(request{method: "POST", path: "/api/pool", body: poolJSON})
	l.frozen = true
	w.post(f, request{method: "GET", path: "/api/pool/web"})
	w.deliver()
	f.crash()
	f.start()
	l.frozen = false // its inbox is still to come
	w.until("the follower knows the leader again", func() bool { return f.node.status.Leader == l.node.id })
	id := w.post(f, request{method: "GET", path: "/api/pool/none"})
	for len(w.queue) > 0 && w.queue[0].to != l.cfg.Address { // up to the hands of the leader
		p := w.queue[0]
		w.queue = w.queue[1:]
		w.at(p.to).node.Receive(p.from, p.data)
	}
	w.queue = append(l.waiting, w.queue...)
	l.waiting = nil
	w.pass(time.Second)
	if got := w.answer(id); got == nil || got.Status != 404 {
		t.Errorf("GET of nothing is answered with %v", got)
	}
}
