// Package controller is the control-plane node: it replicates the configuration, answers the API, and, while
// it leads, feeds the service engines.
package controller

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"firedrill/model"
	"firedrill/model/analytics"
	"firedrill/model/config"
	"firedrill/model/consensus"
	"firedrill/model/release"
	"firedrill/model/wire"
)

// Config is what a controller is installed with.
type Config struct {
	Name    string     // of this node
	Address netip.Addr // on the management network
	// Bootstrap lists the first members of the cluster, this node among them, in an order that all of them share. It
	// counts at the very first start only. Empty: the node starts as a cluster of one, at factory default, and may be
	// asked to join another.
	Bootstrap []Peer
	ClusterIP netip.Addr // of a bootstrapped cluster; unset: none
	Secret    string     // of the cluster; who does not know it cannot add this node
	Version   string     // of the build; members of one cluster run the same, but while it is upgraded
	Images    []string   // versions of the builds on this machine, with which the node could be restarted
	Token     string     // that callers of the REST API must show; "": none
	// BackupWorkFactor is scrypt's, as a power of two; 0: the package's default.
	BackupWorkFactor int
	Timers           config.Timers
}

// Peer is one controller.
type Peer struct {
	Name    string
	Address netip.Addr
}

// Controller is a [model.Node].
type Controller struct {
	cfg      Config
	env      model.Env
	identity identity
	id       uint64 // raft's
	replica  *consensus.Replica
	machine  *machine
	status   consensus.Status
	broken   bool // the disk failed: nothing this node says can be relied on

	ready    bool          // leads, is done with its warm start, and has applied all that was ever committed
	warm     bool          // leads and is done with its warm start
	ticked   time.Duration // when the clock last ticked; tells a long sleep
	overload overload
	beats    int // ticks since the last heartbeat
	writes   map[session]reply
	reads    map[uint64]func(ok bool) // linearizable reads under way
	lastRead uint64
	lastOnce uint64

	routes     []route
	forwards   forwards
	nodes      nodes
	clusterIP  clusterIP
	voice      wire.Voice
	format     release.Format // that this leader writes
	upgrade    upgrading
	trial      *trial          // nil: none is under way
	joined     map[uint64]bool // nodes that have agreed to join, by the raft ID given to them
	recovering bool            // the configuration is being told of a manual recovery
	resetDue   bool            // this node was removed from its cluster, and is not needed there
	removedAt  time.Duration   // when a node that knows of its removal goes, even if nobody tells it so; 0: it knows of none
	fleet      fleet
	clouds     clouds
	backups    backups
	store      *analytics.Store
	readings   readings
}

const (
	timerTick model.TimerID = iota + 1
	timerWarm
	timerClusterIP
)

// ticksPerHeartbeat is how finely raft's clock runs. Elections start on a tick: two followers that draw the same one
// split the vote and cost another round, so there must be many to draw from.
const ticksPerHeartbeat = 10

// New returns a controller that has not started.
func New(cfg Config) *Controller {
	return &Controller{cfg: cfg, routes: routes(), voice: wire.NewVoice(release.FormatOf(cfg.Version))}
}

// Start implements [model.Node]: what the disk holds is read back; the rest comes from the leader.
func (c *Controller) Start(env model.Env) {
	c.env = c.voice.Through(env)
	c.ticked, c.overload.due = env.Now(), env.Now()
	if err := c.wake(); err != nil {
		c.fail(err)
		return
	}
	c.env.SetTimer(timerTick, c.tick())
}

// wake finds out who this node is, and becomes that.
func (c *Controller) wake() error {
	id, known, err := loadIdentity(c.env.Disk())
	if err != nil {
		return err
	}
	if !known {
		id = c.newborn()
		if id.Cluster != "" {
			c.env.Emit(model.Event{Kind: model.EventIdentity, Unit: id.Cluster, Detail: "at factory default"})
		}
		if err := id.save(c.env.Disk()); err != nil {
			return err
		}
	}
	if id, err = id.settle(c.env.Disk()); err != nil {
		return err
	}
	return c.open(id)
}

