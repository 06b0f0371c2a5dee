package engine

import (
	"slices"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/wire"
)

// mate is another engine of an elastic group, as this one knows it.
type mate struct {
	config.ServiceEngine
	number int

	until  time.Duration // it counts as alive until then, unless it is heard again
	last   time.Duration // when a heartbeat last came in person
	heard  bool          // one has come
	pace   time.Duration // how often it says that it is to be heard; zero: it has not said
	relay  bool          // it is known to live by the leader's word alone
	silent bool          // it was not heard in time
	units  []*wire.UnitState

	life, former uint64 // numbers of its life, and of the one before
	sequence     uint64 // of its last heartbeat in this life
}

func (m *mate) alive(now time.Duration) bool { return now < m.until }

// direct tells whether it is heard in person.
func (m *mate) direct(now, patience time.Duration) bool { return m.heard && now-m.last <= patience }

// state is what it says of a share, nil for nothing.
func (m *mate) state(address string) *wire.UnitState {
	for _, u := range m.units {
		if u.Address == address {
			return u
		}
	}
	return nil
}

// carries tells whether it answers clients of a share, be it those that it has only.
func (m *mate) carries(address string, now time.Duration) bool {
	return m.alive(now) && !m.relay && m.state(address) != nil
}

// inOrder refuses a heartbeat that a later one has overtaken, and one of an earlier life.
func (m *mate) inOrder(h *wire.PeerHeartbeat) bool {
	switch h.Life {
	case m.life:
		if h.Sequence <= m.sequence {
			return false
		}
	case m.former:
		return false
	default:
		m.former, m.life = m.life, h.Life
	}
	m.sequence = h.Sequence
	return true
}

// beat implements [duty].
func (t *team) beat() {
	t.sequence++
	for _, m := range t.mates {
		t.engine.env.Send(m.Data, t.engine.voice.Encode(m.Data, &wire.Envelope_PeerHeartbeat{PeerHeartbeat: &wire.PeerHeartbeat{
			Engine: t.self(), Life: t.engine.pair.life, Sequence: t.sequence, Units: t.states(), EveryNs: uint64(t.engine.heartbeat()),
		}}))
	}
}

// states implements [duty]: what this engine holds, asks for, or is ready to carry flows of.
func (t *team) states() []*wire.UnitState {
	var out []*wire.UnitState
	for _, s := range t.shares {
		if !t.mine(s) && !s.drains {
			continue
		}
		u := &wire.UnitState{Address: s.text, Active: s.held, Epoch: s.epoch, Wanted: s.wanted, Drains: s.drains}
		if s.lingers {
			u.HandedTo = s.handedTo
		}
		out = append(out, u)
	}
	return out
}

// hear implements [duty].
func (t *team) hear(h *wire.PeerHeartbeat) {
	m := t.mate(h.Engine)
	if m == nil || !m.inOrder(h) {
		return
	}
	now := t.engine.env.Now()
	back := m.silent
	m.last, m.heard, m.relay, m.silent, m.pace = now, true, false, false, time.Duration(h.EveryNs)
	m.until = now + t.engine.patience(m.pace)
	t.engine.env.SetTimer(timerMate+model.TimerID(m.number), m.until-now)
	t.learn(m, h.Units)
	if back {
		t.isBack()
	}
}

// isBack announces everything that this engine holds: neighbours may have learnt the other meanwhile.
func (t *team) isBack() {
	t.engine.announcer.burst(t.held()...)
	t.engine.publish()
	t.engine.report()
}

// relayed implements [duty]: it counts only while the other is not heard itself, and for as long as the leader's word
// takes to come again.
func (t *team) relayed(r *wire.PeerReport) {
	m := t.mate(r.Engine)
	if m == nil {
		return
	}
	now, age := t.engine.env.Now(), time.Duration(r.AgeNs)
	if m.direct(now, t.engine.patience(m.pace)+t.engine.heartbeat()) || !m.silent {
		return
	}
	until := now - age + t.engine.patience(m.pace) + 2*t.engine.cfg.Timers.SEHeartbeat.Std()
	holds := slices.ContainsFunc(r.Units, func(u *wire.UnitState) bool { return u.Active })
	if !holds || until <= now {
		return
	}
	m.relay, m.until = true, until
	t.engine.env.SetTimer(timerMate+model.TimerID(m.number), until-now)
	t.learn(m, r.Units)
}

// learn takes what another engine says of its load.
func (t *team) learn(m *mate, units []*wire.UnitState) {
	before := m.units
	m.units = units
	for _, u := range units {
		if s := t.share(u.Address); s != nil {
			t.consider(s, m, u)
		}
	}
	for _, u := range before {
		if s := t.share(u.Address); s != nil && u.Active && m.state(u.Address) == nil {
			t.weigh(s) // it has let go, or has started anew
		}
	}
	if !slices.EqualFunc(before, units, func(a, b *wire.UnitState) bool { return a.Address == b.Address && a.Drains == b.Drains }) {
		t.engine.publish() // it is ready for flows that it was not ready for before, or the other way round
	}
}

// consider compares this engine's part in a share with that of another.
func (t *team) consider(s *share, m *mate, u *wire.UnitState) {
	switch {
	case s.held && u.Active:
		t.settle(s, m, u.Epoch)
	case u.Active:
		s.epoch = max(s.epoch, u.Epoch)
		t.weigh(s)
	case s.held && u.Wanted && !slices.Contains(s.candidates, t.self()) && slices.Contains(s.candidates, m.Name):
		t.handOver(s, m)
		t.engine.publish()
		t.beat() // at once: the other waits for it
	default:
		t.weigh(s)
	}
}

// missed is called when an engine should have been heard by now.
func (t *team) missed(number int) {
	if number >= len(t.mates) {
		return
	}
	m, now := t.mates[number], t.engine.env.Now()
	if m.alive(now) {
		t.engine.env.SetTimer(timerMate+model.TimerID(number), m.until-now)
		return
	}
	first := !m.silent
	if !first && !m.relay {
		return // a timer that was another's
	}
	m.silent, m.relay = true, false
	t.suspect(m)
	for _, s := range t.shares {
		t.weigh(s)
	}
	if first {
		t.engine.publish()
		t.engine.report() // at once: the leader may have to place its services anew
	}
}

// suspect says that an engine is not heard, for each share that it held.
func (t *team) suspect(m *mate) {
	for _, u := range m.units {
		if s := t.share(u.Address); s != nil && u.Active && !s.held {
			t.engine.env.Emit(model.Event{Kind: model.EventSuspected, Unit: t.label(s), Peer: m.Name, Term: s.epoch})
		}
	}
}
