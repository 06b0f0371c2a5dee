package client

import (
	"net/netip"
	"testing"
	"time"

	"firedrill/model/wire"
)

// TestHTTPRequests: a request is repeated, as the same one, until it is answered by something else than that nobody can
// serve it; of the one controller that was to be asked every answer counts.
func TestHTTPRequests(t *testing.T) {
	for _, c := range []struct {
		name     string
		request  *wire.HTTPRequest
		via      int
		statuses []uint32 // 0: no answer
		want     uint32   // 0: unknown
		attempts int
		key      string
	}{
		{"served", &wire.HTTPRequest{Method: "POST"}, 0, []uint32{201}, 201, 1, "me-7"},
		{"refused for good", &wire.HTTPRequest{Method: "POST"}, 0, []uint32{409}, 409, 1, "me-7"},
		{"a key of its own", &wire.HTTPRequest{Method: "POST", IdempotencyKey: "mine"}, 0, []uint32{201}, 201, 1, "mine"},
		{"a read has none", &wire.HTTPRequest{Method: "GET"}, 0, []uint32{200}, 200, 1, ""},
		{"unavailable at first", &wire.HTTPRequest{Method: "PUT"}, 0, []uint32{503, 503, 200}, 200, 3, "me-7"},
		{"silent at first", &wire.HTTPRequest{Method: "PUT"}, 0, []uint32{0, 200}, 200, 2, "me-7"},
		{"silent", &wire.HTTPRequest{Method: "PUT"}, 0, []uint32{0}, 0, 4, "me-7"},
		{"unavailable, of one", &wire.HTTPRequest{Method: "PUT"}, 2, []uint32{503}, 503, 1, "me-7"},
		{"silent at first, of one", &wire.HTTPRequest{Method: "PUT"}, 2, []uint32{0, 200}, 200, 2, "me-7"},
		{"timed out behind a follower", &wire.HTTPRequest{Method: "PUT"}, 0, []uint32{504}, 504, 1, "me-7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, 3)
			n := 0
			s.http = func(to netip.Addr, r *wire.HTTPRequest) *wire.HTTPResponse {
				status := c.statuses[min(n, len(c.statuses)-1)]
				n++
				if status == 0 {
					return nil
				}
				return &wire.HTTPResponse{Status: status, Controller: "one"}
			}
			op := Operation{ID: 7, Request: c.request}
			if c.via > 0 {
				op.Via = controllerIP(c.via)
			}
			s.client.Start(s)
			s.client.Do(op)
			s.run(1)
			out := s.out[0]
			switch {
			case c.want == 0:
				if !out.Unknown || out.HTTP != nil || s.now < time.Second {
					t.Errorf("%+v after %v", out, s.now)
				}
			case out.Unknown || out.HTTP.GetStatus() != c.want || out.Controller != "one":
				t.Errorf("%+v, want %d", out, c.want)
			}
			if n != c.attempts {
				t.Errorf("%d attempts, want %d", n, c.attempts)
			}
			asked := map[netip.Addr]bool{}
			for _, m := range s.sent {
				asked[m.to] = true
				if m.http.IdempotencyKey != c.key || m.http.Id != s.sent[0].http.Id {
					t.Errorf("sends the key %q and the id %d, want %q", m.http.IdempotencyKey, m.http.Id, c.key)
				}
				if c.via > 0 && m.to != op.Via {
					t.Errorf("asks %v", m.to)
				}
			}
			if c.via == 0 && c.attempts > 1 && len(asked) < 2 {
				t.Error("it asks nobody else")
			}
		})
	}
}

// TestHTTPLateAnswer: the answer to one request is not taken for that to the next.
func TestHTTPLateAnswer(t *testing.T) {
	s := newStage(t, 1)
	s.client.Start(s)
	s.client.Do(Operation{ID: 1, Request: &wire.HTTPRequest{Method: "GET"}})
	s.client.Do(Operation{ID: 2, Request: &wire.HTTPRequest{Method: "GET"}})
	s.run(1)
	late := wire.Encode(&wire.Envelope_HttpResponse{HttpResponse: &wire.HTTPResponse{Id: s.sent[0].http.Id, Status: 200}})
	s.client.Receive(controllerIP(1), late)
	if len(s.out) != 1 {
		t.Errorf("returned %+v", s.out[1])
	}
}
