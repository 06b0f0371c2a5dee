package controller

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/consensus"
	"firedrill/model/wire"
)

// upgrading is this controller's part in upgrades. Whoever leads drives the one that is under way: with every heartbeat it
// takes the next step, which it writes through the log first ([config.Upgrade]), so that another leader goes on from
// there. What is here is soft.
type upgrading struct {
	c        *Controller
	life     uint64 // of this node: a number that no two lives share
	trial    *upgradeTrial
	answers  map[string]*upgradeAnswer // by node, as last heard
	told     uint64                    // version of the upgrade that was last told
	pending  uint64                    // version that a step was proposed to replace
	proposed time.Duration             // and when
	since    time.Duration             // when this leader first saw the upgrade where it is
	waits    string                    // what for, if no step can be taken
	empty    time.Duration             // since when the engine that drains serves nothing; 0: it does
}

// upgradeAnswer is what a node has told of itself.
type upgradeAnswer struct {
	version string
	life    uint64
	images  []string
	since   time.Duration // when this life was first heard
	heard   time.Duration
}

func (u *upgrading) begin(c *Controller) {
	*u = upgrading{c: c, life: c.forwards.last, answers: make(map[string]*upgradeAnswer)}
}

// lead forgets what an earlier leadership knew.
func (u *upgrading) lead() {
	u.told, u.pending = 0, 0
	clear(u.answers)
}

// ordered takes an order of the leader: to tell what this node is, or to restart with another build. An order is for one
// life, so that one which comes late, or twice, does nothing.
func (c *Controller) ordered(from netip.Addr, o *wire.UpgradeOrder) {
	if o.Cluster != c.identity.Cluster || o.Term < c.status.Term || leads(c.status) {
		return
	}
	if o.Version != "" && o.Life == c.upgrade.life && slices.Contains(c.cfg.Images, o.Version) {
		c.restart(o.Version)
		return
	}
	c.env.Send(from, wire.Encode(&wire.Envelope_UpgradeAnswer{UpgradeAnswer: &wire.UpgradeAnswer{
		Node: c.name(), Version: c.cfg.Version, Life: c.upgrade.life, Images: c.cfg.Images,
	}}))
}

// restart ends this process. Everything that it has promised is on the disk.
func (c *Controller) restart(version string) {
	c.broken = true
	c.env.Emit(model.Event{Kind: model.EventRestart, Unit: version})
	c.env.Restart(version)
}

// ask lets a node tell what it is, and orders it whatever else the order says.
func (u *upgrading) ask(node string) { u.order(node, &wire.UpgradeOrder{}) }

func (u *upgrading) order(node string, o *wire.UpgradeOrder) {
	c := u.c
	if node == c.name() {
		u.answered(&wire.UpgradeAnswer{Node: node, Version: c.cfg.Version, Life: u.life, Images: c.cfg.Images})
		return
	}
	o.Cluster, o.Term = c.identity.Cluster, c.status.Term
	if to := u.addressOf(node); to.IsValid() {
		c.env.Send(to, wire.Encode(&wire.Envelope_UpgradeOrder{UpgradeOrder: o}))
	}
}

func (u *upgrading) addressOf(node string) netip.Addr {
	for _, m := range u.c.members() {
		if m.Name == node {
			return m.Address
		}
	}
	if e := u.c.fleet.engine(node); e != nil {
		return e.address
	}
	return netip.Addr{}
}

// answered takes what a node tells of itself.
func (u *upgrading) answered(a *wire.UpgradeAnswer) {
	now := u.c.env.Now()
	was := u.answers[a.Node]
	if was == nil || was.life != a.Life {
		was = &upgradeAnswer{life: a.Life, since: now}
		u.answers[a.Node] = was
	}
	was.version, was.images, was.heard = a.Version, a.Images, now
	u.tried()
}

// answer is what a node has told lately, nil if it has not.
func (u *upgrading) answer(node string) *upgradeAnswer {
	if a := u.answers[node]; a != nil && u.c.env.Now()-a.heard <= u.c.patience() {
		return a
	}
	return nil
}

