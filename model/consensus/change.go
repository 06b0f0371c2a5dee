package consensus

import (
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
	"google.golang.org/protobuf/proto"
)

// Change is what [Replica.ChangeMembers] is asked for. All of it happens in one step, or none.
type Change struct {
	Add     []Member // as learners, whatever they say; promote them once they have [Replica.CaughtUp]
	Promote []uint64 // learners that are to vote
	Remove  []uint64
	Update  []Member // name and address of members; they keep their part
}

// Errors of a change. ErrNotLeader and ErrBusy (a transfer is under way) come too.
var (
	ErrChangePending   = errors.New("another change of the members is under way")
	ErrWouldLoseQuorum = errors.New("too few of the voters that would be left have been heard lately")
	ErrUnknownMember   = errors.New("no such member")
	ErrUsedID          = errors.New("the ID is not higher than every ID given before")
	ErrNotCaughtUp     = errors.New("the learner has not caught up with the leader")
	ErrBadChange       = errors.New("the change is empty, names a member twice, or lacks an address")
)

// catchUpLag is how many entries a learner may lack and still count as caught up. With that little to fetch, it
// holds up no command as a voter for longer than a message takes.
const catchUpLag = 64

// ChangeMembers proposes a change, on the leader only. Output.MembersChanged tells when it is in force on this
// node; with several voters or several parts it takes two steps (joint consensus, Ongaro's thesis, section 4.3),
// of which raft makes the second by itself. A leader may remove itself; it then leads until the change is in force.
// It is better to call [Replica.TransferLeadership] first and let the next leader remove it, because the others
// then need no election, and because somebody can tell when the change is [Replica.Settled].
//
// One change at a time: two that overlap could leave two quorums that do not (Ongaro 2015, "bug in single-server
// membership changes"). A change that leaves no quorum of voters heard within an election timeout is refused.
func (r *Replica) ChangeMembers(change Change) error {
	if r.status.Role != Leader {
		return ErrNotLeader
	}
	if !r.status.CaughtUp || r.changing || len(r.storage.members.GetVotersOutgoing()) > 0 {
		return ErrChangePending // until it is caught up, a leader does not know what its predecessor began
	}
	cc, err := r.plan(change)
	if err != nil {
		return err
	}
	if !r.quorumHeard(r.storage.members.Voters) || !r.quorumHeard(r.votersAfter(cc)) {
		return ErrWouldLoseQuorum
	}
	switch err := r.node.ProposeConfChange(cc); {
	case err == nil:
		r.changing = true
		return nil
	case r.node.BasicStatus().RaftState == raft.StateLeader:
		return ErrBusy
	default:
		return ErrNotLeader
	}
}

// plan checks a change against the members, and puts it into raft's terms.
func (r *Replica) plan(change Change) (*pb.ConfChangeV2, error) {
	cc := &pb.ConfChangeV2{Context: encodeTold(slices.Concat(change.Add, change.Update))}
	add := func(kind pb.ConfChangeType, id uint64) {
		cc.Changes = append(cc.Changes, &pb.ConfChangeSingle{Type: kind.Enum(), NodeId: proto.Uint64(id)})
	}
	t := &r.core.members
	last := t.last
	for _, m := range change.Add {
		if m.ID <= last {
			return nil, fmt.Errorf("%d: %w", m.ID, ErrUsedID)
		}
		last = m.ID
		add(pb.ConfChangeAddLearnerNode, m.ID)
	}
	for _, id := range change.Promote {
		if m, ok := t.find(id); !ok || !m.Learner {
			return nil, fmt.Errorf("learner %d: %w", id, ErrUnknownMember)
		}
		if !r.CaughtUp(id) {
			return nil, fmt.Errorf("%d: %w", id, ErrNotCaughtUp)
		}
		add(pb.ConfChangeAddNode, id)
	}
	for _, id := range change.Remove {
		if _, ok := t.find(id); !ok {
			return nil, fmt.Errorf("%d: %w", id, ErrUnknownMember)
		}
		add(pb.ConfChangeRemoveNode, id)
	}
	return cc, r.planUpdates(cc, change, add)
}

// planUpdates adds the updates: of members that are there, or are promoted by the same change.
func (r *Replica) planUpdates(cc *pb.ConfChangeV2, change Change, add func(pb.ConfChangeType, uint64)) error {
	for _, m := range change.Update {
		if _, ok := r.core.members.find(m.ID); !ok {
			return fmt.Errorf("%d: %w", m.ID, ErrUnknownMember)
		}
		if !slices.Contains(change.Promote, m.ID) {
			add(pb.ConfChangeUpdateNode, m.ID)
		}
	}
	for _, m := range slices.Concat(change.Add, change.Update) {
		if !m.Address.IsValid() {
			return fmt.Errorf("%d has no address: %w", m.ID, ErrBadChange)
		}
	}
	ids := make([]uint64, 0, len(cc.Changes))
	for _, c := range cc.Changes {
		ids = append(ids, c.GetNodeId())
	}
	slices.Sort(ids)
	if len(ids) == 0 || len(slices.Compact(ids)) < len(cc.Changes) {
		return ErrBadChange
	}
	return nil
}

