package consensus

import (
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// A leader that cannot do its work goes on leading as long as anything is heard of it. So it has to fall silent to be
// followed by another. A transfer of the leadership is quicker, but takes an answer that such a leader may not come to.

// Abdicate lets another voter lead, on the leader only. The one with the longest log is asked to stand at once, whom it
// returns (0: nobody could be asked); whether it does or not, this node sends nothing more as a leader, so that an election
// follows anyway. Give up what the lease protects before the call. [Replica.Resume] takes it back.
func (r *Replica) Abdicate() (to uint64) {
	if r.status.Role != Leader {
		return 0
	}
	progress, best := r.node.Status().Progress, uint64(0)
	for _, id := range r.storage.members.Voters {
		if p, ok := progress[id]; ok && id != r.cfg.ID && (to == 0 || p.Match > best) {
			to, best = id, p.Match
		}
	}
	r.silent = true
	if to != 0 && r.TransferLeadership(to) != nil {
		return 0
	}
	return to
}

// Abdicated tells whether this node leads, and has called [Replica.Abdicate].
func (r *Replica) Abdicated() bool { return r.silent }

// Resume lets a leader go on that has abdicated, and was not followed by another.
func (r *Replica) Resume() { r.silent = false }

// holdsBack tells whether a message is of a leader that has abdicated.
func (r *Replica) holdsBack(m *pb.Message) bool {
	return r.silent && m.GetType() != pb.MsgTimeoutNow && r.node.BasicStatus().RaftState == raft.StateLeader
}
