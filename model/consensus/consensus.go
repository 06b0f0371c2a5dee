// Package consensus is a replicated state machine on etcd/raft: commands go into a durable log that a quorum
// agrees on, each client's command is applied once however often it is sent, and reads are linearizable.
//
// Everything that has left this node in a message or an answer is on its disk first. A power loss at any
// moment therefore takes nothing back that anybody has been told.
package consensus

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"firedrill/model"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Config says who this node is and how its raft is paced.
type Config struct {
	ID             uint64   // this node, from 1
	Voters         []uint64 // the first members; used only while the disk holds no state
	HeartbeatTicks int
	ElectionTicks  int    // raft draws each timeout from [ElectionTicks, 2*ElectionTicks)
	SnapshotEvery  uint64 // applied entries between snapshots; default 1000
	Sessions       int    // clients remembered; default 1024
}

// StateMachine is what commands change. It must be deterministic.
type StateMachine interface {
	// Apply runs the command at a place in the log and returns what its client is told.
	Apply(index uint64, command []byte) (result []byte)
	Snapshot() []byte
	// Restore replaces the state; on an error the state is as it was.
	Restore(snapshot []byte) error
	// Hash of the state, at a cost that does not grow with it.
	Hash() uint64
}

// Errors that callers act on.
var (
	ErrNotLeader = errors.New("this node does not lead")
	ErrBusy      = errors.New("too many commands are waiting for a quorum")
)

// Limits of one raft instance, in bytes and messages.
const (
	maxMessageBytes     = 1 << 20
	maxInflightMessages = 256
	maxUncommittedBytes = 64 << 20
)

// Role is a node's part in raft.
type Role uint8

// The roles.
const (
	Follower Role = iota
	PreCandidate
	Candidate
	Leader
)

// Status is where a replica stands.
type Status struct {
	Leader    uint64 // 0: unknown
	Term      uint64
	Role      Role
	Committed uint64
	Applied   uint64
	CaughtUp  bool // has applied an entry of the present term; a leader then knows all that was ever committed
}

// Output is what came of the work of one [Replica.Ready]. It is valid until the next call.
type Output struct {
	Messages []Message
	Applied  []Applied // in the order of the log
	Reads    []uint64  // requests of ReadIndex that may be answered from the state now
	Lost     []uint64  // requests that will never be answered: leadership was lost
	Restored uint64    // index of a snapshot taken over from the leader, or 0
	Changed  bool      // leader, term or role have changed
}

// Message is for the node To. Its bytes are not used again here.
type Message struct {
	To   uint64
	Data []byte
}

// Applied is one command that took its place. After a restart those since the last snapshot come again.
type Applied struct {
	Index, Term uint64
	Client      string
	Sequence    uint64
	Result      []byte
	Duplicate   bool   // the command had been applied before; Result is what it returned then
	Expired     bool   // the client's session does not know it: it was not applied now
	Hash        uint64 // running hash over all commands so far
	State       uint64 // hash of the state after it
}

// Replica is one member of the group.
type Replica struct {
	cfg     Config
	node    *raft.RawNode
	storage *storage
	log     *log
	core    core

	status      Status
	appliedTerm uint64
	snapshotAt  uint64
	reads       []read         // asked and not answered, in order
	snapshots   map[uint64]int // by receiver: ticks until a snapshot under way counts as lost
	out         Output
}

type read struct {
	request   uint64
	index     uint64
	confirmed bool
}

// storage is raft's view of the log in memory, with the members that it starts from.
type storage struct {
	*raft.MemoryStorage
	members *pb.ConfState
}

// InitialState implements [raft.Storage].
func (s *storage) InitialState() (*pb.HardState, *pb.ConfState, error) {
	hard, _, err := s.MemoryStorage.InitialState()
	return hard, s.members, err
}

// Open starts a replica from what its disk holds. It fails with an error that wraps [ErrCorrupt] if the log
// is damaged other than at its very end, and with the disk's error if that fails.
func Open(cfg Config, disk model.Disk, sm StateMachine) (*Replica, error) {
	if cfg.SnapshotEvery == 0 {
		cfg.SnapshotEvery = 1000
	}
	if cfg.Sessions == 0 {
		cfg.Sessions = 1024
	}
	l, saved, err := openLog(disk)
	if err != nil {
		return nil, err
	}
	r := &Replica{
		cfg: cfg, log: l, snapshots: make(map[uint64]int),
		storage: &storage{raft.NewMemoryStorage(), &pb.ConfState{Voters: slices.Clone(cfg.Voters), AutoLeave: proto.Bool(false)}},
		core:    core{sm: sm, sessions: newSessions(cfg.Sessions)},
	}
	return r, r.recover(saved)
}

// recover rebuilds raft and the state from what the disk held.
func (r *Replica) recover(saved *saved) error {
	if s := saved.snapshot; s != nil {
		if err := r.core.restore(s.Data); err != nil {
			return err
		}
		if err := r.storage.ApplySnapshot(s); err != nil {
			return err
		}
		r.storage.members = s.Metadata.ConfState
		r.snapshotAt = s.Metadata.GetIndex()
		r.appliedTerm = s.Metadata.GetTerm()
	}
	if saved.hard != nil {
		if err := r.storage.SetHardState(saved.hard); err != nil {
			return err
		}
	}
	if err := r.storage.Append(saved.entries); err != nil {
		return err
	}
	node, err := raft.NewRawNode(&raft.Config{
		ID:                        r.cfg.ID,
		ElectionTick:              r.cfg.ElectionTicks,
		HeartbeatTick:             r.cfg.HeartbeatTicks,
		Storage:                   r.storage,
		Applied:                   r.snapshotAt,
		MaxSizePerMsg:             maxMessageBytes,
		MaxInflightMsgs:           maxInflightMessages,
		MaxUncommittedEntriesSize: maxUncommittedBytes,
		CheckQuorum:               true,
		PreVote:                   true,
		ReadOnlyOption:            raft.ReadOnlySafe,
		DisableProposalForwarding: true,
		Logger:                    quiet{},
	})
	if err != nil {
		return err
	}
	r.node = node
	r.status = r.present()
	return nil
}

