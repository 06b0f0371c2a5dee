package controller

import (
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/placement"
	"firedrill/model/wire"
)

// placing is what the leader needs to keep the services of elastic groups on engines that live. The placement itself is
// replicated; this is soft.
type placing struct {
	due    bool          // something may have changed that placement depends on
	since  time.Duration // when this leader became ready, or heard an engine again after it had heard none
	groups []*placedGroup
	byName map[string]*placedGroup
}

// placedGroup is what this leader has done about one group.
type placedGroup struct {
	name     string
	due      bool                   // something has changed that its placement depends on
	later    bool                   // it is due with the next tick
	idle     bool                   // and with the next beat
	changed  uint64                 // the configuration that was last looked at
	looked   time.Duration          // and when
	told     uint64                 // version of the placement that was last told
	known    []config.PlacedService // and what was in it
	proposed time.Duration          // when a placement was last proposed
	planned  uint64                 // what the last plan was made for
	pending  uint64                 // the version that it was to replace; nothingPending: none is under way
	waiting  []string               // services without a live engine, as logged
	since    time.Duration          // when this leader first looked at the group
	unplaced time.Duration          // since when a service was never placed; 0: all were
	warned   []string               // warnings of the last plan, as logged
	why      map[string]string      // services that are about to be placed anew by this leader, and why
	staffing staffing
}

const nothingPending = ^uint64(0)

// isOurs tells whether a leader has anything to decide about a group: the two engines of a legacy group settle between
// themselves which serves, and where an operator makes them, that is all.
func (f *fleet) isOurs(g *config.ServiceEngineGroup) bool {
	return g.HAMode.Elastic() || f.access(g) == config.WriteAccess
}

// place proposes a new placement for every elastic group that needs one, and sees to the engines that clouds make. It is
// called often, and does something when something has changed.
func (f *fleet) place() {
	c := f.controller
	if !f.placing.due || !c.ready {
		return
	}
	f.placing.due = false
	for _, entry := range c.machine.List(config.KindServiceEngineGroup) {
		if g := entry.Object.(*config.ServiceEngineGroup); f.isOurs(g) && f.isDue(g.Name) {
			f.placeGroup(g)
		}
	}
	for _, entry := range c.machine.List(config.KindPlacement) {
		if !f.elastic(entry.Key.Name) {
			f.propose(&wire.Request{Operation: wire.Operation_DELETE, Kind: string(entry.Key.Kind), Name: entry.Key.Name, Version: entry.Version})
		}
	}
}

// mark notes that the placement of a group may have to be another one.
func (f *fleet) mark(group string) { f.placedGroup(group).due, f.placing.due = true, true }

// again makes due what waits for the next tick.
func (p *placing) again() {
	for _, g := range p.groups {
		if g.later {
			g.due, g.later, p.due = true, false, true
		}
	}
}

// isDue tells whether a group is to be looked at now. A change of its configuration that follows another closely waits for
// the next tick; that engines live or die does not.
func (f *fleet) isDue(group string) bool {
	view, now, changed := f.placedGroup(group), f.controller.env.Now(), f.controller.machine.Changed(group)
	switch {
	case view.due:
	case changed == view.changed:
		return false
	case view.looked > 0 && now-view.looked < burst:
		view.later = true
		return false
	}
	view.due, view.changed, view.looked = false, changed, now
	return true
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
		view.later = true // what is under way may get lost
		return
	}
	if view.underWay(c) {
		view.later = true
		return
	}
	in, print := f.look(g, current)
	if print = print*31 ^ entry.Version*1099511628211 ^ f.groupVersion(g.Name); print == view.planned {
		return
	}
	view.planned = print
	next, plan := in.plan()
	view.explain(in, plan)
	f.noteWaiting(view, next, plan)
	if in.settled {
		f.warn(view, plan)
		f.staff(g, view, plan)
	}
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
	view.later = true
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
	p := f.placing.byName[name]
	if p == nil {
		p = &placedGroup{name: name, pending: nothingPending, since: f.controller.env.Now(), why: make(map[string]string)}
		f.placing.groups = append(f.placing.groups, p)
		f.placing.byName[name] = p
	}
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
			c.env.Emit(model.Event{Kind: model.EventPlaced, Unit: s.Service, Peer: strings.Join(s.Engines, " "), Term: c.status.Term, Index: version,
				Detail: p.why[s.Service]})
		}
		if s.Next == nil {
			delete(p.why, s.Service) // it is where it should be
		}
	}
	p.told, p.known = version, placement.Services
}