// follow tells of every step, once this leader has applied it.
func (u *upgrading) follow() {
	m := u.c.machine
	if m.upgradeAt == u.told || !u.c.ready {
		return
	}
	u.told, u.since, u.empty = m.upgradeAt, u.c.env.Now(), 0
	e := model.Event{Kind: model.EventUpgrade, Unit: string(m.upgrade.State), Term: u.c.status.Term, Index: m.upgradeAt, Detail: m.upgrade.Why}
	if m.upgrade.Out != nil {
		e.Peer = m.upgrade.Out.Node
	}
	u.c.env.Emit(e)
	for i := range m.upgrade.Groups {
		u.c.fleet.mark(m.upgrade.Groups[i].Name) // an engine may have to be emptied
	}
	u.c.chooseFormat()
}

// beat takes the next step, if there is one to take.
func (u *upgrading) beat() {
	c := u.c
	if c.chooseFormat(); !c.ready || !c.machine.upgrade.Active() {
		return
	}
	now, at := c.env.Now(), c.machine.upgradeAt
	if u.pending == at && now-u.proposed < c.patience() {
		return // what is under way may get lost
	}
	u.waits = ""
	next := c.machine.upgrade.Clone()
	event, detail := u.step(next)
	body := config.Encode(next)
	if string(body) == string(config.Encode(c.machine.upgrade)) {
		return
	}
	u.pending, u.proposed = at, now
	r := &wire.Request{Operation: wire.Operation_UPDATE, Kind: string(upgradeKey.Kind), Name: upgradeKey.Name, Version: at, Body: body}
	var note []byte
	if event != "" {
		note = c.event(event, upgradeKey.Name, detail)
	}
	_ = c.propose(session{}, encodeNoted(r, note)) // what cannot be proposed now is tried again
}

// step changes the upgrade to what it should be next, and says what is to be noted of that.
func (u *upgrading) step(next *config.Upgrade) (event, detail string) {
	if next.Out != nil {
		u.ask(next.Out.Node)
		return u.await(next)
	}
	switch next.State {
	case config.UpgradeControllers, config.RollbackControllers:
		return u.stepControllers(next)
	case config.UpgradeEngines, config.RollbackEngines:
		return u.stepEngines(next)
	case config.UpgradeAborting:
		next.Rest()
		next.State = config.UpgradeAborted
	}
	return "", ""
}

// await orders the node that is out to restart, and finds out what became of it.
func (u *upgrading) await(next *config.Upgrade) (event, detail string) {
	out, node, a := next.Out, next.Node(next.Out.Node), u.answer(next.Out.Node)
	late := u.c.env.Now()-u.since > u.c.cfg.Timers.UpgradeRestart.Std()
	switch {
	case a == nil && (u.c.clouds.lost(out.Node) || next.Engine(out.Node) && u.gone(out.Node)):
		next.Out = nil // the build is not to blame
		node.State, node.Tries = config.NodeWaiting, node.Tries-1
	case a == nil && !late:
	case a == nil:
		return u.failed(next, fmt.Sprintf("%s does not come back with %s", out.Node, out.Version))
	case a.life == out.Life && late:
		return u.failed(next, fmt.Sprintf("%s does not restart", out.Node))
	case a.life == out.Life && out.Node == u.c.name() && len(u.c.members()) > 1:
		next.Out = nil // it was elected before the order came
		node.State, node.Tries = config.NodeWaiting, node.Tries-1
	case a.life == out.Life:
		u.orderRestart(out)
	case a.version != out.Version && node.Tries < restartTries:
		next.Out, node.State = nil, config.NodeWaiting // it may have been killed before the order came
	case a.version != out.Version:
		return u.failed(next, fmt.Sprintf("%s came back with %s: the build of %s does not run there", out.Node, a.version, out.Version))
	case u.well(out.Node, a):
		next.Out, node.State = nil, config.NodeWaiting
		if a.version == next.Target() {
			node.State = config.NodeDone
		}
	case late:
		return u.failed(next, fmt.Sprintf("%s runs %s, and is not ready", out.Node, a.version))
	}
	return "", ""
}

// orderRestart sends the order, which only a leader does who cannot have been replaced.
func (u *upgrading) orderRestart(out *config.UpgradeOut) {
	c := u.c
	if until, ok := c.replica.LeaseUntil(); !ok || c.env.Now() >= until {
		return
	}
	if out.Node == c.name() {
		c.restart(out.Version)
		return
	}
	u.order(out.Node, &wire.UpgradeOrder{Version: out.Version, Life: out.Life})
}

// restartTries is how often a node is restarted that comes back with the build of before.
const restartTries = 2

