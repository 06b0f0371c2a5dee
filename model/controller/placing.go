package controller

import (
	"slices"
	"strings"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/placement"
	"firedrill/model/wire"
)

// placing is what the leader needs to keep the services of elastic groups on engines that live. The placement itself is
// replicated; this is soft.
type placing struct {
	due    bool          // something has changed that placement depends on
	since  time.Duration // when this leader became ready
	groups []*placedGroup
}

// placedGroup is what this leader has done about one group.
type placedGroup struct {
	name     string
	told     uint64                 // version of the placement that was last told
	known    []config.PlacedService // and what was in it
	proposed time.Duration          // when a placement was last proposed
	planned  uint64                 // what the last plan was made for
	pending  uint64                 // the version that it was to replace; nothingPending: none is under way
	waiting  []string               // services without a live engine, as logged
}

const nothingPending = ^uint64(0)

// place proposes a new placement for every elastic group that needs one. It is called often, and does something when
// something has changed.
func (f *fleet) place() {
	c := f.controller
	if !f.placing.due || !c.ready {
		return
	}
	f.placing.due = false
	for _, entry := range c.machine.List(config.KindServiceEngineGroup) {
		if g := entry.Object.(*config.ServiceEngineGroup); g.HAMode.Elastic() {
			f.placeGroup(g)
		}
	}
	for _, entry := range c.machine.List(config.KindPlacement) {
		if !f.elastic(entry.Key.Name) {
			f.propose(&wire.Request{Operation: wire.Operation_DELETE, Kind: string(entry.Key.Kind), Name: entry.Key.Name, Version: entry.Version})
		}
	}
}

func (f *fleet) placeGroup(g *config.ServiceEngineGroup) {
	c := f.controller
	view := f.placedGroup(g.Name)
	key := config.Key{Kind: config.KindPlacement, Name: g.Name}
	entry, exists := c.machine.Get(key)
	current := &config.Placement{Name: g.Name, Services: []config.PlacedService{}}
	if exists {
		current = entry.Object.(*config.Placement)
		view.tell(c, entry.Version, current)
	}
	now := c.env.Now()
	if view.pending == entry.Version && now-view.proposed < c.patience() {
		f.placing.due = true // what is under way may get lost
		return
	}
	in, print := f.look(g, current)
	if print = print*31 ^ entry.Version*1099511628211 ^ f.groupVersion(g.Name); print == view.planned {
		return
	}
	view.planned = print
	next := in.plan()
	f.noteWaiting(view, next)
	body := config.Encode(next)
	if exists && string(body) == string(entry.Body) || !exists && len(next.Services) == 0 {
		return
	}
	r := &wire.Request{Operation: wire.Operation_CREATE, Kind: string(key.Kind), Name: key.Name, Body: body}
	if exists {
		r.Operation, r.Version = wire.Operation_UPDATE, entry.Version
	}
	view.pending, view.proposed, view.planned = entry.Version, now, 0
	f.propose(r)
	f.placing.due = true
}

func (f *fleet) groupVersion(name string) uint64 {
	entry, _ := f.controller.machine.Get(config.Key{Kind: config.KindServiceEngineGroup, Name: name})
	return entry.Version
}

// propose writes without a session: a placement names the version that it replaces, so that it counts once.
func (f *fleet) propose(r *wire.Request) {
	_ = f.controller.propose(session{}, encodeCommand(r)) // what cannot be proposed now is tried again
}

func (f *fleet) placedGroup(name string) *placedGroup {
	for _, p := range f.placing.groups {
		if p.name == name {
			return p
		}
	}
	p := &placedGroup{name: name, pending: nothingPending}
	f.placing.groups = append(f.placing.groups, p)
	return p
}

// tell says which services were placed anew.
func (p *placedGroup) tell(c *Controller, version uint64, placement *config.Placement) {
	if version == p.told {
		return
	}
	before := &config.Placement{Services: p.known}
	for _, s := range placement.Services {
		if p.told == 0 || !slices.Equal(before.EnginesOf(s.Service), s.Engines) {
			c.env.Emit(model.Event{Kind: model.EventPlaced, Unit: s.Service, Peer: strings.Join(s.Engines, " "), Term: c.status.Term, Index: version})
		}
	}
	p.told, p.known = version, placement.Services
}

// noteWaiting writes into the event log which services have no live engine and find no free slot, and which have one again.
func (f *fleet) noteWaiting(view *placedGroup, p *config.Placement) {
	var waiting []string
	for _, s := range p.Services {
		if slices.ContainsFunc(s.Engines, func(e string) bool { return !f.lost(e) }) {
			if slices.Contains(view.waiting, s.Service) {
				f.controller.log(EventVSPlaced, s.Service, "on "+strings.Join(s.Engines, ", "))
			}
			continue
		}
		waiting = append(waiting, s.Service)
		if !slices.Contains(view.waiting, s.Service) {
			f.controller.log(EventVSWaits, s.Service, "no engine of the group "+view.name+" has a free slot")
		}
	}
	view.waiting = waiting
}

// lost tells whether the leader takes an engine for dead.
func (f *fleet) lost(name string) bool {
	e := f.engine(name)
	return e != nil && e.down
}

// look gathers what a placement depends on, and a number that changes with it.
func (f *fleet) look(g *config.ServiceEngineGroup, current *config.Placement) (*placementInput, uint64) {
	if !f.listened(f.placing.since) {
		f.placing.due = true
	}
	in := &placementInput{group: g, current: current, settled: f.listened(f.placing.since)}
	print := uint64(14695981039346656037)
	mix := func(n uint64) { print = (print ^ n) * 1099511628211 }
	for _, entry := range f.controller.machine.List(config.KindServiceEngine) {
		o := entry.Object.(*config.ServiceEngine)
		if o.GroupRef != g.Name {
			continue
		}
		state := f.state(o.Name)
		if f.joining(o.Name) {
			in.settled, f.placing.due = false, true
		}
		mix(entry.Version)
		mix(uint64(len(state)))
		in.engines = append(in.engines, placement.Engine{Name: o.Name, Group: o.GroupRef, Host: o.Host, State: state})
	}
	if in.settled {
		mix(1)
	}
	for _, entry := range f.controller.machine.List(config.KindVirtualService) {
		if vs := entry.Object.(*config.VirtualService); vs.SEGroupRef == g.Name && !vs.Disabled {
			mix(entry.Version)
			in.services = append(in.services, vs)
		}
	}
	return in, print
}

// state is what the leader takes an engine for. One that it does not hear, but its peers do, keeps what it has.
func (f *fleet) state(name string) placement.EngineState {
	c := f.controller
	patience := time.Duration(c.cfg.Timers.SEFailedHeartbeats) * c.cfg.Timers.SEHeartbeat.Std()
	switch e := f.engine(name); {
	case e != nil && e.down:
		return placement.EngineDown
	case c.upgrade.drains(name):
		return placement.EngineDraining
	case e != nil && e.met && c.env.Now()-e.heard <= patience:
		return placement.EngineUp
	}
	return placement.EngineSuspected
}

// joining tells whether an engine has come just now: others may be about to. All that live report within a heartbeat.
func (f *fleet) joining(name string) bool {
	e := f.engine(name)
	return e != nil && e.met && !f.listened(e.joined)
}

// listened tells whether every engine that lives has had the time to report since then.
func (f *fleet) listened(since time.Duration) bool {
	return f.controller.env.Now()-since >= 2*f.controller.cfg.Timers.SEHeartbeat.Std()
}
