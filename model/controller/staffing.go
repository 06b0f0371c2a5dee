package controller

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"firedrill/model/config"
	"firedrill/model/placement"
	"firedrill/model/wire"
)

// staffing is what this leader does about the engines of one group that the plan wants or does not want.
type staffing struct {
	intents  []string // names of engines that were proposed
	proposed time.Duration
	failures int           // attempts in a row
	next     time.Duration // no attempt before
}

// slowDown puts the next attempt off: from two heartbeats on it takes twice as long each time.
func (p *placedGroup) slowDown(c *Controller) {
	wait := min(2*c.cfg.Timers.SEHeartbeat.Std()<<min(p.staffing.failures, 20), c.cfg.Timers.MaxSESpawnDelay.Std())
	p.staffing.failures++
	p.staffing.next = c.env.Now() + wait
}

// underWay tells whether intents were proposed that have not come into the configuration, and may yet.
func (p *placedGroup) underWay(c *Controller) bool {
	p.staffing.intents = slices.DeleteFunc(p.staffing.intents, func(name string) bool {
		_, ok := c.machine.Get(engineKey(name))
		return ok
	})
	if c.env.Now()-p.staffing.proposed >= c.patience() {
		p.staffing.intents = nil
	}
	return len(p.staffing.intents) > 0
}

// staff carries out what a plan says about engines: it writes the intents, which the connector follows.
func (f *fleet) staff(g *config.ServiceEngineGroup, view *placedGroup, plan *placement.Plan) {
	c := f.controller
	k := c.clouds.connector(g.CloudRef)
	if k == nil || k.inventory == nil {
		if len(plan.Create)+len(plan.Delete) > 0 {
			view.idle, view.planned = true, 0
		}
		return
	}
	for _, d := range plan.Delete {
		if g.HAMode.Elastic() && f.busy(d.Engine) {
			view.idle, view.planned = true, 0
			continue
		}
		if entry, ok := c.machine.Get(engineKey(d.Engine)); ok && entry.Object.(*config.ServiceEngine).State != config.EngineDeleting {
			k.doom(entry.Object.(*config.ServiceEngine), c.event(EventSEDeleting, d.Engine, d.Why.String()))
		}
	}
	if len(plan.Create) == 0 {
		return
	}
	if !f.listened(view.since) || c.env.Now() < view.staffing.next {
		view.idle, view.planned = true, 0
		return
	}
	for _, create := range plan.Create {
		f.intend(g, view, create.Host, create.Why.String())
	}
	view.later, view.planned = true, 0
}

// busy tells whether an engine of an elastic group still serves what a plan has taken from it: until the move is made, and
// until its flows have ended.
func (f *fleet) busy(engine string) bool {
	e := f.engine(engine)
	return e != nil && e.met && !e.down && (len(e.report.Units) > 0 || len(f.serves(e)) > 0)
}

// defaultPrefix begins the names of engines of a group that says nothing (se_name_prefix).
const defaultPrefix = "Avi"

// intend writes that an engine is to be made. Its name has the place in the log where it may come to stand, or a later
// one: a number that only grows, so that no name is used twice.
func (f *fleet) intend(g *config.ServiceEngineGroup, view *placedGroup, host, why string) {
	c := f.controller
	n := c.machine.Index() + 1 + uint64(len(view.staffing.intents))
	e := &config.ServiceEngine{
		Name: fmt.Sprintf("%s-se-%d", cmp.Or(g.NamePrefix, defaultPrefix), n), GroupRef: g.Name, Host: host, CloudRef: g.CloudRef, State: config.EngineCreating,
	}
	if host != "" {
		why += "; on " + host
	}
	view.staffing.intents, view.staffing.proposed = append(view.staffing.intents, e.Name), c.env.Now()
	r := &wire.Request{Operation: wire.Operation_CREATE, Kind: string(config.KindServiceEngine), Name: e.Name, Body: config.Encode(e)}
	_ = c.propose(session{}, encodeNoted(r, c.event(EventSECreating, e.Name, why)))
}

