package engine

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/wire"
)

// pair is this engine's half of a legacy active/standby pair ("Legacy HA for Avi Service Engines"). The two
// exchange heartbeats on the data network; the one that hears no active peer for the patience of the group
// takes over, with or without controllers.
//
// Two engines cut off from each other will both serve: nothing on the data network can tell that apart from
// a dead peer. What ends it is hearing of the other again, by a heartbeat or relayed by the leader: the
// higher epoch, which announced last, goes on and announces once more; the lower yields. Epochs grow with
// every takeover, so this needs no agreement.
type pair struct {
	engine *Engine
	peer   *config.ServiceEngine // nil while the group has no second engine
	listed bool                  // the group has this engine: one whose place another has taken serves nothing
	units  []*unit

	sequence   uint64
	lastDirect time.Duration // when a heartbeat last came in person
	relay      bool          // the peer is known to live by the leader's word alone
	peerSince  time.Duration // since when the peer has been heard without a break

	life                 uint64        // tells this life of the engine from its others
	peerLife, peerFormer uint64        // of the peer, and the one before
	peerSequence         uint64        // of the last heartbeat in its life
	peerPace             time.Duration // how often it says that it is to be heard; zero: it has not said
	peerLacksGateway     time.Duration // when it last said that it has lost a gateway
	heard                bool          // lastDirect says something
	handedBy             uint64        // the life of the peer that has handed over what it served; its flows go on there
	rests                time.Duration // until when it asks for nothing: the leader empties it
	met                  time.Duration // when both were last found to serve; zero: never
	asks                 bool          // the published table asks the peer for flows
}

// unit is the load that moves together: all services of the group, or, with distributed load, half of them.
type unit struct {
	number    int
	preferred bool // this engine is where the unit belongs when both are well
	active    bool
	epoch     uint64
	wanted    bool // this engine has asked for the unit and takes it as soon as the peer lets go

	peerActive bool // by its last heartbeat the peer serves it
	addresses  []netip.Addr
	leaves     time.Duration // until when this engine, which serves it, asks the peer to take it over
	moves      bool          // it is to go to the peer, where it belongs since the group distributes its load
	asked      time.Duration // since when the takeover waits for an answer from anybody; zero: it does not
}

// configure takes up a new configuration; first marks the first one in this life.
func (p *pair) configure(first bool) {
	c := p.engine.config
	engines := bySeniority(c.Engines)
	was := p.listed
	p.peer, p.listed = nil, false
	for i := range engines {
		if engines[i].Name != p.engine.cfg.Name {
			p.peer = &engines[i]
		} else {
			p.listed = true
		}
	}
	count := 1
	if c.Group.DistributeLoad {
		count = 2
	}
	for len(p.units) > count {
		last := p.units[len(p.units)-1]
		p.release(last, "the group no longer distributes its load")
		p.units = p.units[:len(p.units)-1]
	}
	first = first || !was
	known := len(p.units)
	for len(p.units) < count { // who has served everything goes on with all parts of it
		p.units = append(p.units, &unit{number: len(p.units), active: !first && known > 0 && p.units[0].active})
	}
	p.assign()
	for i, u := range p.units {
		was := u.preferred
		u.preferred = u.number < len(engines) && engines[u.number].Name == p.engine.cfg.Name
		// Otherwise it listens already: a configuration must not put off a takeover that is due.
		switch u.moves = u.moves && !u.preferred; {
		case i >= known && u.active:
			p.part(u)
		case first || i >= known || u.preferred != was && !u.active:
			p.listen(u)
		}
		if !p.listed {
			p.release(u, "the group has other engines")
		}
	}
}

// bySeniority puts the engine first that was there first. The names that a leader gives end in a number that grows, and
// so do those that people give.
func bySeniority(engines []config.ServiceEngine) []config.ServiceEngine {
	return slices.SortedStableFunc(slices.Values(engines), func(a, b config.ServiceEngine) int {
		stem := strings.TrimRight(a.Name, digits)
		if stem != strings.TrimRight(b.Name, digits) {
			return strings.Compare(a.Name, b.Name)
		}
		return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), strings.Compare(a.Name, b.Name))
	})
}

