package controller

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/wire"
)

// The states of a node, in the order in which a reboot passes through them ("Cluster Changes Following Avi
// Controller Reboot").
const (
	StateNotResponsive = "Not Responsive"
	StateRestoring     = "Restoring"                   // reads its disk; no leader has been heard
	StateWaiting       = "Waiting for Service Engines" // the engines have not reported yet
	StateCopying       = "Copying DB from leader"      // what the leader has applied is not applied here yet
	StateReady         = "Ready"
)

// nodes is what this controller knows of itself and of the others by their reports: soft state, on every node, so
// that an isolated one can tell what it sees too.
type nodes struct {
	c       *Controller
	peers   []*peerView // by raft ID
	state   string      // of this node
	since   time.Duration
	target  uint64          // what the leader had applied when this node first heard it in this life
	engines map[string]bool // that have reported to this node
}

// peerView is another controller as last heard.
type peerView struct {
	id     uint64
	report *wire.NodeReport
	heard  time.Duration
	rtt    rttFilter
	far    bool          // the event log has been told that its round trip is too long
	quiet  time.Duration // until when nothing more is said of it in the event log
}

// begin starts the life of a node.
func (n *nodes) begin() {
	n.state, n.since = StateRestoring, n.c.env.Now()
	n.engines = make(map[string]bool)
}

// heard takes a report and learns the round-trip time from what it echoes.
func (n *nodes) heard(r *wire.NodeReport) {
	p, now := n.view(r.Id), n.c.env.Now()
	if r.EchoNs != 0 && r.State == StateReady {
		p.rtt.add(now - time.Duration(r.EchoNs) - time.Duration(r.HeldNs))
	}
	p.report, p.heard = r, now
	if n.target == 0 && r.Id == n.c.status.Leader {
		n.target = r.Applied
	}
}

// view returns what is known of a controller; of one that was never heard, as if it had been heard just now.
func (n *nodes) view(id uint64) *peerView {
	i, found := slices.BinarySearchFunc(n.peers, id, func(p *peerView, id uint64) int { return cmp.Compare(p.id, id) })
	if !found {
		p := &peerView{id: id, heard: n.c.env.Now(), report: &wire.NodeReport{Id: id, State: StateRestoring}}
		n.peers = slices.Insert(n.peers, i, p)
	}
	return n.peers[i]
}

// patience is how long a silent controller counts as there ("High Availability for Avi Controllers").
func (c *Controller) patience() time.Duration {
	return time.Duration(c.cfg.Timers.ControllerFailedHeartbeats) * c.cfg.Timers.ControllerHeartbeat.Std()
}

// responsive tells whether a member is this node or has been heard lately.
func (n *nodes) responsive(id uint64) bool {
	return id == n.c.id || n.c.env.Now()-n.view(id).heard <= n.c.patience()
}

// stateOf is the state of a member as this node sees it.
func (n *nodes) stateOf(id uint64) string {
	switch {
	case id == n.c.id:
		return n.state
	case !n.responsive(id):
		return StateNotResponsive
	}
	return n.view(id).report.State
}

// beat moves this node's own state on and tells the others.
func (n *nodes) beat() {
	n.advance()
	now := n.c.env.Now()
	for _, m := range n.c.members() {
		if m.ID == n.c.id {
			continue
		}
		p := n.view(m.ID)
		r := &wire.NodeReport{Id: n.c.id, Cluster: n.c.identity.Cluster, Name: n.c.name(), Version: n.c.cfg.Version, State: n.state,
			Applied: n.c.replica.Status().Applied, SentNs: uint64(now), EchoNs: p.report.SentNs, HeldNs: uint64(now - p.heard)}
		n.c.env.Send(m.Address, n.c.voice.Encode(m.Address, &wire.Envelope_NodeReport{NodeReport: r}))
	}
	if n.c.ready {
		n.watch()
		n.c.noteCollectors()
	}
}

// advance follows this node through a reboot: each state lasts until what it waits for is there.
func (n *nodes) advance() {
	s := n.c.status
	for {
		next := n.state
		switch n.state {
		case StateRestoring:
			if s.Leader != 0 {
				next = StateWaiting
			}
		case StateWaiting:
			if n.enginesHeard() || n.c.env.Now()-n.since > n.enginePatience() {
				next = StateCopying
			}
		case StateCopying:
			if leads(s) && n.c.ready || !leads(s) && n.target > 0 && n.c.replica.Status().Applied >= n.target {
				next = StateReady
			}
		}
		if next == n.state {
			return
		}
		n.state, n.since = next, n.c.env.Now()
		n.c.env.Emit(model.Event{Kind: model.EventNodeState, Unit: n.state, Term: s.Term})
	}
}

func (n *nodes) enginePatience() time.Duration {
	return time.Duration(n.c.cfg.Timers.SEFailedHeartbeats) * n.c.cfg.Timers.SEHeartbeat.Std()
}

// enginesHeard tells whether every engine of the configuration has reported to this node.
func (n *nodes) enginesHeard() bool {
	for _, e := range n.c.machine.List(config.KindServiceEngine) {
		if !n.engines[e.Key.Name] {
			return false
		}
	}
	return true
}

// watch lets the leader write into the event log who left, who is back, and who is far away.
func (n *nodes) watch() {
	now := n.c.env.Now()
	for _, m := range n.c.members() {
		p, gone := n.view(m.ID), n.c.machine.events.gone[m.Name]
		if now < p.quiet {
			continue // what was proposed lately has not been applied yet
		}
		switch {
		case !gone && !n.responsive(m.ID):
			p.quiet = now + n.c.patience()
			n.c.log(EventNodeLeft, m.Name, "no heartbeat for "+n.c.patience().String())
		case gone && n.stateOf(m.ID) == StateReady:
			p.quiet = now + n.c.patience()
			n.c.log(EventNodeJoined, m.Name, "")
		}
		n.judgeLatency(m.Name, p)
	}
}

// judgeLatency warns of a controller that is too far away ("Clustering Avi Controllers That Are in Different Networks").
func (n *nodes) judgeLatency(name string, p *peerView) {
	rtt, known := p.rtt.least()
	limit := n.c.cfg.Timers.LatencyWarning.Std()
	if !known || limit == 0 || p.far == (rtt > limit) {
		return
	}
	p.far = rtt > limit
	id := EventLatencyNormal
	if p.far {
		id = EventLatencyHigh
	}
	n.c.log(id, name, fmt.Sprintf("round trip of %v, warning above %v", rtt.Round(time.Microsecond), limit))
}

// slept says that this node was frozen: the others were not silent for that long, it did not listen.
func (n *nodes) slept(gap time.Duration) {
	for _, p := range n.peers {
		p.heard += gap
	}
}

// rttFilter keeps the last round trips. The least of them is the distance; the others waited for somebody's disk.
type rttFilter struct {
	last [16]time.Duration
	n    int
}

func (f *rttFilter) add(rtt time.Duration) {
	f.last[f.n%len(f.last)] = rtt
	f.n++
}

// least is known once the filter is full.
func (f *rttFilter) least() (time.Duration, bool) {
	if f.n < len(f.last) {
		return 0, false
	}
	return slices.Min(f.last[:]), true
}
