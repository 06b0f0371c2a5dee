package engine

import (
	"time"

	"firedrill/model"
)

// linger is how long an engine answers for an address that it has handed over: until neighbours have heard the other's
// announcement.
const linger = 40 * time.Millisecond

// handOver lets another engine of the group hold a share. Until neighbours have heard that one, this engine answers for
// the address too, and hands what comes to those that carry the share now.
func (t *team) handOver(s *share, m *mate) {
	s.held, s.lingers, s.handedTo = false, true, m.Name
	t.engine.env.Emit(model.Event{Kind: model.EventStandby, Unit: t.label(s), Term: s.epoch, Detail: "handed over to " + m.Name})
	t.engine.env.SetTimer(timerLinger, linger)
	t.drain(s, true)
}

// lingered gives up the addresses that were handed over.
func (t *team) lingered() {
	for _, s := range t.shares {
		if s.lingers {
			s.lingers = false
			t.engine.env.RemoveAddress(s.address)
		}
	}
}

// drain begins the bounded time in which this engine goes on with the flows of a share that it has carried until now and
// carries no more ("Virtual Service Scaling": a scale-in keeps existing flows for a while, then moves them). Who carries
// the share hears of it by heartbeat, and asks here for flows that it does not know. The time ends early when the share
// comes back, or is placed nowhere.
func (t *team) drain(s *share, carried bool) {
	now := t.engine.env.Now()
	switch {
	case t.mine(s) || len(s.candidates) == 0:
		if s.drains {
			s.drains = false
			t.engine.env.Emit(model.Event{Kind: model.EventDrained, Unit: t.label(s), Detail: "called off"})
		}
		return
	case carried && !s.drains:
		s.drains, s.until = true, now+t.engine.config.Group.WithDefaults().ScaleinTimeout.Std()
		t.engine.env.Emit(model.Event{Kind: model.EventDraining, Unit: t.label(s)})
	}
	if s.drains {
		t.engine.env.SetTimer(timerDrain+model.TimerID(s.number), max(s.until-now, 0))
	}
}

// drained ends it: who still has a flow there is answered by a reset, and opens another one elsewhere.
func (t *team) drained(number int) {
	if number >= len(t.shares) {
		return
	}
	s := t.shares[number]
	if !s.drains || t.engine.env.Now() < s.until {
		return // a timer that was another's
	}
	s.drains = false
	t.engine.env.Emit(model.Event{Kind: model.EventDrained, Unit: t.label(s)})
	t.engine.publish()
	t.beat()
}