const digits = "0123456789"

// addressesOf lists the virtual addresses of a unit: every count-th one in the order of services, whatever the number of
// services on it, because an address is on one engine; and with the first unit the floating addresses of the group.
func (p *pair) addressesOf(number, count int) []netip.Addr {
	c := p.engine.config
	var out []netip.Addr
	place, taken := make(map[netip.Addr]int), make(map[netip.Addr]bool)
	for _, vs := range c.Services {
		if _, known := place[vs.VIP]; !known {
			place[vs.VIP] = len(place)
		}
		if place[vs.VIP]%count == number && !vs.Disabled && !taken[vs.VIP] {
			taken[vs.VIP] = true
			out = append(out, vs.VIP)
		}
	}
	if number == 0 {
		out = append(out, c.Group.FloatingIPs...)
	}
	return out
}

// assign gives the units their addresses. Those of active units are taken and given up at once; one that has only moved
// from unit to unit stays.
func (p *pair) assign() {
	was := p.held()
	for _, u := range p.units {
		u.addresses = p.addressesOf(u.number, len(p.units))
	}
	now := p.held()
	for _, a := range was {
		if !slices.Contains(now, a) {
			p.engine.env.RemoveAddress(a)
		}
	}
	added := false
	for _, a := range now {
		if !slices.Contains(was, a) {
			p.engine.env.AddAddress(a)
			added = true
		}
	}
	if added {
		p.burst() // the peer may have answered for it until now
	}
}

// held implements [duty].
func (p *pair) held() []netip.Addr {
	var out []netip.Addr
	for _, u := range p.units {
		if u.active {
			out = append(out, u.addresses...)
		}
	}
	return out
}

// patienceDirect is how long the peer counts as alive without a heartbeat.
func (p *pair) patienceDirect() time.Duration { return p.engine.patience(p.peerPace) }

// patienceNow is longer while only the leader's word tells of the peer, because that comes as rarely as
// engines report.
func (p *pair) patienceNow() time.Duration {
	if p.relay {
		return p.patienceRelayed()
	}
	return p.patienceDirect()
}

func (p *pair) patienceRelayed() time.Duration {
	return p.patienceDirect() + 2*p.engine.cfg.Timers.SEHeartbeat.Std()
}

// listen waits for an active peer before this engine takes the unit. The engine that is not preferred waits
// twice as long, so that two that start together do not both take it.
func (p *pair) listen(u *unit) {
	u.asked = 0
	wait := p.patienceNow()
	if !u.preferred {
		wait *= 2
	}
	p.engine.env.SetTimer(timerPeer+model.TimerID(u.number), wait)
}

// beat sends a heartbeat to the peer.
func (p *pair) beat() {
	if p.peer == nil {
		return
	}
	if p.asks != (p.former() != nil) {
		p.engine.publish()
	}
	p.sequence++
	p.engine.env.Send(p.peer.Data, p.engine.voice.Encode(p.peer.Data, &wire.Envelope_PeerHeartbeat{PeerHeartbeat: &wire.PeerHeartbeat{
		Engine: p.engine.cfg.Name, Life: p.life, Sequence: p.sequence, Units: p.states(), GatewaysLost: uint32(p.engine.gateways.lost()), EveryNs: uint64(p.engine.heartbeat()),
	}}))
}

// states is what this engine says of itself.
func (p *pair) states() []*wire.UnitState {
	out := make([]*wire.UnitState, len(p.units))
	for i, u := range p.units {
		out[i] = &wire.UnitState{Unit: uint32(u.number), Active: u.active, Epoch: u.epoch, Wanted: u.wanted, Leaving: p.leaves(u)}
	}
	return out
}

