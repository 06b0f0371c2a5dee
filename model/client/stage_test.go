package client

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/wire"
)

// stage is one client, a clock, and controllers that answer what the test says.
type stage struct {
	testing.TB
	client *Client
	now    time.Duration
	timers map[model.TimerID]time.Duration
	sent   []sent // by the client, in order
	random *rand.Rand
	called []Operation
	out    []Outcome
	// answer plays the controllers; nil: nothing comes back.
	answer func(to netip.Addr, r *wire.Request) *wire.Response
	http   func(to netip.Addr, r *wire.HTTPRequest) *wire.HTTPResponse
	twice  bool // every answer comes twice
}

type sent struct {
	at      time.Duration
	to      netip.Addr
	request *wire.Request
	http    *wire.HTTPRequest
}

func controllerIP(n int) netip.Addr { return netip.AddrFrom4([4]byte{198, 18, 0, byte(10 + n)}) }

func newStage(t testing.TB, controllers int) *stage {
	s := &stage{TB: t, timers: map[model.TimerID]time.Duration{}, random: rand.New(rand.NewPCG(1, 1))}
	var all []netip.Addr
	for i := range controllers {
		all = append(all, controllerIP(i+1))
	}
	s.client = New(Config{Name: "me", Controllers: func() []netip.Addr { return all }, Attempt: 100 * time.Millisecond, Timeout: time.Second}, s)
	return s
}

func (s *stage) Called(op Operation)                            { s.called = append(s.called, op) }
func (s *stage) Returned(_ Operation, out Outcome)              { s.out = append(s.out, out) }
func (s *stage) Now() time.Duration                             { return s.now }
func (s *stage) Wall() time.Time                                { return time.Unix(0, 0) }
func (s *stage) SetTimer(id model.TimerID, after time.Duration) { s.timers[id] = s.now + after }
func (s *stage) StopTimer(id model.TimerID)                     { delete(s.timers, id) }
func (s *stage) Check(model.CheckID, model.Check)               { s.Error("a client checks nothing") }
func (s *stage) AddAddress(netip.Addr)                          { s.Error("a client holds no address") }
func (s *stage) RemoveAddress(netip.Addr)                       { s.Error("a client holds no address") }
func (s *stage) Announce(netip.Addr)                            { s.Error("a client holds no address") }
func (s *stage) Restart(string)                                 { s.Error("a client is not upgraded") }
func (s *stage) Publish(*model.Table)                           { s.Error("a client forwards nothing") }
func (s *stage) Traffic(func(*model.TrafficSample))             {}
func (s *stage) Disk() model.Disk                               { s.Error("a client has no disk"); return nil }
func (s *stage) Rand() *rand.Rand                               { return s.random }
func (s *stage) Emit(model.Event)                               {}

func (s *stage) Send(to netip.Addr, data []byte) {
	body, err := wire.Decode(data)
	if err != nil {
		s.Fatal(err)
	}
	switch b := body.(type) {
	case *wire.Envelope_Request:
		s.sent = append(s.sent, sent{s.now, to, b.Request, nil})
	case *wire.Envelope_HttpRequest:
		s.sent = append(s.sent, sent{s.now, to, nil, b.HttpRequest})
	default:
		s.Fatalf("a client sends %T", body)
	}
}

// run plays until the client has returned so many operations, or a minute is over.
func (s *stage) run(returned int) {
	s.Helper()
	for answered := 0; len(s.out) < returned; {
		if answered < len(s.sent) {
			s.play(s.sent[answered])
			answered++
			continue
		}
		next, at := model.TimerID(0), time.Minute
		for id, due := range s.timers {
			if due < at || due == at && id < next {
				next, at = id, due
			}
		}
		if next == 0 {
			s.Fatalf("the client waits for nothing; %d operations have returned", len(s.out))
		}
		delete(s.timers, next)
		s.now = max(s.now, at)
		s.client.Timer(next)
	}
}

func (s *stage) play(m sent) {
	var reply []byte
	switch {
	case m.request != nil && s.answer != nil:
		if r := s.answer(m.to, m.request); r != nil {
			r.Client, r.Sequence = m.request.Client, m.request.Sequence
			reply = wire.Encode(&wire.Envelope_Response{Response: r})
		}
	case m.http != nil && s.http != nil:
		if r := s.http(m.to, m.http); r != nil {
			r.Id = m.http.Id
			reply = wire.Encode(&wire.Envelope_HttpResponse{HttpResponse: r})
		}
	}
	if reply == nil {
		return
	}
	s.client.Receive(m.to, reply)
	if s.twice {
		s.client.Receive(m.to, reply)
	}
}

var poolKey = config.Key{Kind: config.KindPool, Name: "p"}

func create(id uint64) Operation {
	return Operation{ID: id, Do: wire.Operation_CREATE, Key: poolKey, Body: []byte("{}")}
}
