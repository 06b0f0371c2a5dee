// Package consensus is a replicated state machine on etcd/raft: commands go into a durable log that a quorum
// agrees on, each client's command is applied once however often it is sent, and reads are linearizable.
//
// Everything that has left this node in a message or an answer is on its disk first. A power loss at any
// moment therefore takes nothing back that anybody has been told.
package consensus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"firedrill/model"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// Config says who this node is and how its raft is paced.
type Config struct {
	ID             uint64   // this node, from 1; it dies with the disk
	Members        []Member // the first members; used only while the disk holds no state. None: wait to be contacted
	HeartbeatTicks int
	ElectionTicks  int    // raft draws each timeout from [ElectionTicks, 2*ElectionTicks)
	SnapshotEvery  uint64 // applied entries between snapshots; default 1000
	Sessions       int    // clients remembered; default 1024
	Format         byte   // the newest format of an entry that this build reads; default 1

	Now          func() time.Duration // the monotonic clock of this node, from any origin
	TickInterval time.Duration        // between two calls of Tick, by that clock
	DriftPPM     uint64               // how far any clock may be off, in millionths of the time passed; default 500
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
	ErrBusy      = errors.New("too many commands are waiting for a quorum, or the leadership is being transferred")
	ErrOtherID   = errors.New("the disk is that of another node")
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

// String names the role.
func (r Role) String() string {
	return [...]string{"follower", "pre-candidate", "candidate", "leader"}[r]
}

// Status is where a replica stands.
type Status struct {
	Leader    uint64 // 0: unknown
	Term      uint64
	Vote      uint64 // whom it has voted for in this term, which is on the disk; 0: nobody
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
	Changed  bool      // leader, term, vote or role have changed

	MembersChanged bool // [Replica.Members] tells something new
	Removed        bool // this node knows that it is no member any more; true from then on
}

// Message is for the node To. Its bytes are not used again here.
type Message struct {
	To      uint64
	Address netip.Addr // where it is thought to be
	Data    []byte
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

	members  table // as published; the replicated one is in core
	routes   routes
	changing bool // this leader has proposed a change of the members that is not applied yet
	changed  bool // the members have changed in this Ready

	snapshotDue bool // because they have
	writes      byte // the format of the entries that this node proposes
	lease       lease
	offered     offer // the latest that this node took
	silent      bool  // it has abdicated
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
	if cfg.DriftPPM == 0 {
		cfg.DriftPPM = 500
	}
	cfg.Format = max(cfg.Format, firstFormat)
	if err := cfg.check(); err != nil {
		return nil, err
	}
	l, saved, err := openLog(disk, cfg.ID)
	if err != nil {
		return nil, err
	}
	if err := cfg.readable(saved.entries); err != nil {
		return nil, err
	}
	fresh, err := l.begun(saved, cfg.Members)
	if err != nil {
		return nil, err
	}
	r := &Replica{
		cfg: cfg, log: l, snapshots: make(map[uint64]int), routes: routes{}, lease: newLease(&cfg, fresh),
		storage: &storage{raft.NewMemoryStorage(), nil},
		core:    core{sm: sm, sessions: newSessions(cfg.Sessions), reads: cfg.Format},
		writes:  firstFormat,
	}
	if err := r.recover(saved); err != nil {
		return nil, err
	}
	return r, nil
}

func (c *Config) check() error {
	first, err := newTable(c.Members)
	if err != nil {
		return err
	}
	if _, in := first.find(c.ID); !in && len(c.Members) > 0 {
		return fmt.Errorf("node %d is not among its first members: %w", c.ID, ErrUnknownMember)
	}
	if c.Now == nil || c.TickInterval <= 0 || c.DriftPPM >= million {
		return errors.New("a replica needs a clock, the interval of its ticks, and a drift below one in one")
	}
	return nil
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
	if saved.members != nil { // they replace those of the snapshot
		r.core.members = *saved.members
		r.storage.members = saved.members.confState()
	}
	saved.raiseCommit()
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
		StepDownOnRemoval:         true,
		Logger:                    quiet{},
	})
	if err != nil {
		return err
	}
	r.node = node
	r.status = r.present()
	r.members = r.preview(saved)
	return nil
}

// Propose asks for a command to be appended, on the leader only. An empty client has no session: its command
// is applied as often as it is proposed.
func (r *Replica) Propose(client string, sequence uint64, command []byte) error {
	if r.status.Role != Leader {
		return ErrNotLeader
	}
	switch err := r.node.Propose(encodeEntry(r.writes, client, sequence, command)); {
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

// Campaign makes this node stand for election at once, unless it stands by a leader that it has heard lately, or
// may have heard before it restarted. The only voter has nobody to stand by.
func (r *Replica) Campaign() {
	if r.cfg.Now() >= r.lease.standBy || r.alone() {
		_ = r.node.Campaign()
	}
}

// alone tells whether this node is the only voter, and no change of that is in its log.
func (r *Replica) alone() bool {
	cs := r.storage.members
	if len(cs.Voters) != 1 || cs.Voters[0] != r.cfg.ID || len(cs.VotersOutgoing) > 0 {
		return false
	}
	first, last := r.node.BasicStatus().Applied+1, uint64(0)
	if last, _ = r.storage.LastIndex(); last < first {
		return true
	}
	entries, err := r.storage.Entries(first, last+1, math.MaxUint64)
	return err == nil && !slices.ContainsFunc(entries, isChange)
}

func isChange(e *pb.Entry) bool { return e.GetType() == pb.EntryConfChangeV2 }

// Status tells where this replica stands, as of the last Ready.
func (r *Replica) Status() Status { return r.status }

func (r *Replica) present() Status {
	b := r.node.BasicStatus()
	s := Status{Leader: b.Lead, Term: b.GetTerm(), Vote: b.GetVote(), Committed: b.GetCommit(), Applied: b.Applied}
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
