package controller

import (
	"slices"
	"time"

	"firedrill/model/config"
	"firedrill/model/wire"
)

// question is what the leader wants to know of an engine whose peers do not hear it on the data network: whether it
// lives ("Service Engine Failure Detection": who notices reports, and the controller confirms before it moves services).
// A one-way loss between two engines must not kill a healthy one, so that only silence towards both counts.
type question struct {
	open         bool
	since, asked time.Duration
}

// doubt takes up whom an engine does not hear.
func (f *fleet) doubt(by *engineView) {
	now := f.controller.env.Now()
	for _, name := range by.report.Silent {
		e := f.engine(name)
		if e == nil || e.down || e.group != by.group || e.question.open || by.down || f.controller.upgrade.out(name) {
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
		case now-e.question.since > patience:
			f.dead(e, "its peers do not hear it, and it does not answer")
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
	return slices.ContainsFunc(f.engines, func(o *engineView) bool {
		return o != e && o.group == e.group && !o.down && now-o.heard <= recent && slices.Contains(o.report.Hears, e.name)
	})
}

// expect begins the time of a new leader, and gives every engine of an elastic group that a new leader has not heard yet its time to report: one that died
// with the old leader must be found dead too.
func (f *fleet) expect() {
	c := f.controller
	f.placing.since = c.env.Now()
	for _, entry := range c.machine.List(config.KindServiceEngine) {
		o := entry.Object.(*config.ServiceEngine)
		if f.engine(o.Name) != nil || !f.elastic(o.GroupRef) {
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
