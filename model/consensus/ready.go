package consensus

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Ready does all the work that is due: it writes to the disk, then applies what is committed, then hands out
// the messages. After an error of the disk nothing is known about what it holds, and the node must stop.
func (r *Replica) Ready() (*Output, error) {
	r.out = Output{Messages: r.out.Messages[:0], Applied: r.out.Applied[:0], Reads: r.out.Reads[:0], Lost: r.out.Lost[:0]}
	for r.node.HasReady() {
		rd := r.node.Ready()
		if err := r.persist(&rd); err != nil {
			return nil, err
		}
		if err := r.send(rd.Messages); err != nil {
			return nil, err
		}
		for _, e := range rd.CommittedEntries {
			r.apply(e)
		}
		r.confirm(rd.ReadStates)
		r.node.Advance(rd)
	}
	r.follow()
	r.followMembers()
	if err := r.snapshotIfDue(); err != nil {
		return nil, err
	}
	r.answerReads()
	return &r.out, nil
}

// persist makes durable what the messages of this Ready promise.
func (r *Replica) persist(rd *raft.Ready) error {
	if err := r.cfg.readable(rd.Entries); err != nil {
		return err
	}
	switch {
	case !raft.IsEmptySnap(rd.Snapshot):
		if err := r.takeOver(rd); err != nil {
			return err
		}
	case rd.MustSync:
		if err := r.log.append(rd.Entries, rd.HardState); err != nil {
			return err
		}
	}
	if rd.HardState != nil {
		if err := r.storage.SetHardState(rd.HardState); err != nil {
			return err
		}
	}
	return r.storage.Append(rd.Entries)
}

// takeOver replaces the state by the leader's snapshot. The hard state, which a snapshot always changes, may
// count on the entries that came with it, so all of it becomes durable at once.
func (r *Replica) takeOver(rd *raft.Ready) error {
	s := rd.Snapshot
	if err := r.core.restore(s.Data); err != nil { // before it replaces what is on the disk
		return err
	}
	if err := r.log.rotate(s, rd.HardState, rd.Entries); err != nil {
		return err
	}
	if err := r.storage.ApplySnapshot(s); err != nil {
		return err
	}
	r.storage.members = s.Metadata.ConfState
	r.snapshotAt = s.Metadata.GetIndex()
	r.appliedTerm = s.Metadata.GetTerm()
	r.out.Restored = r.snapshotAt
	r.changed, r.snapshotDue = true, false
	return nil
}

func (r *Replica) send(messages []*pb.Message) error {
	for _, m := range messages {
		if m.GetTo() == r.cfg.ID || r.holdsBack(m) {
			continue
		}
		if m.GetType() == pb.MsgSnap {
			r.snapshots[m.GetTo()] = 2 * r.cfg.ElectionTicks
		}
		address := r.routes.to(m.GetTo(), &r.core.members)
		if !address.IsValid() {
			continue
		}
		if m.GetType() == pb.MsgHeartbeat {
			r.tag(m)
		}
		r.offering(m)
		data, err := proto.Marshal(m)
		if err != nil {
			return err
		}
		r.out.Messages = append(r.out.Messages, Message{To: m.GetTo(), Address: address, Data: data})
	}
	return nil
}

// apply runs one committed entry. The empty one by which a leader opens its term, and a change of the members, are
// no commands, yet have their place in the log and in the running hash.
func (r *Replica) apply(e *pb.Entry) {
	r.appliedTerm = e.GetTerm()
	if isChange(e) {
		r.applyConf(e)
		r.out.Applied = append(r.out.Applied, r.core.pass(e.GetIndex(), e.GetTerm(), e.Data))
		return
	}
	r.out.Applied = append(r.out.Applied, r.core.apply(e.GetIndex(), e.GetTerm(), e.Data))
}

// confirm notes which reads a quorum has agreed to, and from which index on they may be answered.
func (r *Replica) confirm(states []raft.ReadState) {
	for _, s := range states {
		if len(s.RequestCtx) == 0 {
			continue // of RenewLease
		}
		request := binary.BigEndian.Uint64(s.RequestCtx)
		for i := range r.reads {
			if r.reads[i].request == request {
				r.reads[i].index, r.reads[i].confirmed = s.Index, true
			}
		}
	}
}

// askAgain repeats the reads that wait for others to confirm them. If this node is the only voter now, nobody will,
// and raft confirms at once.
func (r *Replica) askAgain() {
	for _, read := range r.reads {
		if !read.confirmed {
			r.node.ReadIndex(binary.BigEndian.AppendUint64(nil, read.request))
		}
	}
}

// follow compares where this replica stands with where it stood. Reads that were asked in a lost leadership
// are dropped by raft.
func (r *Replica) follow() {
	was := r.status
	r.status = r.present()
	r.out.Changed = was.Leader != r.status.Leader || was.Term != r.status.Term || was.Vote != r.status.Vote || was.Role != r.status.Role
	if r.status.Role == Leader && (was.Role != Leader || r.status.Term != was.Term) {
		r.lease.lead()
	}
	if was.Role == Leader && (r.status.Role != Leader || r.status.Term != was.Term) {
		r.changing, r.silent = false, false
		for _, read := range r.reads {
			if !read.confirmed {
				r.out.Lost = append(r.out.Lost, read.request)
			}
		}
		r.reads = slices.DeleteFunc(r.reads, func(read read) bool { return !read.confirmed })
	}
}

func (r *Replica) answerReads() {
	r.reads = slices.DeleteFunc(r.reads, func(read read) bool {
		due := read.confirmed && read.index <= r.status.Applied
		if due {
			r.out.Reads = append(r.out.Reads, read.request)
		}
		return due
	})
}

// snapshotIfDue saves the state and drops the part of the log that it covers. Some of that part stays in
// memory, so that a replica that lags a little needs no snapshot; but the first entry goes, so that one that has
// nothing at all gets a snapshot, with which come the members. After a change of them one is due.
func (r *Replica) snapshotIfDue() error {
	applied := r.status.Applied
	if due := applied >= r.snapshotAt+r.cfg.SnapshotEvery || r.snapshotDue; !due {
		return nil
	}
	s, err := r.storage.CreateSnapshot(applied, r.storage.members, r.core.snapshot())
	if err != nil {
		return err
	}
	hard, _, err := r.storage.InitialState()
	if err != nil {
		return err
	}
	last, err := r.storage.LastIndex()
	if err != nil {
		return err
	}
	var rest []*pb.Entry
	if last > applied {
		if rest, err = r.storage.Entries(applied+1, last+1, math.MaxUint64); err != nil {
			return err
		}
	}
	if err := r.log.rotate(s, hard, rest); err != nil {
		return err
	}
	r.snapshotAt, r.snapshotDue = applied, false
	upTo := uint64(1)
	if keep := r.cfg.SnapshotEvery / 2; applied > keep {
		upTo = max(upTo, applied-keep)
	}
	if first, _ := r.storage.FirstIndex(); first <= upTo {
		if err := r.storage.Compact(upTo); err != nil && !errors.Is(err, raft.ErrCompacted) {
			return err
		}
	}
	return nil
}
