package consensus

import (
	"net/netip"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Tick moves raft's clock. Call Ready after each, as after each Step.
func (r *Replica) Tick() {
	if !r.tooSoon() {
		r.lease.ticks++
		r.node.Tick()
	}
	for to := range r.snapshots { // each receiver by itself, so the order does not matter
		if r.snapshots[to]--; r.snapshots[to] <= 0 {
			delete(r.snapshots, to)
			r.node.ReportSnapshot(to, raft.SnapshotFailure) // lost on the way, or long arrived: raft tells which
		}
	}
}

// Step takes a message of another replica that came from an address. What is damaged, not for this node, or of a
// kind that replicas do not send each other is dropped, as the network might have done. A node that is no member
// is answered where raft answers it: it may be one by the time that this node has heard of it.
func (r *Replica) Step(from netip.Addr, msg []byte) {
	m := new(pb.Message)
	if proto.Unmarshal(msg, m) != nil || m.GetTo() != r.cfg.ID || !sentByPeers(m) {
		return
	}
	r.routes.heard(m.GetFrom(), from)
	if r.admits(m) {
		_ = r.node.Step(m) // it refuses what is of no use now
	}
}

// sentByPeers tells whether a message is of a kind that this package lets out. Commands, reads and transfers are
// not forwarded: they begin at the leader.
func sentByPeers(m *pb.Message) bool {
	if m.GetFrom() == raft.None || m.GetFrom() == m.GetTo() || m.GetTerm() == 0 {
		return false
	}
	switch m.GetType() {
	case pb.MsgApp, pb.MsgAppResp, pb.MsgVote, pb.MsgVoteResp, pb.MsgPreVote, pb.MsgPreVoteResp, pb.MsgSnap,
		pb.MsgHeartbeat, pb.MsgHeartbeatResp, pb.MsgTimeoutNow:
		return true
	}
	return false
}
