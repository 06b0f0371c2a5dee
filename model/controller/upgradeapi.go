package controller

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"firedrill/model/config"
	"firedrill/model/release"
	"firedrill/model/wire"
)

// upgradeKey is the one object of its kind: the upgrade that is under way, or the last one.
var upgradeKey = config.Key{Kind: config.KindUpgrade, Name: "upgrade"}

// upgradeStatus is the answer of GET /api/upgrade.
type upgradeStatus struct {
	Version string          `json:"version"` // of the controller that leads
	Format  int             `json:"format"`  // in which it writes the log
	Upgrade *config.Upgrade `json:"upgrade,omitempty"`
	Waits   string          `json:"waits,omitempty"` // what for, if no step can be taken now
	Nodes   []upgradeSeen   `json:"nodes"`           // that the leader hears, by name
}

// upgradeSeen is a node and the build that it runs.
type upgradeSeen struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// getUpgrade tells how an upgrade stands, or stood. It is answered throughout.
func (a *call) getUpgrade() {
	a.fresh(func() {
		out := upgradeStatus{Version: a.c.cfg.Version, Format: int(a.c.format), Upgrade: a.c.machine.upgrade, Waits: a.c.upgrade.waits, Nodes: []upgradeSeen{}}
		for _, m := range a.c.members() {
			version := a.c.nodes.view(m.ID).report.Version
			if m.ID == a.c.id {
				version = a.c.cfg.Version
			}
			out.Nodes = append(out.Nodes, upgradeSeen{m.Name, version})
		}
		for _, e := range a.c.fleet.engines {
			if e.met && e.report.Build != "" { // engines of the first format do not tell
				out.Nodes = append(out.Nodes, upgradeSeen{e.name, e.report.Build})
			}
		}
		a.answer(200, a.c.machine.upgradeAt, out)
	})
}

// readOnlyBecause says why a client's change is refused.
func readOnlyBecause(u *config.Upgrade) string {
	return fmt.Sprintf("the platform is being upgraded from %s to %s (%s): the configuration is read-only until that has ended; see GET /api/upgrade", u.From, u.To, u.State)
}

// upgradeTrial is an upgrade that was asked for: before it is written, every node is asked whether it has the build.
type upgradeTrial struct {
	call    *call
	version string
	waiting []string // that have not answered
	due     time.Duration
}

// startUpgrade begins an upgrade, if every node is up and could be restarted with the version.
func (a *call) startUpgrade() {
	var order struct {
		Version string `json:"version"`
	}
	if refusal := a.c.refusal(); refusal != nil {
		a.refused(refusal)
		return
	}
	if err := json.Unmarshal(a.r.Body, &order); err != nil || order.Version == "" {
		a.fail(400, `the body must be {"version": "..."}`)
		return
	}
	if _, err := release.Parse(order.Version); err != nil {
		a.fail(400, "version: "+err.Error())
		return
	}
	t := a.c.upgrade.trial
	switch {
	case a.repeated():
		a.c.upgrade.write(a, a.c.machine.upgrade, "", "")
	case t != nil && a.r.IdempotencyKey != "" && t.call.session() == a.session():
		t.call = a
	case t != nil:
		a.fail(409, "one upgrade at a time: nodes are asked for their builds")
	default:
		a.c.upgrade.try(a, order.Version)
	}
}

// repeated tells whether the request was carried out already, and its answer was lost.
func (a *call) repeated() bool {
	return a.r.IdempotencyKey != "" && a.c.replica.Remembers(a.session().client)
}

// try refuses what cannot be, and asks every node for its builds.
func (u *upgrading) try(a *call, version string) {
	c := u.c
	if under := c.changeUnderWay(); under != "" {
		a.fail(409, "one change at a time: "+under)
		return
	}
	if c.machine.upgrade.Active() {
		a.fail(409, readOnlyBecause(c.machine.upgrade))
		return
	}
	if lacking := c.clouds.lacking(version); lacking != "" {
		a.fail(422, fmt.Sprintf("%s has no image of %s, which engines that it makes later would boot; add it there first", lacking, version))
		return
	}
	t := &upgradeTrial{call: a, version: version, due: c.env.Now() + c.patience() + c.cfg.Timers.APIAttempt.Std()}
	for _, m := range c.members() {
		if state := c.nodes.stateOf(m.ID); state != StateReady {
			a.fail(409, fmt.Sprintf("%s is not ready (%s): an upgrade restarts one controller at a time, and needs all of them up to keep the quorum", m.Name, state))
			return
		}
		t.waiting = append(t.waiting, m.Name)
	}
	for _, entry := range c.machine.List(config.KindServiceEngine) {
		if entry.Object.(*config.ServiceEngine).State == config.EngineDeleting {
			continue
		}
		if e := c.fleet.engine(entry.Key.Name); e == nil || !e.met || e.down {
			a.fail(409, fmt.Sprintf("%s is not heard; bring it up, or delete it, before an upgrade", entry.Key.Name))
			return
		}
		t.waiting = append(t.waiting, entry.Key.Name)
	}
	u.trial = t
	u.answers = make(map[string]*upgradeAnswer)
	for _, name := range slices.Clone(t.waiting) {
		u.ask(name)
	}
	u.tried()
}

