package consensus

import (
	"fmt"
	"strings"

	"firedrill/model"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// DiskID returns the ID of the node whose state a disk holds, or 0 if it holds none. After a crash in the middle of
// [ForceStandalone] it tells which of the two the node is.
func DiskID(disk model.Disk) (uint64, error) {
	names, err := disk.List()
	if err != nil || newest(names) == 0 {
		return 0, err
	}
	l := &log{disk: disk, name: logName(newest(names))}
	data, err := disk.Read(l.name)
	if err != nil {
		return 0, err
	}
	s := &saved{}
	kind, payload, _, ok := recordAt(data, 0)
	if !ok || kind != typeHeader {
		return 0, l.corrupt(0, fmt.Errorf("the file has no header"))
	}
	if err := l.replayHeader(s, payload); err != nil {
		return 0, l.corrupt(0, err)
	}
	return s.id, nil
}

// ForceStandalone makes the sole survivor of a cluster, whose quorum is lost for good, a cluster of one under a new
// ID. The node must not be running; afterwards open it with the new ID. Whenever the power fails meanwhile, the disk
// is that of the old member or of the new cluster ([DiskID] tells).
//
// Everything in its log is kept and counts as committed. So a command that was acknowledged is not lost if this node
// has it, even if nobody was left to tell it so; a command whose outcome is unknown may turn out to have taken place.
// What is lost is what only the other nodes held: commands that were acknowledged by a quorum without this node,
// which is nothing only if this node was the last to lead or had caught up with the last leader.
//
// The other nodes know nothing of this: those of them that come back must be wiped. They cannot disturb the new
// cluster, which has no part in their elections nor they in its; but if enough of them come back to have a quorum,
// there are two clusters. That the quorum is lost for good is the caller's word.
//
// Errors: [ErrUnknownMember] if the disk holds no member old.ID, [ErrUsedID] if the new ID is not higher than
// all that the disk knows of, [ErrOtherID], [ErrCorrupt], and those of the disk.
func ForceStandalone(disk model.Disk, old Config, newID uint64) error {
	if id, err := DiskID(disk); err != nil || id == 0 {
		if err == nil {
			err = ErrUnknownMember
		}
		return err
	}
	l, s, err := openLog(disk, old.ID)
	if err != nil {
		return err
	}
	known, err := s.everMembers(old.Members)
	if err != nil {
		return err
	}
	self, ok := known.find(old.ID)
	if !ok {
		return fmt.Errorf("%d: %w", old.ID, ErrUnknownMember)
	}
	if newID <= known.last {
		return fmt.Errorf("%d: %w", newID, ErrUsedID)
	}
	self.ID, self.Learner = newID, false
	l.id = newID
	return l.replace(s.snapshot.GetMetadata().GetIndex(), &table{last: newID, list: []Member{self}}, s.standalone(), s.entries)
}

// everMembers collects everybody whom the disk tells of, as last described.
func (s *saved) everMembers(first []Member) (table, error) {
	t, err := newTable(first)
	if err != nil {
		return table{}, err
	}
	if s.snapshot != nil {
		members, d := snapshotMembers(s.snapshot.Data)
		if d.err != nil {
			return table{}, d.err
		}
		t = members
	}
	if s.members != nil {
		t = *s.members
	}
	for _, e := range s.entries {
		cc := new(pb.ConfChangeV2)
		if !isChange(e) || proto.Unmarshal(e.Data, cc) != nil {
			continue
		}
		told := decodeTold(cc.Context)
		cs := &pb.ConfState{Voters: idsOf(t.confState())}
		for _, m := range told {
			cs.Learners = append(cs.Learners, m.ID)
		}
		t = t.after(e.GetIndex(), told, cs)
	}
	return t, nil
}

// standaloneTerms is how far the term jumps, so that it is above any that the others have reached without this node.
const standaloneTerms = 1 << 16

// standalone makes commands of all entries, and returns the hard state by which all of them are committed. A change
// of the old cluster's members is kept as a command that does nothing: its place in the log and in the running hash
// stays the same.
func (s *saved) standalone() *pb.HardState {
	term := max(s.hard.GetTerm(), s.snapshot.GetMetadata().GetTerm())
	last := s.snapshot.GetMetadata().GetIndex()
	for _, e := range s.entries {
		e.Type = pb.EntryNormal.Enum()
		term, last = max(term, e.GetTerm()), e.GetIndex()
	}
	return &pb.HardState{Term: proto.Uint64(term + standaloneTerms), Vote: proto.Uint64(0), Commit: proto.Uint64(last)}
}

// Wipe removes all that this package keeps on a disk, damaged or not. The node must not be running; if it is to come
// back, it must be under a new ID. Whenever the power fails meanwhile, the disk holds the old state or none.
func Wipe(disk model.Disk) error {
	names, err := disk.List()
	if err != nil {
		return err
	}
	l := &log{disk: disk, seq: newest(names)}
	if l.seq > 0 {
		// An empty log takes the place of the old one, so that what goes piece by piece is in force no more.
		if err := l.replace(0, nil, nil, nil); err != nil {
			return err
		}
		if err := disk.SyncDir(); err != nil {
			return err
		}
		if names, err = disk.List(); err != nil {
			return err
		}
	}
	for _, n := range names {
		if strings.HasPrefix(n, logPrefix) || strings.HasPrefix(n, snapPrefix) {
			if err := disk.Remove(n); err != nil {
				return err
			}
		}
	}
	return disk.SyncDir()
}
