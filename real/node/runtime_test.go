package node

import (
	"bytes"
	"context"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"firedrill/model"
)

// script is a node made of functions; those that are missing do nothing.
type script struct {
	env     model.Env
	start   func(model.Env)
	receive func(netip.Addr, []byte)
	timer   func(model.TimerID)
	checked func(model.CheckID, bool)
}

func (s *script) Start(env model.Env) {
	s.env = env
	if s.start != nil {
		s.start(env)
	}
}

func (s *script) Receive(from netip.Addr, msg []byte) {
	if s.receive != nil {
		s.receive(from, msg)
	}
}

func (s *script) Timer(id model.TimerID) {
	if s.timer != nil {
		s.timer(id)
	}
}

func (s *script) Checked(id model.CheckID, ok bool) {
	if s.checked != nil {
		s.checked(id, ok)
	}
}

func testClock(t testing.TB) *Clock {
	t.Helper()
	c, err := NewClock()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// running runs a node until the test ends.
func running(t testing.TB, node model.Node, s Settings) *Runtime {
	t.Helper()
	if s.Clock == nil {
		s.Clock = testClock(t)
	}
	if s.Record == nil {
		s.Record = NewRecorder(s.Clock, new(bytes.Buffer))
	}
	r := NewRuntime(node, s)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		r.Run(ctx)
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return r
}

// TestTimers plays random scripts of timers against what a timer promises: the last setting counts, it fires once, in the
// order of time, and never early.
func TestTimers(t *testing.T) {
	type step struct {
		id    model.TimerID
		after time.Duration // negative: stop it
		wait  time.Duration // before the next step
	}
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
			return step{
				model.TimerID(rapid.IntRange(1, 4).Draw(rt, "id")),
				time.Duration(rapid.IntRange(-1, 20).Draw(rt, "after"))*time.Millisecond + time.Millisecond/2, // never due at the moment of a step
				time.Duration(rapid.IntRange(0, 10).Draw(rt, "wait")) * time.Millisecond,
			}
		}), 1, 20).Draw(rt, "steps")
		type fired struct {
			id model.TimerID
			at time.Duration
		}
		var got, want []fired
		due := make(map[model.TimerID]time.Duration)
		var now time.Duration
		expire := func(until time.Duration) {
			for {
				first := fired{at: until}
				for id, at := range due {
					if at <= until && (first.id == 0 || at < first.at || at == first.at && id < first.id) {
						first = fired{id, at}
					}
				}
				if first.id == 0 {
					return
				}
				want = append(want, first)
				delete(due, first.id)
			}
		}
		for _, s := range steps {
			if s.after < 0 {
				delete(due, s.id)
			} else {
				due[s.id] = now + s.after
			}
			now += s.wait
			expire(now - 1)
		}
		expire(now + time.Second)
		synctest.Test(t, func(t *testing.T) {
			clock := testClock(t)
			begin := clock.Now()
			node := &script{timer: func(id model.TimerID) { got = append(got, fired{id, (clock.Now() - begin).Truncate(time.Microsecond)}) }}
			r := running(t, node, Settings{Clock: clock})
			for _, s := range steps {
				r.Do(func() {
					if s.after < 0 {
						node.env.StopTimer(s.id)
					} else {
						node.env.SetTimer(s.id, s.after)
					}
				})
				synctest.Wait()
				time.Sleep(s.wait)
			}
			time.Sleep(time.Second)
			synctest.Wait()
		})
		byTime := func(a, b fired) int {
			if a.at != b.at {
				return int(a.at - b.at)
			}
			return int(a.id) - int(b.id)
		}
		slices.SortFunc(got, byTime)
		slices.SortFunc(want, byTime)
		if !slices.Equal(got, want) {
			rt.Fatalf("timers fired %v, want %v", got, want)
		}
	})
}

// TestTimersLeaveRoom has a node that sets a timer for no time at all, again and again.
func TestTimersLeaveRoom(t *testing.T) {
	heard := make(chan []byte, 1)
	node := &script{}
	node.start = func(env model.Env) { env.SetTimer(1, 0) }
	node.timer = func(model.TimerID) { node.env.SetTimer(1, 0) }
	node.receive = func(_ netip.Addr, msg []byte) { heard <- msg }
	r := running(t, node, Settings{})
	r.Receive(netip.MustParseAddr("127.0.0.2"), []byte("hello"))
	if got := <-heard; string(got) != "hello" {
		t.Errorf("heard %q", got)
	}
}

// TestLaterCheckCounts asks twice under one id; the first question, which nobody answers, must not answer the second.
func TestLaterCheckCounts(t *testing.T) {
	s := newBackend(t, "server-1")
	type answer struct {
		id model.CheckID
		ok bool
	}
	answers := make(chan answer, 3)
	node := &script{checked: func(id model.CheckID, ok bool) { answers <- answer{id, ok} }}
	r := running(t, node, Settings{})
	silent := model.Check{Kind: model.CheckHTTP, Target: silentServer(t), Path: "/", Timeout: 50 * time.Millisecond}
	r.Do(func() {
		node.env.Check(7, silent)
		node.env.Check(7, model.Check{Kind: model.CheckHTTP, Target: s, Path: "/", Timeout: 5 * time.Second})
		node.env.Check(8, silent)
	})
	for range 2 {
		if a := <-answers; a.ok != (a.id == 7) {
			t.Errorf("check %d: %v", a.id, a.ok)
		}
	}
}