// tried looks at what nodes have answered, and writes the upgrade once nobody is waited for.
func (u *upgrading) tried() {
	t := u.trial
	if t == nil {
		return
	}
	for _, name := range slices.Clone(t.waiting) {
		if a := u.answers[name]; a != nil {
			if problem := refuseUpgrade(name, a, t.version); problem != "" {
				u.trial = nil
				t.call.fail(422, problem)
				return
			}
			t.waiting = slices.DeleteFunc(t.waiting, func(n string) bool { return n == name })
		}
	}
	if len(t.waiting) > 0 {
		return
	}
	u.trial = nil
	if next := u.plan(t.version); next.From == "" {
		t.call.fail(409, "every node runs "+t.version+" already")
	} else {
		u.write(t.call, next, EventUpgradeStarted, fmt.Sprintf("from %s to %s", next.From, next.To))
	}
}

// refuseUpgrade says why a node cannot come to the version; "" if it can, or runs it already.
func refuseUpgrade(name string, a *upgradeAnswer, version string) string {
	if a.version == version {
		return ""
	}
	if err := release.CheckUpgrade(a.version, version); err != nil {
		return fmt.Sprintf("%s runs %s: %v", name, a.version, err)
	}
	if !slices.Contains(a.images, version) {
		return fmt.Sprintf("%s has no build of %s; install it there first", name, version)
	}
	return ""
}

// plan makes the upgrade of what there is. It leaves From empty if there is nothing to do.
func (u *upgrading) plan(version string) *config.Upgrade {
	out := &config.Upgrade{Name: upgradeKey.Name, State: config.UpgradeControllers, To: version}
	node := func(name string) config.UpgradeNode {
		if runs := u.answers[name].version; runs != version && (out.From == "" || older(runs, out.From)) {
			out.From = runs
		}
		return config.UpgradeNode{Name: name, State: config.NodeWaiting}
	}
	for _, m := range u.c.members() {
		out.Controllers = append(out.Controllers, node(m.Name))
	}
	for _, entry := range u.c.machine.List(config.KindServiceEngine) {
		if o := entry.Object.(*config.ServiceEngine); o.State != config.EngineDeleting {
			out.Add(o.GroupRef, node(entry.Key.Name).Name)
		}
	}
	return out
}

func older(a, b string) bool {
	x, errX := release.Parse(a)
	y, errY := release.Parse(b)
	return errX == nil && errY == nil && x.Compare(y) < 0
}

// trialDue gives up waiting for nodes that do not answer.
func (u *upgrading) trialDue() {
	t := u.trial
	switch {
	case t == nil:
	case !leads(u.c.status):
		u.trial = nil
		t.call.refused(u.c.unavailable("leadership was lost"))
	case u.c.env.Now() >= t.due:
		u.trial = nil
		t.call.fail(422, fmt.Sprintf("%s does not say which builds it has; nothing was started", t.waiting[0]))
	}
}

// write writes the upgrade at a client's wish, noted in the event log.
func (u *upgrading) write(a *call, next *config.Upgrade, event, detail string) {
	r := &wire.Request{Operation: wire.Operation_CREATE, Kind: string(upgradeKey.Kind), Name: upgradeKey.Name, Body: config.Encode(next)}
	if u.c.machine.upgrade != nil {
		r.Operation, r.Version = wire.Operation_UPDATE, u.c.machine.upgradeAt
	}
	u.c.write(a.session(), encodeNoted(r, u.c.event(event, upgradeKey.Name, detail)), func(response *wire.Response) {
		if !a.refused(response) {
			a.send(202, "application/json", response.Version, r.Body)
		}
	})
}

// rollBackUpgrade lets every node that was upgraded come back to the version before.
func (a *call) rollBackUpgrade() {
	a.redirect(func(next *config.Upgrade) string {
		if next.BackWards() || next.State == config.UpgradeAborting {
			return "it ends already: " + string(next.State)
		}
		next.State, next.Why = config.RollbackEngines, ""
		next.Wait()
		return ""
	}, EventUpgradeRollback)
}

// abortUpgrade ends an upgrade where it is. Nodes of both versions may go on side by side; the next upgrade goes on
// from there.
func (a *call) abortUpgrade() {
	a.redirect(func(next *config.Upgrade) string {
		if next.State == config.UpgradeAborting {
			return "it is being aborted"
		}
		next.State = config.UpgradeAborting
		return ""
	}, EventUpgradeAborted)
}

// redirect lets the upgrade that is under way take another way.
func (a *call) redirect(turn func(*config.Upgrade) (refusal string), event string) {
	if refusal := a.c.refusal(); refusal != nil {
		a.refused(refusal)
		return
	}
	u := a.c.machine.upgrade
	switch {
	case a.repeated():
		a.c.upgrade.write(a, u, event, "")
		return
	case !u.Active():
		a.fail(409, "no upgrade is under way")
		return
	}
	next := u.Clone()
	if refusal := turn(next); refusal != "" {
		a.fail(409, refusal)
		return
	}
	a.c.upgrade.write(a, next, event, fmt.Sprintf("from %s to %s", u.From, u.To))
}