// open begins a life as a member. All that was soft state is new.
func (c *Controller) open(id identity) error {
	c.identity, c.id = id, id.ID
	c.machine = newMachine(release.FormatOf(c.cfg.Version))
	c.writes = make(map[session]reply)
	c.reads = make(map[uint64]func(bool))
	c.forwards = forwards{last: c.env.Rand().Uint64() >> 16, pending: make(map[uint64]*forwarded)}
	c.upgrade.begin(c)
	c.joined = make(map[uint64]bool)
	c.ready, c.warm, c.trial, c.recovering, c.resetDue, c.removedAt = false, false, nil, false, false, 0
	c.fleet = fleet{controller: c}
	c.clouds = clouds{c: c}
	c.store = analytics.NewStore(c.name())
	c.readings = readings{last: c.env.Rand().Uint64() >> 16, pending: make(map[uint64]*reading)}
	c.clusterIP.c = c
	c.nodes = nodes{c: c}
	replica, err := consensus.Open(c.consensusConfig(id), c.env.Disk(), c.machine)
	if err != nil {
		return err
	}
	c.replica = replica
	c.status = replica.Status()
	if c.status.Applied > 0 {
		c.tellRestored(c.status.Applied)
	}
	c.takeAddress()
	if c.status.Term > 0 {
		c.tellVote()
	}
	c.nodes.begin()
	if members := c.members(); len(members) == 1 && members[0].ID == c.id {
		c.replica.Campaign() // there is nobody to wait for
	}
	c.pump()
	return nil
}

func (c *Controller) consensusConfig(id identity) consensus.Config {
	return consensus.Config{
		ID:             id.ID,
		Members:        c.firstMembers(id),
		HeartbeatTicks: ticksPerHeartbeat,
		ElectionTicks:  ticksPerHeartbeat * c.cfg.Timers.ControllerFailedHeartbeats,
		SnapshotEvery:  uint64(c.cfg.Timers.SnapshotEvery),
		Format:         byte(release.FormatOf(c.cfg.Version)),
		TickInterval:   c.tick(),
		DriftPPM:       clockDriftPPM,
		Now:            c.env.Now,
	}
}

// clockDriftPPM is how far a clock may run fast or slow for the leader's lease to hold, in parts per million. A bad
// crystal is off by 200.
const clockDriftPPM = 500

func (c *Controller) tick() time.Duration {
	return c.cfg.Timers.ControllerHeartbeat.Std() / ticksPerHeartbeat
}

// fail stops the controller: after a failed sync nobody knows what is on the disk, and to go on would be to acknowledge
// what may be gone. Where the disk refused, it begins anew with what can be read, again and again until the disk does
// its work. Where the disk gave back something else than was written, it has forgotten what it promised, and stays
// down: people have to put a fresh node in its place.
func (c *Controller) fail(err error) {
	c.broken = true
	if c.clusterIP.held.IsValid() {
		c.env.RemoveAddress(c.clusterIP.held)
	}
	kind := model.EventDiskError
	if errors.Is(err, consensus.ErrNewer) {
		kind = model.EventRefused
	}
	c.env.Emit(model.Event{Kind: kind, Detail: err.Error()})
	if model.Passing(err) {
		c.env.Restart("")
	}
}

// Receive implements [model.Node].
func (c *Controller) Receive(from netip.Addr, msg []byte) {
	if c.broken {
		return
	}
	body, err := c.voice.Decode(from, msg)
	if err != nil {
		c.refuse(from, err)
		return
	}
	c.noticeSleep()
	switch b := body.(type) {
	case *wire.Envelope_Raft:
		c.replica.Step(from, b.Raft)
	case *wire.Envelope_Request:
		c.serve(from, b.Request)
	case *wire.Envelope_HttpRequest:
		c.serveHTTP(from, b.HttpRequest)
	case *wire.Envelope_HttpResponse:
		c.forwardDone(b.HttpResponse)
	case *wire.Envelope_EngineReport:
		c.nodes.engines[b.EngineReport.Engine] = true
		c.fleet.heard(from, b.EngineReport)
	case *wire.Envelope_CloudResponse:
		c.clouds.answered(from, b.CloudResponse)
	case *wire.Envelope_CloudReport:
		c.clouds.reported(from, b.CloudReport)
	case *wire.Envelope_NodeReport:
		c.nodeReported(from, b.NodeReport)
	case *wire.Envelope_JoinRequest:
		c.joinAsked(from, b.JoinRequest)
	case *wire.Envelope_JoinResponse:
		c.joinAnswered(from, b.JoinResponse)
	case *wire.Envelope_Metrics:
		c.env.Send(from, wire.Encode(&wire.Envelope_MetricsAck{MetricsAck: c.store.Heard(from, b.Metrics)}))
		return // nothing of this is replicated
	case *wire.Envelope_MetricsQuery:
		c.env.Send(from, wire.Encode(&wire.Envelope_MetricsAnswer{MetricsAnswer: c.store.Answer(b.MetricsQuery)}))
		return
	case *wire.Envelope_MetricsAnswer:
		c.metricsAnswered(b.MetricsAnswer)
	case *wire.Envelope_UpgradeOrder:
		c.ordered(from, b.UpgradeOrder)
	case *wire.Envelope_UpgradeAnswer:
		c.upgrade.answered(b.UpgradeAnswer)
	case *wire.Envelope_RemovedNotice:
		c.resetDue = c.resetDue || b.RemovedNotice.Id == c.id && b.RemovedNotice.Cluster == c.identity.Cluster
	}
	if !c.broken {
		c.keepUp()
		c.pump()
	}
}

