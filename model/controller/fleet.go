package controller

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/wire"
)

// fleet is what the leader knows of the service engines: soft state, rebuilt from their reports by every new
// leader. What must survive (which engines belong to a group) is in the replicated configuration.
type fleet struct {
	controller *Controller
	engines    []*engineView // by name
	groups     []*groupView  // as they were first met
	byName     map[string]*groupView
	stale      bool // the configuration has changed since the groups' views were made
	placing    placing
	summons    time.Duration // when engines that are not heard are next called
}

// engineView is one engine as last heard.
type engineView struct {
	name, group string
	address     netip.Addr // where it reports from
	report      *wire.EngineReport
	pushed      uint64 // index of the configuration that was last sent to it
	heard       time.Duration
	down        bool
	registered  time.Duration // when its registration was last proposed
	met         bool          // this leader has heard it
	joined      time.Duration // when this leader first heard it
	question    question
	alone       time.Duration // since when it reaches no server, and does not hear others; 0: it does
	apart       time.Duration // and since when another one reaches a server all the same
	stranded    bool          // it has lost its data network
	failed      time.Duration // when it was last taken for dead by this leader
	flawed      bool          // that is not long ago
	rebooted    bool          // its cloud has agreed to start it anew since
}

// groupView is the configuration that the engines of a group should run.
type groupView struct {
	name        string
	engines     []*engineView // by name
	changed     uint64        // what the configuration was when this was made
	fingerprint uint64        // of the versions of all objects in it
	index       uint64
	body        []byte

	pushed    time.Duration // when it was last sent to engines that did not ask
	told      uint64        // what the configuration was then
	placement uint64        // version of the placement in it
}

// burst is how close changes must follow each other to be taken together, at the end of a tick: many objects are written
// at once, and many engines come at once, but a single change waits for nothing.
const burst = 20 * time.Millisecond

// reset forgets everything: a new leader starts with no opinion, so that it declares no engine dead that it
// has not had time to hear.
func (f *fleet) reset() {
	f.engines, f.groups, f.byName, f.stale = nil, nil, make(map[string]*groupView), true
	f.placing = placing{due: true, byName: make(map[string]*placedGroup)}
}

// heard takes an engine's report and answers it.
func (f *fleet) heard(from netip.Addr, r *wire.EngineReport) {
	c := f.controller
	if !c.ready {
		return
	}
	if r.Cloud != "" && !f.known(r.Engine) {
		return // nobody's any more: its cloud is asked to delete it
	}
	e := f.engine(r.Engine)
	if e == nil {
		e = f.meet(r.Engine, r.Group)
	}
	if !f.hearsAny() {
		f.placing.since = c.env.Now() // it was this node that heard nobody: the others are about to report, too
	}
	if !e.met {
		e.met, e.joined = true, c.env.Now()
		f.mark(e.group)
		c.env.Emit(model.Event{Kind: model.EventEngineUp, Peer: r.Engine, Term: c.status.Term})
	} else if e.down {
		f.mark(e.group)
		c.env.Emit(model.Event{Kind: model.EventEngineUp, Peer: r.Engine, Term: c.status.Term})
		c.log(EventSEUp, r.Engine, "")
	}
	if !slices.EqualFunc(e.report.GetUnits(), r.Units, func(a, b *wire.UnitState) bool { return a.Address == b.Address && a.Drains == b.Drains }) {
		f.mark(e.group) // a move may wait for it
	}
	e.down, e.rebooted = false, false
	e.report, e.heard, e.address, e.question = r, c.env.Now(), from, question{}
	f.strand(e.group)
	f.register(e)
	f.arbitrate(e)
	f.direct(e)
	f.doubt(e)
}

// meet makes the view of an engine that this leader had none of.
func (f *fleet) meet(name, group string) *engineView {
	e := &engineView{name: name, group: group, registered: -time.Hour}
	i, _ := slices.BinarySearchFunc(f.engines, name, func(e *engineView, name string) int { return strings.Compare(e.name, name) })
	f.engines = slices.Insert(f.engines, i, e)
	g := f.view(group)
	i, _ = slices.BinarySearchFunc(g.engines, name, func(e *engineView, name string) int { return strings.Compare(e.name, name) })
	g.engines = slices.Insert(g.engines, i, e)
	return e
}

