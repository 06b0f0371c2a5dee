package client

import (
	"fmt"
	"math"
	"net/netip"
	"testing"
	"time"

	"firedrill/model/wire"
)

// TestFollowsTheLeader: whoever is asked first, the client finds the one who leads, by its name where it is told, and
// goes to it at once the next time. An answer that comes twice changes nothing.
func TestFollowsTheLeader(t *testing.T) {
	for _, twice := range []bool{false, true} {
		for _, hint := range []string{controllerIP(3).String(), "", "nonsense"} {
			t.Run(fmt.Sprintf("hint %q, twice %t", hint, twice), func(t *testing.T) {
				s := newStage(t, 3)
				s.twice = twice
				s.answer = func(to netip.Addr, r *wire.Request) *wire.Response {
					if to != controllerIP(3) {
						return &wire.Response{Status: wire.Status_NOT_LEADER, Leader: hint}
					}
					return &wire.Response{Status: wire.Status_OK, Version: 5, Controller: "three"}
				}
				s.client.Start(s)
				s.client.Do(create(1))
				s.run(1)
				if out := s.out[0]; out.Status != wire.Status_OK || out.Unknown || out.Version != 5 || out.Controller != "three" {
					t.Errorf("%+v", out)
				}
				if most := map[bool]int{true: 3, false: 5}[hint == controllerIP(3).String()]; len(s.sent) > most {
					t.Errorf("%d attempts", len(s.sent))
				}
				before := len(s.sent)
				s.client.Do(create(2))
				s.run(2)
				if s.sent[before].to != controllerIP(3) && hint == controllerIP(3).String() {
					t.Errorf("the next one goes to %v", s.sent[before].to)
				}
			})
		}
	}
}

// TestSameSequence: a write that is not answered is sent again, to every controller, as the same write; the session is
// opened once.
func TestSameSequence(t *testing.T) {
	s := newStage(t, 3)
	tried := map[netip.Addr]bool{}
	s.answer = func(to netip.Addr, r *wire.Request) *wire.Response {
		if r.Operation == wire.Operation_OPEN {
			return &wire.Response{Status: wire.Status_OK}
		}
		if tried[to] = true; len(tried) < 3 {
			return nil
		}
		return &wire.Response{Status: wire.Status_OK, Version: 1}
	}
	s.client.Start(s)
	s.client.Do(create(1))
	s.client.Do(create(2))
	s.run(2)
	opened, first := 0, 0
	for _, m := range s.sent {
		r := m.request
		switch {
		case r.Client != "me#1":
			t.Errorf("session %s", r.Client)
		case r.Operation == wire.Operation_OPEN && r.Sequence == 1:
			opened++
		case r.Sequence == 2 && r.Operation == wire.Operation_CREATE && r.Kind == "Pool" && r.Name == "p" && string(r.Body) == "{}":
			first++
		case r.Sequence != 3:
			t.Errorf("sequence %d", r.Sequence)
		}
	}
	if opened != 1 || first < 3 {
		t.Errorf("opened %d times, tried %d times", opened, first)
	}
}

