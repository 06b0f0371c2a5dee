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
	groups     []*groupView  // by name
	stale      bool          // the configuration has changed since the groups' views were made
	placing    placing
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
}

// groupView is the configuration that the engines of a group should run.
type groupView struct {
	name        string
	fingerprint uint64 // of the versions of all objects in it
	index       uint64
	body        []byte
}

// reset forgets everything: a new leader starts with no opinion, so that it declares no engine dead that it
// has not had time to hear.
func (f *fleet) reset() {
	f.engines, f.groups, f.stale = nil, nil, true
	f.placing = placing{due: true}
}

// heard takes an engine's report and answers it.
func (f *fleet) heard(from netip.Addr, r *wire.EngineReport) {
	c := f.controller
	if !c.ready {
		return
	}
	e := f.engine(r.Engine)
	if e == nil {
		e = f.meet(r.Engine, r.Group)
	}
	if !e.met {
		e.met, e.joined, f.placing.due = true, c.env.Now(), true
		c.env.Emit(model.Event{Kind: model.EventEngineUp, Peer: r.Engine, Term: c.status.Term})
	} else if e.down {
		f.placing.due = true
		c.env.Emit(model.Event{Kind: model.EventEngineUp, Peer: r.Engine, Term: c.status.Term})
		c.log(EventSEUp, r.Engine, "")
	}
	e.down = false
	e.report, e.heard, e.address, e.question = r, c.env.Now(), from, question{}
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
	return e
}

// push sends a configuration that has changed to the engines that should run it, without waiting for their reports.
// An engine acknowledges by a report; one that does not is sent it again with the answer to its next one.
func (f *fleet) push() {
	if !f.stale || !f.controller.ready {
		return
	}
	for _, e := range f.engines {
		if g := f.group(e.group); !e.down && max(e.report.ConfigIndex, e.pushed) < g.index {
			f.direct(e)
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
	object, err := engineObject(e.report)
	if err != nil {
		return // an engine that does not know its own addresses
	}
	key := config.Key{Kind: config.KindServiceEngine, Name: e.name}
	known, exists := c.machine.Get(key)
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

func engineObject(r *wire.EngineReport) (*config.ServiceEngine, error) {
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
	for _, other := range f.engines {
		if other == e || other.group != e.group || other.down {
			continue
		}
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

// direct answers an engine: who leads, how its peers are, and the configuration if the engine runs another.
func (f *fleet) direct(e *engineView) {
	c := f.controller
	g := f.group(e.group)
	d := &wire.EngineDirective{Cluster: c.identity.Cluster, Term: c.status.Term, Leader: c.name(), ConfigIndex: g.index}
	if g.body != nil && e.report.ConfigIndex < g.index {
		d.Config = g.body
		e.pushed = g.index
	}
	for _, other := range f.engines {
		if other != e && other.group == e.group && !other.down {
			d.Peers = append(d.Peers, &wire.PeerReport{Engine: other.name, AgeNs: uint64(c.env.Now() - other.heard), Units: other.report.Units})
		}
	}
	for _, m := range c.members() {
		d.Controllers = append(d.Controllers, m.Address.String())
	}
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
	e.down, e.question, f.placing.due = true, question{}, true
	c.env.Emit(model.Event{Kind: model.EventEngineDn, Peer: e.name, Term: c.status.Term, Detail: why})
	c.log(EventSEDown, e.name, why)
}

// group returns the up-to-date view of a group.
func (f *fleet) group(name string) *groupView {
	if f.stale {
		f.stale = false
		for _, g := range f.groups {
			f.refresh(g)
		}
	}
	for _, g := range f.groups {
		if g.name == name {
			return g
		}
	}
	g := &groupView{name: name}
	f.groups = append(f.groups, g)
	f.refresh(g)
	return g
}

// refresh makes the configuration of a group anew if anything in it has another version. Its index is the
// log's: it grows from leader to leader, because every leader has applied all that was committed before.
func (f *fleet) refresh(g *groupView) {
	state := f.controller.machine.State
	print := fingerprint(state, g.name)
	if print == g.fingerprint && g.body != nil {
		return
	}
	c := engineConfig(state, g.name)
	if c == nil {
		g.fingerprint, g.body, g.index = 0, nil, 0
		return
	}
	c.Index = state.Index()
	body, err := json.Marshal(c)
	if err != nil {
		panic("controller: configuration that was accepted cannot be written: " + err.Error())
	}
	g.fingerprint, g.body, g.index = print, body, c.Index
}