// nodeReported takes a report of another member. One that was a member of this cluster, and does not know that it is
// none any more, is told so.
func (c *Controller) nodeReported(from netip.Addr, r *wire.NodeReport) {
	switch _, member := c.member(r.Id); {
	case r.Cluster != c.identity.Cluster: // a node at the address of a member may be a new machine, and a cluster of its own
	case member:
		c.nodes.heard(r)
	case c.ready && r.Id < c.replica.NextID() && c.replica.Settled():
		c.env.Send(from, wire.Encode(&wire.Envelope_RemovedNotice{RemovedNotice: &wire.RemovedNotice{Id: r.Id, Cluster: r.Cluster}}))
	}
}

// Timer implements [model.Node].
func (c *Controller) Timer(id model.TimerID) {
	if c.broken {
		return
	}
	c.noticeSleep()
	switch id {
	case timerTick:
		c.onTick()
	case timerWarm:
		c.warm = leads(c.status)
	case timerClusterIP:
		c.clusterIP.announce()
	}
	if !c.broken {
		c.keepUp()
		c.pump()
	}
}

func (c *Controller) onTick() {
	c.ticked = c.env.Now()
	c.overload.ticked(c.ticked, c.cfg.Timers.ControllerHeartbeat.Std(), c.tick())
	c.env.SetTimer(timerTick, c.tick())
	if c.resetDue || c.removedAt > 0 && c.env.Now() >= c.removedAt {
		if err := c.reset(); err != nil {
			c.fail(err)
		}
		return
	}
	c.replica.Tick()
	c.fleet.tick()
	c.forgetForwards()
	c.trialDue()
	c.upgrade.trialDue()
	c.readingsDue()
	if c.beats++; c.beats >= ticksPerHeartbeat {
		c.beats = 0
		c.clouds.due = true
		c.fleet.beat()
		c.nodes.beat()
		c.reconcile()
		c.chooseFormat()
		c.upgrade.beat()
		c.settleRecovered()
		c.keepBackups()
	}
}

// noticeSleep tells time that this node was frozen from time that others were silent.
func (c *Controller) noticeSleep() {
	now := c.env.Now()
	if gap := now - c.ticked - 2*c.tick(); gap > 0 {
		c.ticked = now
		c.fleet.slept(gap)
		c.nodes.slept(gap)
		c.clusterIP.settle() // before anything else: the lease may have run out long ago
	}
}

// Checked implements [model.Node]; a controller checks nothing.
func (c *Controller) Checked(model.CheckID, bool) {}

// pump lets the replica do its work and acts on what comes of it.
func (c *Controller) pump() {
	out, err := c.replica.Ready()
	if err != nil {
		c.fail(err)
		return
	}
	if out.Changed {
		c.roleChanged()
		c.clusterIP.settle() // before the messages, among which may be a vote for another
	}
	for _, m := range out.Messages {
		c.env.Send(m.Address, c.voice.Encode(m.Address, &wire.Envelope_Raft{Raft: m.Data}))
	}
	if out.Restored > 0 {
		c.tellRestored(out.Restored)
	}
	for i := range out.Applied {
		c.applied(&out.Applied[i])
	}
	c.openAPI()
	c.clouds.step()
	c.upgrade.follow()
	c.fleet.place()
	c.fleet.push()
	for _, id := range out.Reads {
		c.readDone(id, true)
	}
	for _, id := range out.Lost {
		c.readDone(id, false)
	}
	if out.MembersChanged {
		c.membersChanged()
	}
	if out.Removed && c.removedAt == 0 {
		c.removedAt = c.env.Now() + c.patience() // the others may need this node yet to finish its removal
	}
	c.clusterIP.settle()
}

// tellRestored says that the state is that of a snapshot, of this node's own disk or of the leader.
func (c *Controller) tellRestored(index uint64) {
	c.env.Emit(model.Event{Kind: model.EventRestored, Unit: c.identity.Cluster, Index: index, State: c.machine.Hash()})
}

// openAPI lets a new leader answer once it knows everything that was committed before it.
func (c *Controller) openAPI() {
	if !c.warm || c.ready || !c.replica.Status().CaughtUp {
		return
	}
	c.ready = true
	c.upgrade.lead()
	c.chooseFormat()
	c.fleet.expect()
	c.noteCollectors()
	c.env.Emit(model.Event{Kind: model.EventReady, Unit: c.identity.Cluster, Term: c.status.Term})
	c.nodes.advance()
	c.log(EventLeaderElected, c.name(), fmt.Sprintf("term %d", c.status.Term))
	if _, known := c.machine.Get(clusterKey); !known {
		c.describeCluster()
	}
}