// TestOutcomes: what an operation comes to, by what the controllers answer.
func TestOutcomes(t *testing.T) {
	const never = wire.Status_STATUS_UNSPECIFIED
	read := Operation{ID: 1, Do: wire.Operation_READ, Key: poolKey}
	via := read
	via.Via = controllerIP(2)
	for _, c := range []struct {
		name    string
		op      Operation
		open    wire.Status // the answer to the session's opening; never: none
		answers []wire.Status
		want    Outcome // status and whether it is unknown
		session string  // of the last attempt
	}{
		{"a write nobody answers", create(1), wire.Status_OK, []wire.Status{never}, Outcome{Unknown: true, Status: wire.Status_UNAVAILABLE}, "me#1"},
		{"a write when not even the session could be opened", create(1), never, nil, Outcome{Status: wire.Status_UNAVAILABLE}, "me#1"},
		{"a read nobody answers", read, 0, []wire.Status{never}, Outcome{Unknown: true, Status: wire.Status_UNAVAILABLE}, "me"},
		{"a read that is refused, then served", read, 0, []wire.Status{wire.Status_UNAVAILABLE, wire.Status_NOT_LEADER, wire.Status_OK}, Outcome{Status: wire.Status_OK}, "me"},
		{"a read of nothing", read, 0, []wire.Status{wire.Status_NOT_FOUND}, Outcome{Status: wire.Status_NOT_FOUND}, "me"},
		{"a read via one that does not lead", via, 0, []wire.Status{wire.Status_NOT_LEADER}, Outcome{Status: wire.Status_NOT_LEADER}, "me"},
		{"a read via one that cannot serve", via, 0, []wire.Status{wire.Status_UNAVAILABLE}, Outcome{Status: wire.Status_UNAVAILABLE}, "me"},
		{"a read via one that is silent at first", via, 0, []wire.Status{never, wire.Status_OK}, Outcome{Status: wire.Status_OK}, "me"},
		{"an invalid write", create(1), wire.Status_OK, []wire.Status{wire.Status_INVALID}, Outcome{Status: wire.Status_INVALID}, "me#1"},
		{"a session that was forgotten before the first attempt", create(1), wire.Status_OK, []wire.Status{wire.Status_SESSION_EXPIRED, wire.Status_OK}, Outcome{Status: wire.Status_OK}, "me#2"},
		{"a session that was forgotten after an attempt without an answer", create(1), wire.Status_OK, []wire.Status{never, wire.Status_SESSION_EXPIRED}, Outcome{Unknown: true, Status: wire.Status_SESSION_EXPIRED}, "me#1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, 3)
			n := 0
			s.answer = func(_ netip.Addr, r *wire.Request) *wire.Response {
				status := c.open
				if r.Operation != wire.Operation_OPEN {
					status = c.answers[min(n, len(c.answers)-1)]
					n++
				}
				if status == never {
					return nil
				}
				return &wire.Response{Status: status}
			}
			s.client.Start(s)
			s.client.Do(c.op)
			s.run(1)
			if got := s.out[0]; got.Status != c.want.Status || got.Unknown != c.want.Unknown {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			last := s.sent[len(s.sent)-1]
			if last.request.Client != c.session {
				t.Errorf("the last attempt is of %s, want %s", last.request.Client, c.session)
			}
			if c.op.Via.IsValid() {
				for _, m := range s.sent {
					if m.to != c.op.Via {
						t.Errorf("asks %v, not %v", m.to, c.op.Via)
					}
				}
			}
			if took := s.now; took > 1200*time.Millisecond || c.want.Unknown && n > 0 && c.want.Status == wire.Status_UNAVAILABLE && took < time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestSessionAfterUnknown: after a write of which nobody knows the outcome, the next one has a higher sequence, so that
// the earlier one can no longer take place behind it; after a forgotten session it has a new one.
func TestSessionAfterUnknown(t *testing.T) {
	for _, c := range []struct {
		name             string
		answer           wire.Status // to the second attempt of the first write
		client           string      // of the second write
		sequence, opened int
	}{
		{"no answer", wire.Status_STATUS_UNSPECIFIED, "me#1", 3, 1},
		{"forgotten", wire.Status_SESSION_EXPIRED, "me#2", 2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, 1)
			first, opened := 0, 0
			s.answer = func(_ netip.Addr, r *wire.Request) *wire.Response {
				switch {
				case r.Operation == wire.Operation_OPEN:
					opened++
					return &wire.Response{Status: wire.Status_OK}
				case len(s.out) == 0:
					if first++; first > 1 && c.answer != wire.Status_STATUS_UNSPECIFIED {
						return &wire.Response{Status: c.answer}
					}
					return nil
				}
				return &wire.Response{Status: wire.Status_OK, Version: 9}
			}
			s.client.Start(s)
			s.client.Do(create(1))
			s.client.Do(create(2))
			s.run(2)
			last := s.sent[len(s.sent)-1].request
			if !s.out[0].Unknown || s.out[1].Status != wire.Status_OK || last.Client != c.client || int(last.Sequence) != c.sequence || opened != c.opened {
				t.Errorf("%+v, then %+v as %s %d, %d sessions", s.out[0], s.out[1], last.Client, last.Sequence, opened)
			}
		})
	}
}

// TestVersionsSeen: an update and a delete ask for the version that this client last saw; one that it never saw, or knows
// to be gone, is a version that no object has.
func TestVersionsSeen(t *testing.T) {
	s := newStage(t, 1)
	version := uint64(0)
	s.answer = func(_ netip.Addr, r *wire.Request) *wire.Response {
		switch {
		case r.Operation == wire.Operation_LIST:
			return &wire.Response{Status: wire.Status_OK, Version: 1000}
		case r.Version == math.MaxInt64:
			return &wire.Response{Status: wire.Status_NOT_FOUND}
		}
		version++
		return &wire.Response{Status: wire.Status_OK, Version: version * 10}
	}
	s.client.Start(s)
	for i, do := range []wire.Operation{wire.Operation_UPDATE, wire.Operation_CREATE, wire.Operation_LIST, wire.Operation_UPDATE, wire.Operation_READ, wire.Operation_DELETE, wire.Operation_DELETE} {
		s.client.Do(Operation{ID: uint64(i), Do: do, Key: poolKey})
	}
	s.run(7)
	var got []uint64
	for _, op := range s.called {
		if op.Do == wire.Operation_UPDATE || op.Do == wire.Operation_DELETE {
			got = append(got, op.Version)
		}
	}
	// The session's opening took version 10 here, the creation 20, the update 30, the read 40.
	if want := []uint64{math.MaxInt64, 20, 40, math.MaxInt64}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("versions %v, want %v", got, want)
	}
}

// TestOtherAnswers: an answer to something else, or no message at all, is not taken for the answer.
func TestOtherAnswers(t *testing.T) {
	s := newStage(t, 1)
	s.client.Start(s)
	s.client.Receive(controllerIP(1), wire.Encode(&wire.Envelope_Response{Response: &wire.Response{}})) // before anything was asked
	s.client.Do(Operation{ID: 1, Do: wire.Operation_READ, Key: poolKey})
	r := s.sent[0].request
	for _, msg := range [][]byte{nil, []byte("nonsense"), wire.Encode(&wire.Envelope_JoinRequest{JoinRequest: &wire.JoinRequest{}}),
		wire.Encode(&wire.Envelope_Response{Response: &wire.Response{Client: "other", Sequence: r.Sequence, Status: wire.Status_OK}}),
		wire.Encode(&wire.Envelope_Response{Response: &wire.Response{Client: r.Client, Sequence: r.Sequence + 1, Status: wire.Status_OK}}),
		wire.Encode(&wire.Envelope_HttpResponse{HttpResponse: &wire.HTTPResponse{Id: r.Sequence, Status: 200}})} {
		s.client.Receive(controllerIP(1), msg)
	}
	if len(s.out) != 0 {
		t.Errorf("returned %+v", s.out)
	}
}

// TestOneAtATime: operations asked for before the start, and while another is under way, are done in their order.
func TestOneAtATime(t *testing.T) {
	s := newStage(t, 2)
	s.answer = func(netip.Addr, *wire.Request) *wire.Response { return &wire.Response{Status: wire.Status_OK} }
	for i := range 3 {
		s.client.Do(Operation{ID: uint64(i), Do: wire.Operation_READ, Key: poolKey})
	}
	if len(s.called) != 0 {
		t.Error("it begins before the start")
	}
	s.client.Start(s)
	if len(s.called) != 1 {
		t.Errorf("%d under way", len(s.called))
	}
	s.run(3)
	for i, op := range s.called {
		if op.ID != uint64(i) {
			t.Errorf("%d comes at %d", op.ID, i)
		}
	}
}

// TestNobodyKnown: a client that knows no controller gives up in time.
func TestNobodyKnown(t *testing.T) {
	s := newStage(t, 0)
	s.client.Start(s)
	s.client.Do(create(1))
	s.run(1)
	if s.out[0].Unknown || s.out[0].Status != wire.Status_UNAVAILABLE {
		t.Errorf("%+v", s.out[0])
	}
}
