package consensus

import (
	"slices"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// raiseCommit makes up for what raft lets a crash take: how much is committed need not be on the disk, yet raft's
// safety under changes of the members rests on it. Raft puts a change into force when it is applied, so a node
// that has two changes in its log and knows of neither that it is committed would stand for election under
// members of two changes ago, whose quorums need not overlap with those of today.
//
// The log itself tells: a leader proposes a change only when it has applied the one before. So wherever a change
// stands in a log, all earlier ones are committed.
func (s *saved) raiseCommit() {
	committed, seen := uint64(0), false
	for _, e := range slices.Backward(s.entries) {
		if isChange(e) {
			if seen {
				committed = e.GetIndex()
				break
			}
			seen = true
		}
	}
	if committed > s.hard.GetCommit() {
		s.hard = &pb.HardState{
			Term: proto.Uint64(s.hard.GetTerm()), Vote: proto.Uint64(s.hard.GetVote()), Commit: proto.Uint64(committed)}
	}
}

// preview is who belongs to the cluster by all that the disk knows to be committed, before it is applied.
func (r *Replica) preview(s *saved) table {
	t, cs := r.core.members, proto.Clone(r.storage.members).(*pb.ConfState)
	for _, e := range s.entries {
		cc := new(pb.ConfChangeV2)
		if e.GetIndex() > s.hard.GetCommit() || !isChange(e) || proto.Unmarshal(e.Data, cc) != nil {
			continue
		}
		previewChange(cs, cc)
		t = t.after(e.GetIndex(), decodeTold(cc.Context), cs)
	}
	return t
}

// previewChange does to a configuration what raft will do to its own.
func previewChange(cs *pb.ConfState, cc *pb.ConfChangeV2) {
	if cc.LeaveJoint() {
		cs.VotersOutgoing = nil
		return
	}
	if _, joint := cc.EnterJoint(); joint {
		cs.VotersOutgoing = slices.Clone(cs.Voters)
	}
	for _, c := range cc.Changes {
		id := c.GetNodeId()
		is := func(other uint64) bool { return other == id }
		if c.GetType() != pb.ConfChangeUpdateNode {
			cs.Voters = slices.DeleteFunc(cs.Voters, is)
			cs.Learners = slices.DeleteFunc(cs.Learners, is)
		}
		switch c.GetType() {
		case pb.ConfChangeAddNode:
			cs.Voters = append(cs.Voters, id)
		case pb.ConfChangeAddLearnerNode:
			cs.Learners = append(cs.Learners, id)
		}
	}
}