// describeCluster writes the cluster as it was installed into the configuration, once.
func (c *Controller) describeCluster() {
	cluster := config.Cluster{Name: clusterKey.Name}
	if c.identity.installed() {
		cluster.VirtualIP = c.cfg.ClusterIP
	}
	for _, m := range c.members() {
		cluster.Nodes = append(cluster.Nodes, config.ClusterNode{Name: m.Name, IP: m.Address})
	}
	_ = c.propose(c.once(), encodeCommand(&wire.Request{ // a leader that fails to leaves it to the next
		Operation: wire.Operation_CREATE, Kind: string(clusterKey.Kind), Name: clusterKey.Name, Body: config.Encode(&cluster),
	}))
}

// roleChanged follows elections. A deposed leader answers none of its writes: they may yet be committed, and
// the client will ask the next leader.
func (c *Controller) roleChanged() {
	was := c.status
	c.status = c.replica.Status()
	now := c.status
	if leads(was) && (!leads(now) || was.Term != now.Term) {
		c.ready, c.warm = false, false
		c.env.StopTimer(timerWarm)
		clear(c.writes)
		clear(c.joined)
	}
	if was.Term != now.Term || was.Vote != now.Vote {
		c.tellVote()
	}
	switch {
	case leads(now) && (!leads(was) || was.Term != now.Term):
		c.env.Emit(model.Event{Kind: model.EventLeader, Unit: c.identity.Cluster, Term: now.Term})
		c.fleet.reset()
		c.clouds = clouds{c: c, due: true}
		c.env.SetTimer(timerWarm, c.cfg.Timers.WarmStart.Std())
	case now.Role == consensus.PreCandidate && was.Role == consensus.Follower:
		c.env.Emit(model.Event{Kind: model.EventSuspected, Unit: c.identity.Cluster, Peer: c.nameOf(was.Leader), Term: now.Term})
	case !leads(now) && (leads(was) || now.Leader != was.Leader && now.Leader != 0):
		c.env.Emit(model.Event{Kind: model.EventFollower, Unit: c.identity.Cluster, Peer: c.nameOf(now.Leader), Term: now.Term})
	}
}

// tellVote says what this node has promised the candidates of its term, once it is on the disk.
func (c *Controller) tellVote() {
	whom := ""
	if v := c.status.Vote; v != 0 {
		whom = cmp.Or(c.nameOf(v), fmt.Sprintf("node %d", v))
	}
	c.env.Emit(model.Event{Kind: model.EventVoted, Unit: c.identity.Cluster, Peer: whom, Term: c.status.Term})
}

// membersChanged takes up the node's own address, where a change of the cluster gave it another.
func (c *Controller) membersChanged() {
	c.takeAddress()
	c.tellMembers()
}

// takeAddress takes up the address that the cluster knows this node by, also after a restart.
func (c *Controller) takeAddress() {
	if m, ok := c.member(c.id); ok && m.Address != c.cfg.Address {
		c.cfg.Address = m.Address
		c.env.AddAddress(m.Address)
		c.env.Announce(m.Address)
	}
}

// tellMembers says who votes at this place in the log, and who learns.
func (c *Controller) tellMembers() {
	var voters, learners []string
	for _, m := range c.members() {
		if m.Learner {
			learners = append(learners, m.Name)
		} else {
			voters = append(voters, m.Name)
		}
	}
	e := model.Event{Kind: model.EventMembers, Unit: strings.Join(voters, " "), Peer: c.identity.Cluster, Index: c.replica.Status().Applied}
	if learners != nil {
		e.Detail = "learning: " + strings.Join(learners, " ")
	}
	c.env.Emit(e)
}

func leads(s consensus.Status) bool { return s.Role == consensus.Leader }

func (c *Controller) members() []consensus.Member { return c.replica.Members() }

func (c *Controller) member(id uint64) (consensus.Member, bool) {
	members := c.members()
	i, found := slices.BinarySearchFunc(members, id, func(m consensus.Member, id uint64) int { return cmp.Compare(m.ID, id) })
	if !found {
		return consensus.Member{}, false
	}
	return members[i], true
}

func (c *Controller) name() string { return c.cfg.Name }

func (c *Controller) nameOf(id uint64) string {
	m, _ := c.member(id)
	return m.Name
}

func (c *Controller) addressOf(id uint64) netip.Addr {
	m, _ := c.member(id)
	return m.Address
}

func (c *Controller) leaderAddress() string {
	if a := c.addressOf(c.status.Leader); a.IsValid() {
		return a.String()
	}
	return ""
}

// onceName names a session that is used for one write.
func onceName(node string, term, n uint64) string { return fmt.Sprintf("once/%s/%d/%d", node, term, n) }

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