// explain keeps the reasons of a plan's moves until they are made. Services of one address move as one.
func (p *placedGroup) explain(in *placementInput, plan *placement.Plan) {
	if len(plan.Moves) == 0 {
		return
	}
	why := make(map[string]string, len(plan.Moves))
	for _, m := range plan.Moves {
		if why[m.Service] != "" {
			why[m.Service] += ", and "
		}
		why[m.Service] += m.String()
	}
	for _, unit := range in.units() {
		for _, vs := range unit {
			if w := why[unit[0].Name]; w != "" {
				p.why[vs.Name] = w
			}
		}
	}
}

// noteWaiting writes into the event log which services have no live engine and find no free slot, and which have one again.
func (f *fleet) noteWaiting(view *placedGroup, p *config.Placement, plan *placement.Plan) {
	var waiting []string
	for _, s := range p.Services {
		if slices.ContainsFunc(s.Engines, func(e string) bool { return !f.lost(e) }) {
			if view.waits(s.Service) {
				f.controller.log(EventVSPlaced, s.Service, "on "+strings.Join(s.Engines, ", "))
			}
			continue
		}
		waiting = append(waiting, s.Service)
		if !view.waits(s.Service) {
			f.controller.log(EventVSWaits, s.Service, reasonToWait(s.Service, plan))
		}
	}
	view.waiting = waiting
}

// waits tells whether a service was said to wait; they are kept by name.
func (p *placedGroup) waits(service string) bool {
	_, found := slices.BinarySearch(p.waiting, service)
	return found
}

// reasonToWait is what a plan says of a service without a slot. Of one that has a slot, but waits all the same, it does not
// speak; nor of those that share an address with a service of which it does.
func reasonToWait(service string, plan *placement.Plan) string {
	for _, w := range plan.Waiting {
		if w.Service == service {
			return w.Why.String()
		}
	}
	return "waits for the engines that are being made"
}

// lost tells whether the leader takes an engine for dead, and has listened for long enough to move what it carried.
func (f *fleet) lost(name string) bool {
	e := f.engine(name)
	return e != nil && (e.down || e.stranded) && f.listened(f.placing.since)
}