// push sends a configuration that has changed to the engines that should run it, without waiting for their reports.
// An engine acknowledges by a report; one that does not is sent it again with the answer to its next one, and what has
// changed until then.
func (f *fleet) push() {
	c := f.controller
	if !f.stale || !c.ready {
		return
	}
	f.stale = false
	now := c.env.Now()
	for _, g := range f.groups {
		changed := c.machine.Changed(g.name)
		if changed == g.told || len(g.engines) == 0 {
			continue
		}
		placement, _ := c.machine.Get(config.Key{Kind: config.KindPlacement, Name: g.name})
		urgent := placement.Version != g.placement
		if !urgent && now-g.pushed < burst && g.pushed > 0 {
			f.stale = true // with the next tick, unless it is about who serves
			continue
		}
		f.refresh(g)
		g.pushed, g.told, g.placement = now, changed, placement.Version
		for _, e := range g.engines {
			if running := max(e.report.ConfigIndex, e.pushed); !e.down && running < g.index && (urgent || e.report.ConfigIndex >= e.pushed) {
				f.direct(e)
			}
		}
	}
}

func (f *fleet) engine(name string) *engineView {
	i, found := slices.BinarySearchFunc(f.engines, name, func(e *engineView, name string) int { return strings.Compare(e.name, name) })
	if !found {
		return nil
	}
	return f.engines[i]
}

// register writes an engine that the configuration does not know, or knows otherwise, into it.
func (f *fleet) register(e *engineView) {
	c := f.controller
	object, err := reported(e.report)
	if err != nil {
		return // an engine that does not know its own addresses
	}
	key := engineKey(e.name)
	known, exists := c.machine.Get(key)
	if exists {
		was := known.Object.(*config.ServiceEngine)
		if was.State == config.EngineDeleting {
			return
		}
		object.CloudRef = was.CloudRef
	}
	body := config.Encode(object)
	if exists && string(known.Body) == string(body) || c.env.Now()-e.registered < c.cfg.Timers.SEHeartbeat.Std()*2 {
		return
	}
	if _, ok := c.machine.Get(config.Key{Kind: config.KindServiceEngineGroup, Name: e.group}); !ok {
		return // nobody has made its group yet
	}
	e.registered = c.env.Now()
	r := &wire.Request{Operation: wire.Operation_CREATE, Kind: string(key.Kind), Name: key.Name, Body: body}
	if exists {
		r.Operation, r.Version = wire.Operation_UPDATE, known.Version
	}
	// Without a session: to register twice is refused by the state, and does no harm.
	_ = c.propose(session{}, encodeCommand(r)) // if it cannot be proposed now, the next report tries again
}

// known tells whether the configuration has an engine.
func (f *fleet) known(engine string) bool {
	_, ok := f.controller.machine.Get(engineKey(engine))
	return ok
}

// reported is an engine's object as it describes itself.
func reported(r *wire.EngineReport) (*config.ServiceEngine, error) {
	management, err := netip.ParseAddr(r.Management)
	if err != nil {
		return nil, err
	}
	data, err := netip.ParseAddr(r.Data)
	if err != nil {
		return nil, err
	}
	return &config.ServiceEngine{Name: r.Engine, GroupRef: r.Group, Management: management, Data: data, Host: r.Host}, nil
}

// arbitrate notes when two engines of a legacy group both serve a unit. The directive tells each of the
// other, and the one with the lower epoch yields.
func (f *fleet) arbitrate(e *engineView) {
	for _, other := range f.strangers(e) {
		for _, mine := range e.report.Units {
			for _, theirs := range other.report.Units {
				if mine.Unit == theirs.Unit && mine.Address == theirs.Address && mine.Active && theirs.Active {
					loser := e
					if mine.Epoch > theirs.Epoch {
						loser = other
					}
					f.controller.env.Emit(model.Event{Kind: model.EventArbitrate, Unit: e.group, Peer: loser.name, Term: f.controller.status.Term})
				}
			}
		}
	}
}