// hear takes a heartbeat of the peer.
func (p *pair) hear(h *wire.PeerHeartbeat) {
	if p.peer == nil || h.Engine != p.peer.Name || !p.inOrder(h) {
		return
	}
	now := p.engine.env.Now()
	silent := now-p.lastDirect > p.patienceDirect()
	if silent {
		p.peerSince = now
	}
	p.lastDirect, p.heard, p.peerPace = now, true, time.Duration(h.EveryNs)
	if h.GatewaysLost > 0 {
		p.peerLacksGateway = now
	}
	p.relay = false
	for _, s := range h.Units {
		if int(s.Unit) < len(p.units) {
			p.heardOf(p.units[s.Unit], s)
		}
	}
	p.yieldToGateway()
	if silent {
		p.burst() // whoever served meanwhile: neighbours may have learnt either of the two
	}
	p.moveOn()
}

// yieldToGateway lets the peer serve, if it reaches all of its gateways and this engine does not. It is called when the
// peer is heard: one that is not may be dead, and an engine without its gateway is better than none.
func (p *pair) yieldToGateway() {
	if p.engine.env.Now()-p.peerLacksGateway < p.engine.gateways.wait() || !p.engine.gateways.settled() {
		return
	}
	gone := false
	for _, u := range p.units {
		if u.active {
			p.release(u, "a gateway is lost, and the peer reaches its own")
			gone = true
		}
	}
	if gone {
		p.beat() // at once: the peer waits for nothing else
	}
}

// inOrder refuses a heartbeat that a later one has overtaken, and one of an earlier life of the peer.
func (p *pair) inOrder(h *wire.PeerHeartbeat) bool {
	switch h.Life {
	case p.peerLife:
		if h.Sequence <= p.peerSequence {
			return false
		}
	case p.peerFormer:
		return false
	default:
		p.peerFormer, p.peerLife = p.peerLife, h.Life
	}
	p.peerSequence = h.Sequence
	return true
}

// heardOf takes what the peer itself says of a unit. A peer that served it and does so no more has restarted, or has
// let go: then there is nothing to wait for.
func (p *pair) heardOf(u *unit, s *wire.UnitState) {
	letGo := u.peerActive && !s.Active
	u.peerActive = s.Active
	p.consider(u, s, 0)
	switch {
	case letGo && !u.active:
		p.takeOver(u, "the peer serves it no more")
	case letGo:
		p.burst() // until it heard of the takeover, the peer may have announced what it held
	}
}

// relayed takes what the leader last heard of the peer. It counts only while the peer itself is not heard.
func (p *pair) relayed(r *wire.PeerReport) {
	if p.peer == nil || r.Engine != p.peer.Name {
		return
	}
	now, age := p.engine.env.Now(), time.Duration(r.AgeNs)
	if p.heard && now-p.lastDirect <= p.patienceDirect()+p.engine.heartbeat() {
		return // the time until which it must be heard is not over for long: a takeover may be due this moment
	}
	serves := slices.ContainsFunc(r.Units, func(s *wire.UnitState) bool { return s.Active })
	patience := p.patienceNow()
	if p.bothServe(r.Units) {
		patience = p.patienceRelayed() // reports may be that old whenever they come, and nothing else ends it
	}
	if p.relay = serves && age <= patience; !p.relay {
		return
	}
	for _, s := range r.Units {
		if int(s.Unit) < len(p.units) {
			p.consider(p.units[s.Unit], s, age)
		}
	}
}

// bothServe tells whether the peer, by what it said, serves what this engine serves too.
func (p *pair) bothServe(units []*wire.UnitState) bool {
	return slices.ContainsFunc(units, func(s *wire.UnitState) bool {
		return s.Active && int(s.Unit) < len(p.units) && p.units[s.Unit].active
	})
}

// consider compares this engine's part in a unit with the peer's, as it was age ago.
func (p *pair) consider(u *unit, s *wire.UnitState, age time.Duration) {
	if s.Active {
		u.asked = 0
		if u.active && !p.leaves(u) {
			p.met = p.engine.env.Now()
		}
	}
	switch {
	case s.Active && p.leaves(u) && s.Epoch > u.epoch:
		p.left(u)
		u.epoch = s.Epoch
	case u.active && s.Active:
		p.settle(u, s.Epoch)
	case s.Active && s.Leaving && age == 0 && p.takes():
		u.epoch = max(u.epoch, s.Epoch)
		p.handedBy = p.peerLife
		p.takeOver(u, "the peer yields it")
	case s.Active:
		u.epoch = max(u.epoch, s.Epoch)
		p.engine.env.SetTimer(timerPeer+model.TimerID(u.number), max(p.patienceNow()-age, 0))
		p.askBack(u)
	case u.active:
		if s.Wanted {
			p.leave(u)
		}
	case u.wanted:
		p.takeOver(u, "handed over")
	}
}

