package controller

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"firedrill/model/config"
	"firedrill/model/wire"
)

// stepEngines restarts the engines group by group, in each one at a time.
func (u *upgrading) stepEngines(next *config.Upgrade) (event, detail string) {
	u.syncEngines(next)
	for i := range next.Groups {
		if g := &next.Groups[i]; !u.groupDone(next, g) {
			return u.stepGroup(next, g)
		}
	}
	if next.BackWards() {
		next.State = config.RollbackControllers
		return "", ""
	}
	next.State, next.Why = config.UpgradeCompleted, ""
	return EventUpgradeCompleted, fmt.Sprintf("from %s to %s", next.From, next.To)
}

// syncEngines takes up engines that have come since the upgrade began, as a cloud creates them.
func (u *upgrading) syncEngines(next *config.Upgrade) {
	for _, entry := range u.c.machine.List(config.KindServiceEngine) {
		if next.Node(entry.Key.Name) == nil && u.answer(entry.Key.Name) != nil {
			next.Add(entry.Object.(*config.ServiceEngine).GroupRef, entry.Key.Name)
		} else if next.Node(entry.Key.Name) == nil {
			u.ask(entry.Key.Name)
		}
	}
}

// groupDone looks at every engine of a group, and tells whether none is left to restart. Only a group that does not run
// the target everywhere is asked.
func (u *upgrading) groupDone(next *config.Upgrade, g *config.UpgradeGroup) bool {
	g.Engines = slices.DeleteFunc(g.Engines, func(n config.UpgradeNode) bool { return u.gone(n.Name) })
	if !slices.ContainsFunc(g.Engines, func(n config.UpgradeNode) bool { return n.State != config.NodeDone && n.State != config.NodeFailed }) {
		return true
	}
	done := true
	for i := range g.Engines {
		n := &g.Engines[i]
		if n.State == config.NodeFailed {
			continue
		}
		u.ask(n.Name)
		switch a := u.answer(n.Name); {
		case a != nil && a.version == next.Target():
			n.State = config.NodeDone
		case next.BackWards() && u.c.fleet.lost(n.Name):
			n.State = config.NodeFailed // whoever brings it up again chooses its version
		default:
			done = false
		}
	}
	return done
}

// gone tells whether the configuration does not know an engine any more.
func (u *upgrading) gone(engine string) bool {
	_, known := u.c.machine.Get(config.Key{Kind: config.KindServiceEngine, Name: engine})
	return !known
}

// stepGroup drains the next engine of a group, and takes it out once nothing is served there, or nothing more can go.
func (u *upgrading) stepGroup(next *config.Upgrade, g *config.UpgradeGroup) (event, detail string) {
	n := u.draining(g)
	if n == nil {
		if n = u.nextEngine(g); n != nil && u.spares(g) {
			n.State = config.NodeDraining
		} else {
			u.waits = "for the engines of " + g.Name + " to be up, and its services to be on as many as they should"
		}
		return "", ""
	}
	a, e := u.answer(n.Name), u.c.fleet.engine(n.Name)
	if a == nil || e == nil || e.down {
		u.waits = "for " + n.Name + ", which is not heard" // lost for another reason: the rest of the group stays as it is
		return "", ""
	}
	if u.lostAnother(g, n) {
		n.State = config.NodeWaiting // it is needed
		return "", ""
	}
	u.yield(g, n, a)
	now, limit := u.c.env.Now(), u.c.cfg.Timers.UpgradeDrain.Std()
	if serves := u.c.fleet.serves(e); len(serves) > 0 {
		if u.empty = 0; now-u.since <= 2*limit {
			return "", ""
		}
		n.Disrupted = serves
		event, detail = EventUpgradeDisrupts, fmt.Sprintf("%s is restarted under %s, for which no other engine has room", n.Name, strings.Join(serves, ", "))
	} else if u.empty == 0 {
		u.empty = now
		return "", ""
	} else if now-u.empty < limit { // flows end, or are given up
		return "", ""
	}
	if !u.othersWell(g, n) {
		u.waits = "for the engines of " + g.Name + " to be up"
		return "", ""
	}
	u.takeOut(next, n, a)
	return event, detail
}

// lostAnother tells whether another engine of the group has died. One that is emptied would be of no use for as long.
func (u *upgrading) lostAnother(g *config.UpgradeGroup, n *config.UpgradeNode) bool {
	return slices.ContainsFunc(g.Engines, func(o config.UpgradeNode) bool {
		return o.Name != n.Name && o.State != config.NodeFailed && u.c.fleet.lost(o.Name)
	})
}

// spares tells whether a group can do without an engine: it is whole, or it is not going to be, with every engine there.
func (u *upgrading) spares(g *config.UpgradeGroup) bool {
	f := &u.c.fleet
	return f.allWell(g) && (f.whole(g) || u.c.env.Now()-u.since > u.c.cfg.Timers.UpgradeRestart.Std())
}

// draining is the engine of a group that is being emptied.
func (u *upgrading) draining(g *config.UpgradeGroup) *config.UpgradeNode {
	for i := range g.Engines {
		if g.Engines[i].State == config.NodeDraining {
			return &g.Engines[i]
		}
	}
	return nil
}

// nextEngine is the one that goes next: of a legacy pair the one that stands by, else the first.
func (u *upgrading) nextEngine(g *config.UpgradeGroup) *config.UpgradeNode {
	var first *config.UpgradeNode
	for i := range g.Engines {
		n := &g.Engines[i]
		e := u.c.fleet.engine(n.Name)
		if n.State != config.NodeWaiting || u.answer(n.Name) == nil || e == nil {
			continue
		}
		if !slices.ContainsFunc(e.report.Units, func(s *wire.UnitState) bool { return s.Active }) {
			return n
		}
		if first == nil {
			first = n
		}
	}
	return first
}

