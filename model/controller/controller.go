// Package controller is the control-plane node: it replicates the configuration, answers the API, and, while
// it leads, feeds the service engines.
package controller

import (
	"net/netip"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/consensus"
	"firedrill/model/wire"
)

// Config is what a controller is born with.
type Config struct {
	ID     uint64 // from 1; index into Peers plus one
	Peers  []Peer // all controllers of the cluster, this one included, in the order of their IDs
	Timers config.Timers
}

// Peer is one controller.
type Peer struct {
	Name    string
	Address netip.Addr
}

// Controller is a [model.Node].
type Controller struct {
	cfg     Config
	env     model.Env
	replica *consensus.Replica
	state   *config.State
	status  consensus.Status
	broken  bool // the disk failed: nothing this node says can be relied on

	ready   bool                   // leads, is done with its warm start, and has applied all that was ever committed
	warm    bool                   // leads and is done with its warm start
	writes  map[session]netip.Addr // writes under way, and whom to answer
	reads   map[uint64]pendingRead // linearizable reads under way
	lastReq uint64
	fleet   fleet
}

// session identifies a write: a client's sequence number.
type session struct {
	client   string
	sequence uint64
}

type pendingRead struct {
	from    netip.Addr
	request *wire.Request
}

const (
	timerTick model.TimerID = iota + 1
	timerWarm
)

// ticksPerHeartbeat is how finely raft's clock runs. Elections start on a tick: two followers that draw the same one
// split the vote and cost another round, so there must be many to draw from.
const ticksPerHeartbeat = 10

// New returns a controller that has not started.
func New(cfg Config) *Controller { return &Controller{cfg: cfg} }

// Start implements [model.Node]: what the disk holds is read back; the rest comes from the leader.
func (c *Controller) Start(env model.Env) {
	c.env = env
	c.state = config.NewState()
	c.writes = make(map[session]netip.Addr)
	c.reads = make(map[uint64]pendingRead)
	c.fleet.controller = c
	voters := make([]uint64, len(c.cfg.Peers))
	for i := range voters {
		voters[i] = uint64(i + 1)
	}
	replica, err := consensus.Open(consensus.Config{
		ID:             c.cfg.ID,
		Voters:         voters,
		HeartbeatTicks: ticksPerHeartbeat,
		ElectionTicks:  ticksPerHeartbeat * c.cfg.Timers.ControllerFailedHeartbeats,
	}, env.Disk(), machine{c.state})
	if err != nil {
		c.fail(err)
		return
	}
	c.replica = replica
	c.status = replica.Status()
	c.pump()
	c.env.SetTimer(timerTick, c.tick())
}

func (c *Controller) tick() time.Duration {
	return c.cfg.Timers.ControllerHeartbeat.Std() / ticksPerHeartbeat
}

// fail stops the controller for good: after a failed sync nobody knows what is on the disk, and to go on
// would be to acknowledge what may be gone.
func (c *Controller) fail(err error) {
	c.broken = true
	c.env.Emit(model.Event{Kind: model.EventDiskError, Detail: err.Error()})
}

// Receive implements [model.Node].
func (c *Controller) Receive(from netip.Addr, msg []byte) {
	if c.broken {
		return
	}
	body, err := wire.Decode(msg)
	if err != nil {
		return
	}
	switch b := body.(type) {
	case *wire.Envelope_Raft:
		c.replica.Step(b.Raft)
	case *wire.Envelope_Request:
		c.serve(from, b.Request)
	case *wire.Envelope_EngineReport:
		c.fleet.heard(from, b.EngineReport)
	}
	c.pump()
}

// Timer implements [model.Node].
func (c *Controller) Timer(id model.TimerID) {
	if c.broken {
		return
	}
	switch id {
	case timerTick:
		c.replica.Tick()
		c.fleet.tick()
		c.env.SetTimer(timerTick, c.tick())
	case timerWarm:
		c.warm = leads(c.status)
	}
	c.pump()
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
	for _, m := range out.Messages {
		c.env.Send(c.cfg.Peers[m.To-1].Address, wire.Encode(&wire.Envelope_Raft{Raft: m.Data}))
	}
	if out.Changed {
		c.roleChanged()
	}
	if out.Restored > 0 {
		c.env.Emit(model.Event{Kind: model.EventRestored, Index: out.Restored, State: c.state.Hash()})
	}
	for i := range out.Applied {
		c.applied(&out.Applied[i])
	}
	c.openAPI()
	c.fleet.push()
	for _, id := range out.Reads {
		c.answerRead(id)
	}
	for _, id := range out.Lost {
		c.refuseRead(id)
	}
}

// openAPI lets a new leader answer once it knows everything that was committed before it.
func (c *Controller) openAPI() {
	if c.warm && !c.ready && c.replica.Status().CaughtUp {
		c.ready = true
		c.env.Emit(model.Event{Kind: model.EventReady, Term: c.status.Term})
	}
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
	}
	switch {
	case leads(now) && (!leads(was) || was.Term != now.Term):
		c.env.Emit(model.Event{Kind: model.EventLeader, Term: now.Term})
		c.fleet.reset()
		c.env.SetTimer(timerWarm, c.cfg.Timers.WarmStart.Std())
	case now.Role == consensus.PreCandidate && was.Role == consensus.Follower:
		c.env.Emit(model.Event{Kind: model.EventSuspected, Peer: c.name(was.Leader), Term: now.Term})
	case !leads(now) && (leads(was) || now.Leader != was.Leader && now.Leader != 0):
		c.env.Emit(model.Event{Kind: model.EventFollower, Peer: c.name(now.Leader), Term: now.Term})
	}
}

func leads(s consensus.Status) bool { return s.Role == consensus.Leader }

func (c *Controller) name(id uint64) string {
	if id == 0 || id > uint64(len(c.cfg.Peers)) {
		return ""
	}
	return c.cfg.Peers[id-1].Name
}

func (c *Controller) leaderAddress() string {
	if id := c.status.Leader; id != 0 && id <= uint64(len(c.cfg.Peers)) {
		return c.cfg.Peers[id-1].Address.String()
	}
	return ""
}
