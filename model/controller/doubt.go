package controller

import (
	"slices"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/wire"
)

// question is what the leader wants to know of an engine whose peers do not hear it on the data network: whether it
// lives ("Service Engine Failure Detection": who notices reports, and the controller confirms before it moves services).
// A one-way loss between two engines must not kill a healthy one, so that only silence towards both counts.
type question struct {
	open         bool
	since, asked time.Duration
	why          string // the cloud's report; "": its peers do not hear it
}

// doubt takes up whom an engine does not hear. Who has reported just now lives: two engines that do not hear each other
// would each be asked because of what the other one has answered, as fast as the network carries it.
func (f *fleet) doubt(by *engineView) {
	now := f.controller.env.Now()
	for _, name := range by.report.Silent {
		e := f.engine(name)
		if e == nil || e.down || e.group != by.group || e.question.open || by.down || f.controller.upgrade.out(name) {
			continue
		}
		if every, _ := f.heartbeats(by.group); e.met && now-e.heard < every {
			continue
		}
		e.question = question{open: true, since: now}
		f.ask(e)
	}
}

func (f *fleet) ask(e *engineView) {
	c := f.controller
	e.question.asked = c.env.Now()
	c.env.Send(e.address, wire.Encode(&wire.Envelope_EngineDirective{EngineDirective: &wire.EngineDirective{
		Cluster: c.identity.Cluster, Term: c.status.Term, Leader: c.name(), Ask: true,
	}}))
}

// confirm repeats questions, and takes for dead who answers none of them for as long as its peers have waited before.
func (f *fleet) confirm() {
	if !f.controller.ready {
		return
	}
	now := f.controller.env.Now()
	for _, e := range f.engines {
		if !e.question.open {
			continue
		}
		beat, patience := f.heartbeats(e.group)
		switch {
		case now-e.question.since > patience && e.question.why == "":
			f.dead(e, "its peers do not hear it, and it does not answer")
		case now-e.question.since > patience && !f.vouched(e):
			f.dead(e, e.question.why+", and it does not answer")
		case now-e.question.asked >= beat:
			f.ask(e)
		}
	}
}

// heartbeats are those of a group on the data network.
func (f *fleet) heartbeats(group string) (every, patience time.Duration) {
	t := f.controller.cfg.Timers
	every, count := t.DPHeartbeat.Std(), t.DPFailedHeartbeats
	if entry, ok := f.controller.machine.Get(config.Key{Kind: config.KindServiceEngineGroup, Name: group}); ok {
		g := entry.Object.(*config.ServiceEngineGroup)
		if g.HBFrequency > 0 {
			every = g.HBFrequency.Std()
		}
		if g.HBTimeoutCount > 0 {
			count = g.HBTimeoutCount
		}
	}
	return every, time.Duration(count) * every
}

// unasked withdraws all questions: this node was frozen, and has heard no answers.
func (f *fleet) unasked() {
	for _, e := range f.engines {
		e.question = question{}
	}
}

// vouched tells whether another engine hears one on the data network that the leader does not: then it is only the
// management network that fails, and its services stay.
func (f *fleet) vouched(e *engineView) bool {
	now, recent := f.controller.env.Now(), 2*f.controller.cfg.Timers.SEHeartbeat.Std()
	return slices.ContainsFunc(f.view(e.group).engines, func(o *engineView) bool {
		return o != e && !o.down && now-o.heard <= recent && slices.Contains(o.report.Hears, e.name)
	})
}

// strand finds out which engines of an elastic group have lost their data network, though controllers hear them: they
// neither reach a back-end server, while another one of the group does, nor do they and the others hear each other.
// Clients do not reach their services either, so these move as from an engine that is dead. One sign alone is not enough:
// servers may be gone, and this engine the first to notice; or it is two engines only that do not hear each other. Nor do
// both count while nobody hears anybody: it may be the switch that has failed, and the others just have not noticed; or it is
// back, and this engine the last to be heard.
func (f *fleet) strand(group string) {
	if !f.elastic(group) {
		return
	}
	now := f.controller.env.Now()
	var alive []*engineView
	for _, e := range f.view(group).engines {
		if !e.down {
			alive = append(alive, e)
		}
	}
	every, _ := f.heartbeats(group)
	for _, e := range alive {
		alone := e.report.Reach == wire.Reach_REACH_NONE && e.unheard(alive)
		since(&e.alone, now, alone)
		since(&e.apart, now, alone && slices.ContainsFunc(alive, func(o *engineView) bool {
			return o.report.Reach == wire.Reach_REACH_SOME && (len(o.report.Hears) > 0 || now-e.alone > f.checksApart(group))
		}))
		stranded := e.apart > 0 && now-e.apart >= every
		if e.stranded == stranded {
			continue
		}
		e.stranded = stranded
		f.mark(group)
		if stranded {
			f.notice(e, model.EventEngineDn, EventSEDown, "it reaches no server, and others of its group do")
		} else {
			f.notice(e, model.EventEngineUp, EventSEUp, "")
		}
	}
}

// since keeps since when something is so; 0: it is not.
func since(t *time.Duration, now time.Duration, so bool) {
	switch {
	case !so:
		*t = 0
	case *t == 0:
		*t = now
	}
}

// checksApart is how much later than one engine of a group another may find out that no server answers.
func (f *fleet) checksApart(group string) (longest time.Duration) {
	visit(f.controller.machine.State, group, func(entry *config.Entry) {
		if m, ok := entry.Object.(*config.HealthMonitor); ok {
			m := m.WithDefaults()
			longest = max(longest, (m.SendInterval + m.ReceiveTimeout).Std())
		}
	})
	return longest
}

// unheard tells whether an engine hears no other one of its group, or is not heard by another one.
func (e *engineView) unheard(others []*engineView) bool {
	return len(e.report.Hears) == 0 && len(e.report.Silent) > 0 ||
		slices.ContainsFunc(others, func(o *engineView) bool { return slices.Contains(o.report.Silent, e.name) })
}

// notice tells of an engine.
func (f *fleet) notice(e *engineView, kind model.EventKind, id, why string) {
	c := f.controller
	c.env.Emit(model.Event{Kind: kind, Peer: e.name, Term: c.status.Term, Detail: why})
	c.log(id, e.name, why)
}

// expect begins the time of a new leader, and gives every engine of an elastic group that a new leader has not heard yet its time to report: one that died
// with the old leader must be found dead too.
func (f *fleet) expect() {
	c := f.controller
	f.placing.since = c.env.Now()
	f.summons = c.env.Now() + 2*c.cfg.Timers.SEHeartbeat.Std() // they report by themselves
	for _, entry := range c.machine.List(config.KindServiceEngine) {
		o := entry.Object.(*config.ServiceEngine)
		if f.engine(o.Name) != nil || !f.elastic(o.GroupRef) && o.CloudRef == "" || !o.Management.IsValid() {
			continue
		}
		e := f.meet(o.Name, o.GroupRef)
		e.heard, e.address, e.report = c.env.Now(), o.Management, &wire.EngineReport{Engine: o.Name, Group: o.GroupRef}
	}
}

func (f *fleet) elastic(group string) bool {
	entry, ok := f.controller.machine.Get(config.Key{Kind: config.KindServiceEngineGroup, Name: group})
	return ok && entry.Object.(*config.ServiceEngineGroup).HAMode.Elastic()
}