// look gathers what a placement depends on, and a number that changes with it.
func (f *fleet) look(g *config.ServiceEngineGroup, current *config.Placement) (*placementInput, uint64) {
	view := f.placedGroup(g.Name)
	in := &placementInput{group: g, current: current, settled: f.listened(f.placing.since), carries: f.carries, access: f.access(g), hosts: f.hosts(g)}
	view.later = view.later || !in.settled
	print := uint64(14695981039346656037)
	mix := func(n uint64) { print = (print ^ n) * 1099511628211 }
	for _, entry := range f.controller.machine.EnginesOf(g.Name) {
		o := entry.Object.(*config.ServiceEngine)
		state, flawed := f.lifeOf(o), f.failedLately(o.Name)
		if !g.HAMode.Elastic() {
			state = f.witnessed(o.Name, state)
			leaves := f.controller.clouds.leaves(o.Name)
			view.idle = view.idle || state == placement.EngineDown || leaves // until the other one is heard, or serves
			mix(flag(leaves && f.active(o.Name)))
		}
		if f.joining(o.Name) {
			in.settled, view.later = false, true
		}
		if e := f.engine(o.Name); e != nil && e.met && !e.down && f.overdue(e) {
			view.later = true // its report may only be late
		}
		if flawed {
			mix(2)
		}
		mix(entry.Version)
		mix(uint64(len(state)))
		in.engines = append(in.engines, placement.Engine{Name: o.Name, Group: o.GroupRef, Host: o.Host, State: state,
			FailedLately: flawed, Serves: f.active(o.Name), Managed: o.CloudRef != ""})
	}
	if in.settled {
		mix(1)
	}
	for _, h := range in.hosts {
		mix(xxhash.Sum64String(h.Name) ^ flag(h.Maintenance)<<2 ^ flag(h.Down)<<1 ^ flag(h.Full))
	}
	mix(flag(in.access == config.WriteAccess))
	for _, entry := range f.controller.machine.ServicesOf(g.Name) {
		vs := entry.Object.(*config.VirtualService)
		if vs.Disabled || !g.HAMode.Elastic() {
			continue
		}
		mix(entry.Version)
		in.services = append(in.services, vs)
		if s := current.Of(vs.Name); s != nil && s.Next != nil {
			view.later = true // the move goes on when those that are to have it report
			for _, e := range s.Next {
				if f.carries(e, vs.VIP.String()) {
					mix(3)
				}
				mix(4)
			}
		}
	}
	in.hurried = f.hurried(in)
	mix(flag(in.hurried))
	return in, print
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// hurried tells whether services that were never placed have waited for as long as an engine may take to be made.
func (f *fleet) hurried(in *placementInput) bool {
	view, now := f.placedGroup(in.group.Name), f.controller.env.Now()
	switch {
	case !slices.ContainsFunc(in.services, func(vs *config.VirtualService) bool { return len(in.current.EnginesOf(vs.Name)) == 0 }):
		view.unplaced = 0
	case view.unplaced == 0:
		view.unplaced = now
	}
	view.idle = view.idle || view.unplaced > 0 && in.access == config.WriteAccess
	return view.unplaced > 0 && now-view.unplaced > f.controller.cfg.Timers.SECreateTimeout.Std()
}

// lifeOf is what the leader takes an engine for that is in the configuration.
func (f *fleet) lifeOf(e *config.ServiceEngine) placement.EngineState {
	switch e.State {
	case config.EngineCreating:
		return placement.EngineBooting
	case config.EngineDeleting:
		return placement.EngineDown
	}
	return f.state(e.Name)
}

// state is what the leader takes an engine for. One that it does not hear, but its peers do, keeps what it has.
func (f *fleet) state(name string) placement.EngineState {
	switch e := f.engine(name); {
	case f.lost(name):
		return placement.EngineDown
	case f.controller.upgrade.drains(name):
		return placement.EngineDraining
	case e != nil && e.met && !f.overdue(e):
		return placement.EngineUp
	}
	return placement.EngineSuspected
}

// witnessed is the state of an engine of a legacy pair. One that has missed a report is no witness of the death of the
// other: it may be this node that hears neither.
func (f *fleet) witnessed(name string, state placement.EngineState) placement.EngineState {
	if e := f.engine(name); state == placement.EngineUp && f.listened(e.heard) {
		return placement.EngineSuspected
	}
	return state
}

// active tells whether an engine of a legacy pair has reported that it serves.
func (f *fleet) active(name string) bool {
	e := f.engine(name)
	return e != nil && slices.ContainsFunc(e.report.Units, func(u *wire.UnitState) bool { return u.Active })
}

// hearsAny tells whether this leader hears any engine at present.
func (f *fleet) hearsAny() bool {
	return slices.ContainsFunc(f.engines, func(e *engineView) bool { return e.met && !e.down && f.recent(e) })
}

// recent tells whether an engine has been heard within the time that it may be silent.
func (f *fleet) recent(e *engineView) bool {
	t := &f.controller.cfg.Timers
	return f.controller.env.Now()-e.heard <= time.Duration(t.SEFailedHeartbeats)*t.SEHeartbeat.Std()
}

// overdue tells whether a report of an engine should have come by now. It keeps what it has, and gets nothing: where the
// leader is cut off itself, all engines fall silent, the last one a moment after the first one counts as dead.
func (f *fleet) overdue(e *engineView) bool {
	return f.controller.env.Now()-e.heard > 2*f.controller.cfg.Timers.SEHeartbeat.Std()
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
