package engine

import (
	"net/netip"
	"slices"

	"firedrill/model"
)

// A unit of a legacy pair goes from one engine to the other, while both are well, without a moment in which nobody serves
// it: the active engine asks, the other takes over with a higher epoch and announces, and only when the first hears that,
// it gives the unit up. For a moment longer it answers what is still sent to it, and it goes on with the flows that it
// has, which the other hands to it, until it ends.

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

// part begins a part of the load that this engine has served as one until now. What belongs to the peer goes there as soon
// as that is ready for it.
func (p *pair) part(u *unit) {
	p.engine.env.Emit(model.Event{Kind: model.EventActive, Unit: p.label(u), Peer: p.peerName(), Term: u.epoch, Detail: "the group distributes its load"})
	if u.moves = !u.preferred; u.moves {
		p.leave(u)
	}
}

// moveOn repeats what a peer has not followed that did not know of the unit yet.
func (p *pair) moveOn() {
	for _, u := range p.units {
		if u.active && u.moves && !p.leaves(u) {
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
	u.leaves = p.engine.env.Now() + p.patienceDirect()
	p.beat()
}

// leaves tells whether this engine serves a unit, and asks the peer to take it.
func (p *pair) leaves(u *unit) bool { return u.active && p.engine.env.Now() < u.leaves }

// yields tells whether an address is of a unit that this engine asks the peer to take.
func (p *pair) yields(a netip.Addr) bool {
	return slices.ContainsFunc(p.units, func(u *unit) bool { return p.leaves(u) && slices.Contains(u.addresses, a) })
}

// takes tells whether this engine can take over what the peer yields.
func (p *pair) takes() bool { return p.engine.gateways.lost() == 0 }

// hearsPeer tells whether the peer has been heard in person as lately as it should.
func (p *pair) hearsPeer() bool {
	return p.peer != nil && p.heard && p.engine.env.Now()-p.lastDirect <= p.patienceDirect()
}

// left gives a unit up that the peer has taken: it does not serve it any more, but answers for its addresses yet.
func (p *pair) left(u *unit) {
	u.active, u.moves, u.leaves = false, false, 0
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