// votersAfter is who votes once a change is in force.
func (r *Replica) votersAfter(cc *pb.ConfChangeV2) []uint64 {
	voters := slices.Clone(r.storage.members.Voters)
	for _, c := range cc.Changes {
		switch c.GetType() {
		case pb.ConfChangeAddNode:
			voters = append(voters, c.GetNodeId())
		case pb.ConfChangeRemoveNode:
			voters = slices.DeleteFunc(voters, func(id uint64) bool { return id == c.GetNodeId() })
		}
	}
	return voters
}

// quorumHeard tells whether more than half of the voters are active. Of none there is no quorum.
func (r *Replica) quorumHeard(voters []uint64) bool {
	n := 0
	for _, id := range voters {
		if r.Active(id) {
			n++
		}
	}
	return n > len(voters)/2
}

// Active tells, on the leader, whether a member has been heard within the last election timeout. The leader itself
// is active.
func (r *Replica) Active(id uint64) bool {
	if r.status.Role != Leader {
		return false
	}
	if id == r.cfg.ID {
		return true
	}
	if at, ok := r.lease.heardAt[id]; ok && r.cfg.Now() < at+r.cfg.electionTimeout() {
		return true
	}
	p, ok := r.progress(id)
	return ok && p.RecentActive && p.Match > 0 // raft takes one that it has just added to be active
}

// CaughtUp tells, on the leader, whether a member has all but a few of the entries that are committed, and is
// active: then it may be promoted.
func (r *Replica) CaughtUp(id uint64) bool {
	if r.status.Role != Leader {
		return false
	}
	p, ok := r.progress(id)
	return ok && p.State != tracker.StateSnapshot && p.Match > 0 &&
		p.Match+catchUpLag >= r.node.BasicStatus().GetCommit() && r.Active(id)
}

// Settled tells, on the leader, whether a quorum knows that the latest change of the members is committed. Before that
// a node that was removed may still be needed to elect a leader, and should be neither wiped nor switched off.
func (r *Replica) Settled() bool {
	if r.status.Role != Leader || r.changing || len(r.storage.members.GetVotersOutgoing()) > 0 {
		return false
	}
	n := 0
	for _, id := range r.storage.members.Voters {
		told, ok := r.lease.told[id]
		if answered, heard := r.lease.answered[id]; id == r.cfg.ID || ok && heard && answered >= told {
			n++
		}
	}
	return n > len(r.storage.members.Voters)/2
}

// progress is how far raft thinks that a member is.
func (r *Replica) progress(id uint64) (found tracker.Progress, ok bool) {
	r.node.WithProgress(func(other uint64, _ raft.ProgressType, p tracker.Progress) {
		if other == id {
			found, ok = p, true
		}
	})
	return found, ok
}

// Members returns who belongs to the cluster, by ID, as of the last Ready: those that are joining, and those that
// are leaving until they have left. From Open to the first Ready it tells what the disk knows. A node that waits
// to be contacted has none.
func (r *Replica) Members() []Member { return slices.Clone(r.members.list) }

// NextID is an ID that no node has had.
func (r *Replica) NextID() uint64 { return r.members.last + 1 }

// applyConf puts a committed change into force. Behind each change stands a snapshot, made at the end of the same
// Ready: a new node has nothing to apply changes to, so it must get a snapshot that names it.
func (r *Replica) applyConf(e *pb.Entry) {
	cc := new(pb.ConfChangeV2)
	if err := proto.Unmarshal(e.Data, cc); err != nil {
		panic(fmt.Sprintf("consensus: the committed change at %d cannot be read: %v", e.GetIndex(), err))
	}
	r.storage.members = r.node.ApplyConfChange(cc)
	r.core.members = r.core.members.after(e.GetIndex(), decodeTold(cc.Context), r.storage.members)
	r.changing, r.changed, r.snapshotDue = false, true, true
	clear(r.lease.told)
	if cs := r.storage.members; len(cs.Voters) == 1 && len(cs.VotersOutgoing) == 0 && r.node.BasicStatus().RaftState == raft.StateLeader {
		r.askAgain()
	}
}

// followMembers publishes the members after all that was due has been applied.
func (r *Replica) followMembers() {
	if r.changed {
		r.routes.changed(r.members, r.core.members)
		r.out.MembersChanged = !slices.Equal(r.members.list, r.core.members.list)
		r.members, r.changed = r.core.members, false
	}
	if _, in := r.members.find(r.cfg.ID); !in && len(r.members.list) > 0 {
		r.out.Removed = true
	}
}
