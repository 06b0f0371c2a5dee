package engine

import (
	"net/netip"
	"slices"
	"time"

	"firedrill/model"
)

// A unit of a legacy pair, or a share of an elastic group, goes from one engine to the other, while both are well, without a moment in which nobody serves
// it: the active engine asks, the other takes over with a higher epoch and announces, and only when the first hears that,
// it gives the unit up. (In a group the other waits until the first says that it gives up, and for that moment the first
// answers.) For a moment longer it answers what is still sent to it, and it goes on with the flows that it
// has, which the other hands to it, until it ends.

// linger is how long an engine answers for an address that it has handed over: until neighbours have heard the other's
// announcement.
const linger = 40 * time.Millisecond

// yield implements [duty].
func (p *pair) yield(to string) {
	if p.peer == nil || p.peer.Name != to {
		return
	}
	p.rests = p.engine.env.Now() + 2*p.engine.cfg.Timers.SEHeartbeat.Std()
	for _, u := range p.units {
		if u.active {
			p.leave(u)
		}
	}
}

// leave asks the peer to take a unit over, for as long as it counts as alive without a word.
func (p *pair) leave(u *unit) {
	if !p.hearsPeer() {
		return
	}
	if !p.leaves(u) {
		p.engine.env.Emit(model.Event{Kind: model.EventYields, Unit: p.label(u), Peer: p.peerName(), Term: u.epoch})
	}
	u.leaves = p.engine.env.Now() + p.patience()
	p.beat()
}

// leaves tells whether this engine serves a unit, and asks the peer to take it.
func (p *pair) leaves(u *unit) bool { return u.active && p.engine.env.Now() < u.leaves }

// takes tells whether this engine can take over what the peer yields.
func (p *pair) takes() bool { return p.engine.gateways.lost() == 0 }

// hearsPeer tells whether the peer has been heard in person as lately as it should.
func (p *pair) hearsPeer() bool {
	return p.peer != nil && p.heard && p.engine.env.Now()-p.lastDirect <= p.patience()
}

// left gives a unit up that the peer has taken: it does not serve it any more, but answers for its addresses yet.
func (p *pair) left(u *unit) {
	u.active, u.leaves = false, 0
	p.engine.env.Emit(model.Event{Kind: model.EventStandby, Unit: p.label(u), Peer: p.peerName(), Term: u.epoch, Detail: "the peer has taken it over"})
	p.engine.env.SetTimer(timerLinger, linger)
	p.listen(u)
	p.beat()
}

// lingered gives up the addresses of the units that this engine serves no more.
func (p *pair) lingered() {
	held := p.held()
	for _, u := range p.units {
		for _, a := range u.addresses {
			if !slices.Contains(held, a) {
				p.engine.env.RemoveAddress(a)
			}
		}
	}
}

// former is the peer while it may hold flows of what this engine has taken over from it.
func (p *pair) former() []netip.Addr {
	if p.peer == nil || p.handedBy == 0 || p.handedBy != p.peerLife || !p.hearsPeer() {
		return nil
	}
	return []netip.Addr{p.peer.Data}
}

// handOver lets another engine of the group hold a share. Until neighbours have heard that one, this engine answers for
// the address too, and hands what comes to those that carry the share now.
func (t *team) handOver(s *share, m *mate) {
	s.held, s.lingers = false, true
	t.engine.env.Emit(model.Event{Kind: model.EventStandby, Unit: t.label(s), Term: s.epoch, Detail: "handed over to " + m.Name})
	t.engine.env.SetTimer(timerLinger, linger)
}

// lingered gives up the addresses that were handed over.
func (t *team) lingered() {
	gone := false
	for _, s := range t.shares {
		if s.lingers {
			s.lingers, gone = false, true
			t.engine.env.RemoveAddress(s.address)
		}
	}
	if gone {
		t.engine.publish()
	}
}

// lifeOf is an engine in one of its lives.
type lifeOf struct {
	name string
	life uint64
}

// noteFormer remembers who leaves the list of a share: flows that began there end there.
func (t *team) noteFormer(s *share, next []string) {
	s.former = slices.DeleteFunc(s.former, func(l lifeOf) bool { return slices.Contains(next, l.name) })
	if slices.Contains(s.candidates, t.self()) && !slices.Contains(next, t.self()) {
		s.after = t.engine.env.Now() + 2*t.engine.cfg.Timers.SEHeartbeat.Std()
	}
	for _, name := range s.candidates {
		if m := t.mate(name); m != nil && !slices.Contains(next, name) {
			s.former = append(s.former, lifeOf{name, m.life})
		}
	}
}

// former are the engines that have left the list of an address and live on as they did.
func (t *team) former(address netip.Addr) []netip.Addr {
	s, now := t.share(address.String()), t.engine.env.Now()
	if s == nil {
		return nil
	}
	var out []netip.Addr
	s.former = slices.DeleteFunc(s.former, func(l lifeOf) bool {
		m := t.mate(l.name)
		return m == nil || m.life != l.life || m.silent
	})
	for _, l := range s.former {
		if m := t.mate(l.name); m.alive(now) && !m.relay {
			out = append(out, m.Data)
		}
	}
	return out
}