// Tick moves raft's clock.
func (r *Replica) Tick() {
	r.node.Tick()
	for to := range r.snapshots { // each receiver by itself, so the order does not matter
		if r.snapshots[to]--; r.snapshots[to] <= 0 {
			delete(r.snapshots, to)
			r.node.ReportSnapshot(to, raft.SnapshotFailure) // lost on the way, or long arrived: raft tells which
		}
	}
}

// Step takes a message of another replica. What is damaged or not for this node is dropped, as the network
// might have done.
func (r *Replica) Step(msg []byte) {
	m := new(pb.Message)
	if proto.Unmarshal(msg, m) != nil || m.GetTo() != r.cfg.ID || raft.IsLocalMsg(m.GetType()) {
		return
	}
	_ = r.node.Step(m) // it refuses what is of no use now
}

// Propose asks for a command to be appended, on the leader only. An empty client has no session: its command
// is applied as often as it is proposed.
func (r *Replica) Propose(client string, sequence uint64, command []byte) error {
	if r.status.Role != Leader {
		return ErrNotLeader
	}
	switch err := r.node.Propose(encodeEntry(client, sequence, command)); {
	case err == nil:
		return nil
	case r.node.BasicStatus().RaftState == raft.StateLeader:
		return ErrBusy
	default:
		return ErrNotLeader
	}
}

// ReadIndex asks that a read be confirmed (Ongaro's thesis, section 6.4): Output.Reads names the request once
// a quorum has agreed that this node led when it was asked, and the state is at least as recent.
func (r *Replica) ReadIndex(request uint64) error {
	if r.status.Role != Leader {
		return ErrNotLeader
	}
	r.reads = append(r.reads, read{request: request})
	r.node.ReadIndex(binary.BigEndian.AppendUint64(nil, request))
	return nil
}

// Campaign makes this node stand for election at once.
func (r *Replica) Campaign() { _ = r.node.Campaign() }

// Status tells where this replica stands, as of the last Ready.
func (r *Replica) Status() Status { return r.status }

func (r *Replica) present() Status {
	b := r.node.BasicStatus()
	s := Status{Leader: b.Lead, Term: b.GetTerm(), Committed: b.GetCommit(), Applied: b.Applied}
	switch b.RaftState {
	case raft.StateLeader:
		s.Role = Leader
	case raft.StateCandidate:
		s.Role = Candidate
	case raft.StatePreCandidate:
		s.Role = PreCandidate
	default:
		s.Role = Follower
	}
	s.CaughtUp = r.appliedTerm == s.Term
	return s
}

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
	if err := r.snapshotIfDue(); err != nil {
		return nil, err
	}
	r.answerReads()
	return &r.out, nil
}

// persist makes durable what the messages of this Ready promise.
func (r *Replica) persist(rd *raft.Ready) error {
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
	return nil
}

func (r *Replica) send(messages []*pb.Message) error {
	for _, m := range messages {
		if m.GetTo() == r.cfg.ID {
			continue
		}
		if m.GetType() == pb.MsgSnap {
			r.snapshots[m.GetTo()] = 2 * r.cfg.ElectionTicks
		}
		data, err := proto.Marshal(m)
		if err != nil {
			return err
		}
		r.out.Messages = append(r.out.Messages, Message{To: m.GetTo(), Data: data})
	}
	return nil
}

// apply runs one committed entry. The empty one by which a leader opens its term changes nothing, yet has its
// place in the log and in the running hash.
func (r *Replica) apply(e *pb.Entry) {
	r.appliedTerm = e.GetTerm()
	r.out.Applied = append(r.out.Applied, r.core.apply(e.GetIndex(), e.GetTerm(), e.Data))
}

// confirm notes which reads a quorum has agreed to, and from which index on they may be answered.
func (r *Replica) confirm(states []raft.ReadState) {
	for _, s := range states {
		request := binary.BigEndian.Uint64(s.RequestCtx)
		for i := range r.reads {
			if r.reads[i].request == request {
				r.reads[i].index, r.reads[i].confirmed = s.Index, true
			}
		}
	}
}

// follow compares where this replica stands with where it stood. Reads that were asked in a lost leadership
// are dropped by raft.
func (r *Replica) follow() {
	was := r.status
	r.status = r.present()
	r.out.Changed = was.Leader != r.status.Leader || was.Term != r.status.Term || was.Role != r.status.Role
	if was.Role == Leader && (r.status.Role != Leader || r.status.Term != was.Term) {
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
// memory, so that a replica that lags a little needs no snapshot.
func (r *Replica) snapshotIfDue() error {
	applied := r.status.Applied
	if applied < r.snapshotAt+r.cfg.SnapshotEvery {
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
	r.snapshotAt = applied
	if keep := r.cfg.SnapshotEvery / 2; applied > keep {
		if err := r.storage.Compact(applied - keep); err != nil && !errors.Is(err, raft.ErrCompacted) {
			return err
		}
	}
	return nil
}
