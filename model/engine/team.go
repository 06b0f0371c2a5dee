package engine

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"firedrill/model"
	"firedrill/model/wire"
)

// team is this engine's part in an elastic group ("Elastic HA for Avi Service Engines"). Controllers place every service
// on engines of the group, primary first; all engines of the group exchange heartbeats on the data network. The primary
// holds the address. When it falls silent the next live engine of the list takes the address, with or without
// controllers; where nobody is left on the list, the controllers have to place the service anew.
//
// As in a [pair], two engines cut off from each other may both hold an address. What ends it is hearing of the other
// again: the higher epoch stays and announces once more, and of equal ones the engine that stands first on the list.
type team struct {
	engine   *Engine
	mates    []*mate // the other engines of the group, by name
	shares   []*share
	sequence uint64
	listens  time.Duration // until when this engine only listens: it has just started, or woken
}

// share is one virtual address with all services on it: what moves as one.
type share struct {
	number     int
	address    netip.Addr
	text       string   // the address
	candidates []string // the engines that carry it, primary first
	held       bool
	epoch      uint64        // grows with every takeover
	wanted     bool          // this engine is the primary and asks the holder, who is not on the list, to hand over
	waiting    bool          // a timer is set to take it
	due        time.Duration // and when
	lingers    bool          // handed over a moment ago: this engine answers for the address yet
	handedTo   string        // to this one
	drains     bool          // this engine carries it no more, and goes on with the flows that it has
	until      time.Duration // for so long
}

// configure implements [duty].
func (t *team) configure(first bool) {
	if first {
		t.listens = t.engine.env.Now() + t.engine.patience(0)
	}
	t.meet()
	old := t.shares
	t.shares = nil
	for _, s := range t.wantedShares() {
		if i := slices.IndexFunc(old, func(o *share) bool { return o.address == s.address }); i >= 0 {
			kept := old[i]
			carried := t.mine(kept)
			kept.number, kept.candidates = len(t.shares), s.candidates
			s = kept
			old = slices.Delete(old, i, i+1)
			t.drain(s, carried)
		}
		s.number = len(t.shares)
		t.shares = append(t.shares, s)
	}
	for _, s := range old {
		t.release(s, "no service is left there")
	}
	for _, s := range t.shares {
		t.weighAnew(s)
	}
}

// weighAnew decides under a new configuration, which must not put off a takeover that is due. Timers have the numbers of
// shares, which may be others now.
func (t *team) weighAnew(s *share) {
	was, due := s.waiting, s.due
	s.waiting = false
	t.weigh(s)
	if was && s.waiting && due < s.due {
		t.wait(s, max(due-t.engine.env.Now(), 0))
	}
}

// wantedShares lists the addresses of the configuration, in their order as text.
func (t *team) wantedShares() []*share {
	c := t.engine.config
	var out []*share
	for _, vs := range c.Services {
		if vs.Disabled || slices.ContainsFunc(out, func(s *share) bool { return s.address == vs.VIP }) {
			continue
		}
		s := &share{address: vs.VIP, text: vs.VIP.String()}
		if c.Placement != nil {
			s.candidates = c.Placement.EnginesOf(vs.Name)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *share) int { return strings.Compare(a.text, b.text) })
	return out
}

// share finds one by its address.
func (t *team) share(text string) *share {
	i, found := slices.BinarySearchFunc(t.shares, text, func(s *share, text string) int { return strings.Compare(s.text, text) })
	if !found {
		return nil
	}
	return t.shares[i]
}

// self is the name of this engine.
func (t *team) self() string { return t.engine.cfg.Name }

// weigh decides what this engine does about a share, by what it knows of the others.
func (t *team) weigh(s *share) {
	holder := t.holder(s)
	switch {
	case s.held && len(s.candidates) == 0:
		t.release(s, "it is placed nowhere")
	case s.held && !slices.Contains(s.candidates, t.self()) && t.cutOff():
		t.release(s, "it is placed elsewhere, and nobody here can ask for it")
	case s.held:
	case !slices.Contains(s.candidates, t.self()):
		t.wait(s, -1)
		s.wanted = false
	case holder != nil:
		t.wait(s, -1)
		s.wanted = s.candidates[0] == t.self() && !slices.Contains(s.candidates, holder.Name)
	case !s.waiting:
		now := t.engine.env.Now()
		t.wait(s, max(t.listens-now, 0)+time.Duration(t.rank(s))*t.engine.heartbeat())
	}
}