// takeOut lets a node be restarted next.
func (u *upgrading) takeOut(next *config.Upgrade, node *config.UpgradeNode, a *upgradeAnswer) {
	node.State = config.NodeRestarting
	node.Tries++
	next.Out = &config.UpgradeOut{Node: node.Name, Version: next.Target(), Life: a.life}
}

// failed stops the upgrade, and the group that the node belongs to. On the way back others go on without it.
func (u *upgrading) failed(next *config.Upgrade, why string) (event, detail string) {
	name := next.Out.Node
	next.Node(name).State = config.NodeFailed
	next.Out = nil
	for i := range next.Groups {
		if g := &next.Groups[i]; g.Node(name) != nil {
			g.Why, why = why, "group "+g.Name+": "+why
		}
	}
	next.Why = why
	if next.State == config.UpgradeControllers || next.State == config.UpgradeEngines {
		next.State = config.UpgradeSuspended
	}
	return EventUpgradeSuspended, why
}

// well tells whether a node is back in its place after a restart.
func (u *upgrading) well(name string, a *upgradeAnswer) bool {
	c := u.c
	for _, m := range c.members() {
		if m.Name == name {
			return c.nodes.stateOf(m.ID) == StateReady && (m.ID == c.id || c.nodes.view(m.ID).heard > a.since)
		}
	}
	return u.engineWell(name, a)
}

// stepControllers restarts the controllers one by one, the leader last, when another that is done leads.
func (u *upgrading) stepControllers(next *config.Upgrade) (event, detail string) {
	c := u.c
	u.syncControllers(next)
	var self *config.UpgradeNode
	waiting, done := 0, uint64(0)
	for _, m := range c.members() {
		node := next.Node(m.Name)
		u.ask(m.Name)
		a := u.answer(m.Name)
		switch {
		case a != nil && a.version == next.Target():
			node.State = config.NodeDone
			if m.ID != c.id && done == 0 && c.env.Now()-a.since > 2*c.patience() { // earlier it may not stand for election yet
				done = m.ID
			}
		case node.State == config.NodeFailed:
		case m.ID == c.id:
			self = node
		default:
			if waiting++; waiting > 1 {
				continue
			}
			if a != nil && u.quorumStays() {
				u.takeOut(next, node, a)
			} else {
				u.waits = "for all controllers to be ready"
			}
		}
	}
	switch {
	case waiting > 0 || c.changeUnderWay() != "":
	case self == nil && next.BackWards():
		next.State = config.UpgradeRolledBack
		return EventUpgradeRolledBack, fmt.Sprintf("from %s to %s", next.To, next.From)
	case self == nil:
		next.State = config.UpgradeEngines
		return EventUpgradeEngines, fmt.Sprintf("every controller runs %s", next.To)
	case len(c.members()) == 1:
		u.takeOut(next, self, u.answers[self.Name])
	case u.quorumStays() && done != 0:
		u.handOver(done)
	}
	return "", ""
}

// quorumStays tells whether every member is ready, so that one may be restarted.
func (u *upgrading) quorumStays() bool {
	c := u.c
	return c.changeUnderWay() == "" && !slices.ContainsFunc(c.members(), func(m consensus.Member) bool { return c.nodes.stateOf(m.ID) != StateReady })
}

// syncControllers takes up members that have come or gone by a change that was under way when the upgrade began.
func (u *upgrading) syncControllers(next *config.Upgrade) {
	was := next.Controllers
	next.Controllers = nil
	for _, m := range u.c.members() {
		node := config.UpgradeNode{Name: m.Name, State: config.NodeWaiting}
		if i := slices.IndexFunc(was, func(n config.UpgradeNode) bool { return n.Name == m.Name }); i >= 0 {
			node = was[i]
		}
		next.Controllers = append(next.Controllers, node)
	}
	slices.SortFunc(next.Controllers, func(a, b config.UpgradeNode) int { return strings.Compare(a.Name, b.Name) })
}

// handOver lets a member lead that runs the new version.
func (u *upgrading) handOver(to uint64) {
	c := u.c
	m, _ := c.member(to)
	c.clusterIP.release()                        // before another may hold it
	if c.replica.TransferLeadership(to) == nil { // else the next beat tries again
		c.env.Emit(model.Event{Kind: model.EventHandover, Unit: c.identity.Cluster, Peer: m.Name, Term: c.status.Term})
	}
}