// strangers are the live engines of which an engine has to be told: its peer in a legacy group, and in an elastic one
// those that it does not hear itself.
func (f *fleet) strangers(e *engineView) []*engineView {
	var out []*engineView
	if f.elastic(e.group) {
		for _, name := range e.report.Silent {
			if o := f.engine(name); o != nil && o != e && o.group == e.group && !o.down {
				out = append(out, o)
			}
		}
		return out
	}
	for _, o := range f.view(e.group).engines {
		if o != e && !o.down {
			out = append(out, o)
		}
	}
	return out
}

// direct answers an engine: who leads, how its peers are, and the configuration if the engine runs another.
func (f *fleet) direct(e *engineView) {
	c := f.controller
	g := f.group(e.group)
	d := &wire.EngineDirective{Cluster: c.identity.Cluster, Term: c.status.Term, Leader: c.name(), ConfigIndex: g.index}
	if g.body != nil && e.report.ConfigIndex < g.index {
		d.Config = g.body
		e.pushed = g.index
	}
	for _, other := range f.strangers(e) {
		d.Peers = append(d.Peers, &wire.PeerReport{Engine: other.name, AgeNs: uint64(c.env.Now() - other.heard), Units: other.report.Units})
	}
	d.Controllers = c.addresses()
	d.Collectors = c.collectors()
	c.env.Send(e.address, c.voice.Encode(e.address, &wire.Envelope_EngineDirective{EngineDirective: d}))
}

// slept says that this node was frozen: the engines were not silent for that long, it did not listen.
func (f *fleet) slept(gap time.Duration) {
	for _, e := range f.engines {
		e.heard += gap
	}
	f.unasked()
}

// tick declares engines dead that have been silent for too long.
func (f *fleet) tick() {
	c := f.controller
	if !leads(c.status) {
		return
	}
	f.placing.again()
	now := c.env.Now()
	patience := time.Duration(c.cfg.Timers.SEFailedHeartbeats) * c.cfg.Timers.SEHeartbeat.Std()
	for _, e := range f.engines {
		if !e.down && now-e.heard > patience && !f.vouched(e) && !c.upgrade.out(e.name) {
			f.dead(e, "no heartbeat for "+patience.String())
		}
	}
	f.confirm()
}

// dead takes an engine for lost.
func (f *fleet) dead(e *engineView, why string) {
	c := f.controller
	e.down, e.stranded, e.question, c.clouds.due = true, false, question{}, true
	e.failed, e.flawed = c.env.Now(), true
	f.mark(e.group)
	c.env.Emit(model.Event{Kind: model.EventEngineDn, Peer: e.name, Term: c.status.Term, Detail: why})
	c.log(EventSEDown, e.name, why)
}

// group returns the up-to-date view of a group.
func (f *fleet) group(name string) *groupView {
	g := f.view(name)
	f.refresh(g)
	return g
}

// view returns what is known of a group, its configuration as it was.
func (f *fleet) view(name string) *groupView {
	g := f.byName[name]
	if g == nil {
		g = &groupView{name: name}
		f.groups = append(f.groups, g)
		f.byName[name] = g
	}
	return g
}

// refresh makes the configuration of a group anew if anything in it has another version. Its index is the
// log's: it grows from leader to leader, because every leader has applied all that was committed before.
func (f *fleet) refresh(g *groupView) {
	state := f.controller.machine.State
	changed := state.Changed(g.name)
	if changed == g.changed && g.body != nil {
		return
	}
	print := fingerprint(state, g.name)
	if print == g.fingerprint && g.body != nil {
		g.changed = changed
		return
	}
	c := engineConfig(state, g.name)
	if c == nil {
		g.changed, g.fingerprint, g.body, g.index = 0, 0, nil, 0
		return
	}
	c.Index = state.Index()
	body, err := json.Marshal(c)
	if err != nil {
		panic("controller: configuration that was accepted cannot be written: " + err.Error())
	}
	g.changed, g.fingerprint, g.body, g.index = changed, print, body, c.Index
}