// weighAll implements [duty].
func (t *team) weighAll() {
	for _, s := range t.shares {
		t.weigh(s)
	}
}

// cutOff tells whether this engine has lost its data network: it reaches no server, and hears no other engine.
func (t *team) cutOff() bool {
	return t.engine.health.reach() == wire.Reach_REACH_NONE && !slices.ContainsFunc(t.mates, func(m *mate) bool { return !m.silent })
}

// rank counts the live engines that take the share sooner, so that two do not both take it: those that stand before this one
// on the list, and the one that the holder has handed it over to, under a list that has not come here yet.
func (t *team) rank(s *share) int {
	n, now := 0, t.engine.env.Now()
	for _, m := range t.mates {
		if m.alive(now) && (!t.before(s, m.Name) || t.handed(s, m.Name, now)) {
			n++
		}
	}
	return n
}

// handed tells whether another engine says that it has handed the share over to this one.
func (t *team) handed(s *share, to string, now time.Duration) bool {
	return slices.ContainsFunc(t.mates, func(m *mate) bool {
		u := m.state(s.text)
		return u != nil && u.HandedTo == to && m.alive(now)
	})
}

// wait sets the timer after which this engine takes a share, if nobody else has until then; a negative time stops it.
func (t *team) wait(s *share, after time.Duration) {
	s.waiting, s.due = after >= 0, t.engine.env.Now()+after
	switch {
	case after == 0:
		t.takeDue(s)
	case after > 0:
		t.engine.env.SetTimer(timerShare+model.TimerID(s.number), after)
	default:
		t.engine.env.StopTimer(timerShare + model.TimerID(s.number))
	}
}

// due is called when a share has waited long enough for an engine that stands before this one.
func (t *team) due(number int) {
	if number < len(t.shares) && t.shares[number].waiting {
		t.takeDue(t.shares[number])
	}
}

func (t *team) takeDue(s *share) {
	s.waiting = false
	if s.held || t.holder(s) != nil || !slices.Contains(s.candidates, t.self()) {
		return
	}
	t.take(s)
}

// take makes this engine hold a share.
func (t *team) take(s *share) {
	t.wait(s, -1)
	s.held, s.wanted, s.lingers = true, false, false
	s.epoch++
	t.engine.env.Emit(model.Event{Kind: model.EventActive, Unit: t.label(s), Term: s.epoch})
	t.engine.env.AddAddress(s.address)
	t.engine.publish()
	t.beat()
	t.engine.announcer.burst(s.address)
}

// release makes it let go.
func (t *team) release(s *share, why string) {
	if s.lingers {
		s.lingers = false
		t.engine.env.RemoveAddress(s.address)
	}
	if !s.held {
		return
	}
	s.held = false
	t.engine.env.RemoveAddress(s.address)
	t.engine.env.Emit(model.Event{Kind: model.EventStandby, Unit: t.label(s), Term: s.epoch, Detail: why})
	t.drain(s, true)
}

// settle ends a time in which two held a share. The one that stays says so and announces at once: neighbours may have
// learnt either.
func (t *team) settle(s *share, m *mate, epoch uint64) {
	if epoch < s.epoch || epoch == s.epoch && t.before(s, m.Name) {
		t.beat()
		t.engine.announcer.burst(s.address)
		return
	}
	t.release(s, fmt.Sprintf("%s serves with epoch %d", m.Name, epoch))
	s.epoch = epoch
	t.engine.publish()
	t.beat()
	t.weigh(s)
}

// before tells whether this engine stands before another one on the list; who does not stand there comes last.
func (t *team) before(s *share, other string) bool {
	mine, theirs := slices.Index(s.candidates, t.self()), slices.Index(s.candidates, other)
	switch {
	case mine < 0 && theirs < 0:
		return t.self() < other
	case mine < 0 || theirs < 0:
		return theirs < 0
	}
	return mine < theirs
}