// yield lets an engine of a legacy pair hand what it serves to the other one.
func (u *upgrading) yield(g *config.UpgradeGroup, n *config.UpgradeNode, a *upgradeAnswer) {
	if u.c.fleet.elastic(g.Name) || !u.othersWell(g, n) {
		return
	}
	for i := range g.Engines {
		if other := &g.Engines[i]; other != n {
			u.order(n.Name, &wire.UpgradeOrder{Life: a.life, Yield: other.Name})
		}
	}
}

// othersWell tells whether all other engines of the group serve, or could.
func (u *upgrading) othersWell(g *config.UpgradeGroup, n *config.UpgradeNode) bool {
	for i := range g.Engines {
		if other := &g.Engines[i]; other != n && !u.c.fleet.well(other.Name) {
			return false
		}
	}
	return true
}

// engineWell tells whether an engine that has restarted is back in its place: it has reported since, runs the
// configuration of its group, and has had the time to be heard by the others.
func (u *upgrading) engineWell(name string, a *upgradeAnswer) bool {
	e := u.c.fleet.engine(name)
	if e == nil {
		return false
	}
	_, patience := u.c.fleet.heartbeats(e.group)
	settled := a.since + patience + 2*u.c.cfg.Timers.SEHeartbeat.Std()
	return e.heard > a.since && u.c.env.Now() >= settled && u.c.fleet.well(name)
}

// drains tells whether an engine is to be emptied for its upgrade, or is out for it.
func (u *upgrading) drains(engine string) bool {
	if !u.c.machine.upgrade.Active() {
		return false
	}
	n := u.c.machine.upgrade.Node(engine)
	return n != nil && (n.State == config.NodeDraining || n.State == config.NodeRestarting)
}

// out tells whether an engine restarts for its upgrade, so that its silence means nothing yet.
func (u *upgrading) out(engine string) bool {
	g := u.c.machine.upgrade
	return g.Active() && g.Out != nil && g.Out.Node == engine
}

// well tells whether the leader hears an engine, nobody doubts it, it runs the configuration of its group, and it hears
// all others that live.
func (f *fleet) well(name string) bool {
	e := f.engine(name)
	patience := time.Duration(f.controller.cfg.Timers.SEFailedHeartbeats) * f.controller.cfg.Timers.SEHeartbeat.Std()
	return e != nil && e.met && !e.down && !e.question.open && f.controller.env.Now()-e.heard <= patience &&
		e.report.ConfigIndex >= f.group(e.group).index && !slices.ContainsFunc(e.report.Silent, func(name string) bool { return !f.lost(name) })
}

// serves lists the services for which an engine is still needed: of a legacy pair those of the group while it is
// active, else those that are placed on it or whose address it holds.
func (f *fleet) serves(e *engineView) []string {
	active := func(address string) bool {
		return slices.ContainsFunc(e.report.Units, func(s *wire.UnitState) bool { return s.Active && s.Address == address })
	}
	p := f.placementOf(e.group)
	var out []string
	for _, entry := range f.controller.machine.List(config.KindVirtualService) {
		vs := entry.Object.(*config.VirtualService)
		if vs.SEGroupRef != e.group || vs.Disabled {
			continue
		}
		if active("") || active(vs.VIP.String()) || p != nil && slices.Contains(p.EnginesOf(vs.Name), e.name) {
			out = append(out, vs.Name)
		}
	}
	return out
}

func (f *fleet) placementOf(group string) *config.Placement {
	if entry, ok := f.controller.machine.Get(config.Key{Kind: config.KindPlacement, Name: group}); ok {
		return entry.Object.(*config.Placement)
	}
	return nil
}

// allWell tells whether all engines of a group are well but those that have failed.
func (f *fleet) allWell(g *config.UpgradeGroup) bool {
	return !slices.ContainsFunc(g.Engines, func(n config.UpgradeNode) bool {
		return n.State != config.NodeFailed && !f.well(n.Name)
	})
}

// whole tells whether every service of a group that is placed runs where it should, on as many engines as it should, one
// of which has its address.
func (f *fleet) whole(g *config.UpgradeGroup) bool {
	live := 0
	for i := range g.Engines {
		if f.well(g.Engines[i].Name) {
			live++
		}
	}
	p := f.placementOf(g.Name)
	if p == nil {
		return true
	}
	entry, _ := f.controller.machine.Get(config.Key{Kind: config.KindServiceEngineGroup, Name: g.Name})
	want := min(live, entry.Object.(*config.ServiceEngineGroup).WithDefaults().MinScaleoutPerVS)
	for _, s := range p.Services {
		if len(s.Engines) < want || !f.runs(s) {
			return false
		}
	}
	return true
}

// runs tells whether all engines of a service are ready for it, and one holds its address.
func (f *fleet) runs(s config.PlacedService) bool {
	entry, ok := f.controller.machine.Get(config.Key{Kind: config.KindVirtualService, Name: s.Service})
	if !ok {
		return true
	}
	vip, held := entry.Object.(*config.VirtualService).VIP.String(), false
	for _, name := range s.Engines {
		e := f.engine(name)
		if e == nil {
			return false
		}
		i := slices.IndexFunc(e.report.Units, func(u *wire.UnitState) bool { return u.Address == vip })
		if i < 0 {
			return false
		}
		held = held || e.report.Units[i].Active
	}
	return held
}