// settle ends a time in which both served: the lower epoch yields, and of equal ones the engine that is not
// preferred. The one that stays announces again, since neighbours may have learnt either.
func (p *pair) settle(u *unit, epoch uint64) {
	if epoch > u.epoch || epoch == u.epoch && !u.preferred {
		p.release(u, fmt.Sprintf("the peer serves with epoch %d", epoch))
		u.epoch = epoch
		p.listen(u)
		p.beat()
		return
	}
	p.beat() // at once: until the peer hears of it, both serve
	p.burst()
}

// askBack asks for a unit that belongs here, when the group wants that and the peer has been heard long enough.
func (p *pair) askBack(u *unit) {
	steady := p.engine.env.Now()-p.peerSince >= p.engine.cfg.Timers.FailbackDelay.Std()
	u.wanted = u.preferred && p.engine.config.Group.AutoRedistribute && steady && !p.relay && p.engine.gateways.lost() == 0 &&
		p.engine.env.Now() >= p.rests
}

// silent is called when no active peer has been heard of for as long as patience allows.
func (p *pair) silent(number int) {
	if number >= len(p.units) || p.units[number].active || !p.listed {
		return
	}
	u := p.units[number]
	if u.asked == 0 {
		p.engine.env.Emit(model.Event{Kind: model.EventSuspected, Unit: p.label(u), Peer: p.peerName(), Term: u.epoch})
	}
	if p.wary() {
		p.ask(u)
		return
	}
	p.takeOver(u, "the peer is silent")
}

// takeOver makes this engine serve a unit: every address is taken and announced.
func (p *pair) takeOver(u *unit, why string) {
	if !p.serves() {
		p.engine.health.wake()
	}
	u.active, u.wanted = true, false
	u.epoch++
	p.engine.env.StopTimer(timerPeer + model.TimerID(u.number))
	p.engine.env.Emit(model.Event{Kind: model.EventActive, Unit: p.label(u), Peer: p.peerName(), Term: u.epoch, Detail: why})
	u.asked = 0
	for _, a := range u.addresses {
		p.engine.env.AddAddress(a)
	}
	p.beat()
	p.burst()
}

// weighAll implements [duty]; gateways decide for a pair, not servers.
func (p *pair) weighAll() {}

// tell implements [duty]: the other engine lives, whatever the leader hears of it itself. That it is silent need not be
// told, because a takeover needs no controller.
func (p *pair) tell(r *wire.EngineReport) {
	if p.hearsPeer() {
		r.Hears = append(r.Hears, p.peer.Name)
	}
}

// serves tells whether this engine is active for anything.
func (p *pair) serves() bool {
	return slices.ContainsFunc(p.units, func(u *unit) bool { return u.active })
}

// release makes this engine stop serving a unit.
func (p *pair) release(u *unit, why string) {
	if !u.active {
		return
	}
	u.active, u.moves = false, false
	for _, a := range u.addresses {
		p.engine.env.RemoveAddress(a)
	}
	p.engine.env.Emit(model.Event{Kind: model.EventStandby, Unit: p.label(u), Peer: p.peerName(), Term: u.epoch, Detail: why})
	p.listen(u)
}

// stepDown gives up everything and listens anew.
func (p *pair) stepDown(why string) {
	for _, u := range p.units {
		p.release(u, why)
		p.listen(u)
	}
}

// burst announces everything that this engine holds.
func (p *pair) burst() { p.engine.announcer.burst(p.held()...) }

func (p *pair) label(u *unit) string {
	if len(p.units) == 1 {
		return p.engine.cfg.Group
	}
	return fmt.Sprintf("%s/%d", p.engine.cfg.Group, u.number)
}

func (p *pair) peerName() string {
	if p.peer == nil {
		return ""
	}
	return p.peer.Name
}