// stepDown implements [duty].
func (t *team) stepDown(why string) {
	t.listens = t.engine.env.Now() + t.engine.patience(0)
	for _, m := range t.mates {
		m.until = max(m.until, t.listens) // it may have been this engine that did not listen
	}
	for _, s := range t.shares {
		t.release(s, why)
		t.wait(s, -1)
		t.weigh(s)
	}
}

// serves implements [duty].
func (t *team) serves() bool {
	return slices.ContainsFunc(t.shares, func(s *share) bool { return s.held })
}

// held implements [duty].
func (t *team) held() []netip.Addr {
	var out []netip.Addr
	for _, s := range t.shares {
		if s.held {
			out = append(out, s.address)
		}
	}
	return out
}

// mine tells whether a share is this engine's to carry: it stands on its list, or holds it still.
func (t *team) mine(s *share) bool { return s.held || slices.Contains(s.candidates, t.self()) }

// carries tells whether this engine answers clients of an address: a share is its own, or it has flows of it still.
func (t *team) carries(address netip.Addr) bool {
	s := t.share(address.String())
	return s != nil && (t.mine(s) || s.drains)
}

// sharers are the engines that share the new flows of an address: those of its list that live and say that they are
// ready. The others that carry it are leaving: they go on with the flows that they have.
func (t *team) sharers(address netip.Addr) (sharing, leaving []netip.Addr) {
	s := t.share(address.String())
	if s == nil {
		return nil, nil
	}
	now := t.engine.env.Now()
	for _, name := range s.candidates {
		if name == t.self() {
			sharing = append(sharing, t.engine.cfg.Data)
		} else if m := t.mate(name); m != nil && m.carries(s.text, now) && !m.state(s.text).Drains {
			sharing = append(sharing, m.Data)
		}
	}
	if !slices.Contains(s.candidates, t.self()) {
		leaving = append(leaving, t.engine.cfg.Data)
	}
	for _, m := range t.mates {
		if m.carries(s.text, now) && !slices.Contains(sharing, m.Data) {
			leaving = append(leaving, m.Data)
		}
	}
	return sharing, leaving
}

// label names a share in events.
func (t *team) label(s *share) string { return t.engine.cfg.Group + "/" + s.text }

// tell implements [duty]: whom of the group this engine hears on the data network, and whom it does not.
func (t *team) tell(r *wire.EngineReport) {
	for _, m := range t.mates {
		switch {
		case m.silent:
			r.Silent = append(r.Silent, m.Name)
		case m.direct(t.engine.env.Now(), t.engine.patience(m.pace)):
			r.Hears = append(r.Hears, m.Name)
		}
	}
}

// meet takes up the engines of the group. Who is new gets the time to be heard.
func (t *team) meet() {
	old := t.mates
	t.mates = nil
	now := t.engine.env.Now()
	for _, e := range t.engine.config.Engines {
		if e.Name == t.self() {
			continue
		}
		m := &mate{until: now + t.engine.patience(0)}
		if i := slices.IndexFunc(old, func(o *mate) bool { return o.Name == e.Name }); i >= 0 {
			m = old[i]
		}
		m.ServiceEngine, m.number = e, len(t.mates)
		t.mates = append(t.mates, m)
		if m.alive(now) {
			t.engine.env.SetTimer(timerMate+model.TimerID(m.number), m.until-now)
		}
	}
}

// mate finds an engine of the group by its name.
func (t *team) mate(name string) *mate {
	i, found := slices.BinarySearchFunc(t.mates, name, func(m *mate, name string) int { return strings.Compare(m.Name, name) })
	if !found {
		return nil
	}
	return t.mates[i]
}

// holder is the live engine that holds a share, as far as this one knows; of several the latest. Who is known to live by
// the leader's word alone, and is not on the list, counts for nothing: the leader has placed the share anew since.
func (t *team) holder(s *share) *mate {
	var best *mate
	epoch, now := uint64(0), t.engine.env.Now()
	for _, m := range t.mates {
		if m.relay && !slices.Contains(s.candidates, m.Name) {
			continue
		}
		if st := m.state(s.text); st != nil && st.Active && st.Epoch >= epoch && m.alive(now) {
			best, epoch = m, st.Epoch
		}
	}
	return best
}