// access is what may be done in a group's cloud: one that refuses its credentials gives no access.
func (f *fleet) access(g *config.ServiceEngineGroup) config.CloudAccess {
	if k := f.controller.clouds.connector(g.CloudRef); k != nil && k.refused == "" {
		return config.WriteAccess
	}
	return config.NoAccess
}

// markCloud notes that the placement of all groups of a cloud may have to be another one.
func (f *fleet) markCloud(cloud string) {
	for _, entry := range f.controller.machine.List(config.KindServiceEngineGroup) {
		if g := entry.Object.(*config.ServiceEngineGroup); g.CloudRef == cloud {
			f.mark(g.Name)
		}
	}
}

// hosts are those of a group's cloud.
func (f *fleet) hosts(g *config.ServiceEngineGroup) []placement.Host {
	k := f.controller.clouds.connector(g.CloudRef)
	if k == nil {
		return nil
	}
	var out []placement.Host
	for _, h := range k.inventory.GetHosts() {
		out = append(out, placement.Host{Name: h.Name, Rack: h.Rack, Down: h.Down, Full: h.Free == 0, Maintenance: h.Maintenance})
	}
	return out
}

// failedLately tells whether an engine is to get nothing for a while, because it has failed.
func (f *fleet) failedLately(name string) bool {
	e := f.engine(name)
	return e != nil && e.flawed
}

// beat looks at what only time changes.
func (f *fleet) beat() {
	c := f.controller
	for _, e := range f.engines {
		if e.flawed && c.env.Now()-e.failed >= c.cfg.Timers.SEFailoverInterval.Std() {
			e.flawed = false
			f.mark(e.group)
		}
	}
	for _, g := range f.placing.groups {
		if g.idle {
			g.idle = false
			f.mark(g.name)
		}
	}
	f.evacuate()
	f.summon()
}

// suspect asks engines whether they live that a cloud calls dead. Its word alone moves nothing: it may be late or wrong,
// and an engine that answers stays. What it gains is time ("Service Engine Failure Detection").
func (f *fleet) suspect(k *connector) {
	for _, object := range k.engines() {
		e := f.engine(object.Name)
		if e == nil || e.down || e.question.open || !e.met || f.controller.upgrade.out(e.name) {
			continue
		}
		why := ""
		x := k.instance(object.Name)
		switch host := hostOf(k.inventory, object.Host); {
		case host != nil && host.Down:
			why = k.cloud.Name + " reports its host " + host.Name + " as down"
		case x == nil || x.State == "missing" || x.State == "stopped" || x.State == "failed":
			why = k.cloud.Name + " reports that it does not run"
		default:
			continue
		}
		e.question = question{open: true, since: f.controller.env.Now(), why: why}
		f.ask(e)
	}
}

// forget drops the views of engines that the configuration does not know any more. One that an operator made, and that
// lives, is about to be written into it.
func (f *fleet) forget() {
	gone := func(e *engineView) bool {
		return !f.known(e.name) && (e.down || e.report != nil && e.report.Cloud != "")
	}
	f.engines = slices.DeleteFunc(f.engines, gone)
	for _, g := range f.groups {
		g.engines = slices.DeleteFunc(g.engines, gone)
	}
}

// warn writes each warning of a plan into the event log once.
func (f *fleet) warn(view *placedGroup, plan *placement.Plan) {
	var now []string
	for _, w := range plan.Warnings {
		text := w.Why.String()
		about := w.Group
		if w.Service != "" {
			about = w.Service
		}
		now = append(now, about+": "+text)
		if !slices.Contains(view.warned, about+": "+text) {
			f.controller.log(EventGroupWarning, about, text)
		}
	}
	view.warned = now
}

// warnings are those of all groups, for the status.
func (f *fleet) warnings() []string {
	var out []string
	for _, g := range f.placing.groups {
		out = append(out, g.warned...)
	}
	for _, k := range f.controller.clouds.connectors {
		if k.refused != "" {
			out = append(out, k.cloud.Name+": "+k.refused)
		}
		if k.away {
			out = append(out, k.cloud.Name+": the cloud does not answer")
		}
	}
	slices.SortFunc(out, strings.Compare)
	return out
}
