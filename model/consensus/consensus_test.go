package consensus

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"firedrill/model"
	"firedrill/model/disktest"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// TestSnapshotWithEntries: a snapshot, entries that follow it, and word that they are committed may come in one
// piece of work. Wherever the power fails, the replica starts again, from before or from after.
func TestSnapshotWithEntries(t *testing.T) {
	c := newCluster(t, 1000)
	source := core{reads: firstFormat, sm: registers{"x": "1"}, sessions: newSessions(1)}
	source.members, _ = newTable(c.first)
	messages := []*pb.Message{
		{Type: pb.MsgSnap.Enum(), Snapshot: snapshotAt(10, 1, string(source.snapshot()))},
		{Type: pb.MsgApp.Enum(), Index: proto.Uint64(10), LogTerm: proto.Uint64(1), Commit: proto.Uint64(11),
			Entries: []*pb.Entry{entry(11, 1, string(encodeEntry(firstFormat, "a", 1, []byte("x=2"))))}},
	}
	m := c.node(3)
	for _, message := range messages {
		message.From, message.To, message.Term = proto.Uint64(1), proto.Uint64(3), proto.Uint64(1)
		m.replica.Step(addressOf(2), mustMarshal(message))
	}
	var left []*disktest.Strict
	m.disk.Step = func() { left = append(left, m.disk.AfterPowerLoss()...) }
	c.ready(m)
	if m.machine["x"] != "2" {
		t.Fatalf("x is %q", m.machine["x"])
	}
	last := len(left) - 1
	for i, disk := range left {
		m.disk = disk
		c.restart(3)
		if x := m.machine["x"]; x != "" && x != "1" && x != "2" || i == last && x == "" {
			t.Errorf("crash %d of %d: x is %q", i, last, x)
		}
	}
}

// elected is a cluster that 1 leads.
func elected(t *testing.T) *cluster {
	t.Helper()
	c := newCluster(t, 1000)
	c.node(1).replica.Campaign()
	c.ready(c.node(1))
	c.deliver()
	return c
}

// fromSecond is a message of 2 to 1 in a term.
func fromSecond(kind pb.MessageType, term uint64) *pb.Message {
	return &pb.Message{Type: kind.Enum(), From: proto.Uint64(2), To: proto.Uint64(1), Term: proto.Uint64(term)}
}

// TestReadOfDeposedLeader: a leader that has lost its term without having noticed loses the reads it takes.
func TestReadOfDeposedLeader(t *testing.T) {
	r := elected(t).node(1).replica
	r.Step(addressOf(2), mustMarshal(fromSecond(pb.MsgHeartbeat, 7)))
	for _, request := range []uint64{5, 6} {
		if err := r.ReadIndex(request); err != nil {
			t.Fatal(err) // its status is as of the last Ready
		}
	}
	if err := r.Propose("", 0, []byte("x=1")); !errors.Is(err, ErrNotLeader) {
		t.Errorf("a proposal gave %v", err)
	}
	out, err := r.Ready()
	if err != nil || !slices.Equal(out.Lost, []uint64{5, 6}) || len(out.Reads) > 0 {
		t.Errorf("lost %v, read %v, error %v", out.Lost, out.Reads, err)
	}
	if err := r.ReadIndex(7); !errors.Is(err, ErrNotLeader) {
		t.Errorf("a read of a follower gave %v", err)
	}
}

// TestReadConfirmedInTime: what a quorum confirmed is answered, even if the leader is deposed before it looks.
func TestReadConfirmedInTime(t *testing.T) {
	c := elected(t)
	r := c.node(1).replica
	if err := r.ReadIndex(5); err != nil {
		t.Fatal(err)
	}
	out, _ := r.Ready()
	c.node(2).replica.Step(addressOf(2), out.Messages[0].Data)
	answer, _ := c.node(2).replica.Ready()
	r.Step(addressOf(2), answer.Messages[0].Data)
	if err := r.ReadIndex(6); err != nil {
		t.Fatal(err)
	}
	r.Step(addressOf(2), mustMarshal(fromSecond(pb.MsgHeartbeat, 7)))
	out, err := r.Ready()
	if err != nil || !slices.Equal(out.Reads, []uint64{5}) || !slices.Equal(out.Lost, []uint64{6}) {
		t.Errorf("read %v, lost %v, error %v", out.Reads, out.Lost, err)
	}
}

// TestReelectedBetweenLooks: a leader that is deposed and elected again before it looks has lost its reads.
func TestReelectedBetweenLooks(t *testing.T) {
	r := elected(t).node(1).replica
	if err := r.ReadIndex(5); err != nil {
		t.Fatal(err)
	}
	r.Step(addressOf(2), mustMarshal(fromSecond(pb.MsgHeartbeat, 7)))
	for r.node.BasicStatus().RaftState != raft.StatePreCandidate {
		r.node.Tick()
	}
	drain(r.node) // raft steps messages to itself while they are advanced
	r.Step(addressOf(2), mustMarshal(fromSecond(pb.MsgPreVoteResp, 8)))
	drain(r.node)
	r.Step(addressOf(2), mustMarshal(fromSecond(pb.MsgVoteResp, 8)))
	out, err := r.Ready()
	if s := r.Status(); err != nil || s.Role != Leader || s.Term != 8 {
		t.Fatalf("it %s, error %v", describeStatus(s), err)
	}
	if !slices.Equal(out.Lost, []uint64{5}) || len(out.Reads) > 0 {
		t.Errorf("lost %v, read %v", out.Lost, out.Reads)
	}
}

// drain does raft's work behind the back of the replica.
func drain(node *raft.RawNode) {
	for node.HasReady() {
		node.Advance(node.Ready())
	}
}

// TestVoters: who votes is in the snapshot, once there is one.
func TestVoters(t *testing.T) {
	c := elected(t)
	m := c.node(1)
	m.replica.cfg.SnapshotEvery = 1
	c.ready(m)
	m.first = c.first[:1]
	replica, err := Open(m.config(), m.disk, registers{})
	if err != nil {
		t.Fatal(err)
	}
	m.now += 5 * tickInterval // it stands by for so long
	replica.Campaign()
	if _, err := replica.Ready(); err != nil || replica.Status().Role == Leader {
		t.Errorf("it %s, error %v", describeStatus(replica.Status()), err)
	}
}

// TestBusy: without a quorum commands pile up, and are refused before the memory is full. A snapshot taken
// meanwhile keeps every one of them: others may have been told that they are here.
func TestBusy(t *testing.T) {
	if testing.Short() {
		t.Skip("needs some hundred megabytes")
	}
	c := elected(t)
	big, n := make([]byte, 1<<12), 0 // small enough for what is stored beside it to count
	for ; ; n++ {
		err := c.node(1).replica.Propose("", 0, big)
		if errors.Is(err, ErrBusy) {
			break
		}
		if err != nil || n > maxUncommittedBytes/len(big) {
			t.Fatalf("proposal %d: %v", n, err)
		}
	}
	c.ready(c.node(1))
	first := c.node(1).replica.Status().Applied
	c.node(1).replica.cfg.SnapshotEvery = 1
	if err := c.node(1).replica.snapshotIfDue(); err != nil {
		t.Fatal(err)
	}
	c.crash(1).Power()
	c.restart(1)
	last, _ := c.node(1).replica.storage.LastIndex()
	if last != first+uint64(n) {
		t.Errorf("%d commands after %d, but the log ends at %d", n, first, last)
	}
}

// TestStepIgnores: what is damaged or for somebody else has no effect.
func TestStepIgnores(t *testing.T) {
	c := newCluster(t, 1000)
	r := c.node(1).replica
	for _, message := range []*pb.Message{
		{Type: pb.MsgHeartbeat.Enum(), From: proto.Uint64(2), To: proto.Uint64(3), Term: proto.Uint64(7)},
		{Type: pb.MsgHup.Enum(), From: proto.Uint64(raft.LocalAppendThread), To: proto.Uint64(1)},
		{Type: pb.MsgAppResp.Enum(), From: proto.Uint64(9), To: proto.Uint64(1)},
	} {
		r.Step(addressOf(2), mustMarshal(message))
	}
	r.Step(addressOf(2), nil)
	r.Step(addressOf(2), []byte{0xff, 1, 2})
	if out, err := r.Ready(); err != nil || out.Changed || len(out.Messages) > 0 {
		t.Errorf("output %+v, error %v", out, err)
	}
}

// TestDiskError: after an error nothing leaves the replica.
func TestDiskError(t *testing.T) {
	c := newCluster(t, 1000)
	m := c.node(1)
	broken := &brokenDisk{Strict: m.disk}
	replica, err := Open(m.config(), broken, registers{})
	if err != nil {
		t.Fatal(err)
	}
	vote := &pb.Message{Type: pb.MsgVote.Enum(), From: proto.Uint64(2), To: proto.Uint64(1), Term: proto.Uint64(1)}
	broken.err = model.ErrDiskFull
	m.now += 5 * tickInterval // it stands by for so long
	replica.Step(addressOf(2), mustMarshal(vote))
	if out, err := replica.Ready(); !errors.Is(err, model.ErrDiskFull) || out != nil {
		t.Errorf("output %v, error %v", out, err)
	}
}

type brokenDisk struct {
	*disktest.Strict
	err error
}

func (d *brokenDisk) Append(name string, data []byte) error {
	return errors.Join(d.err, d.Strict.Append(name, data))
}

// TestRestoreRefuses: a snapshot that cannot be read leaves the state as it was.
func TestRestoreRefuses(t *testing.T) {
	c := core{reads: firstFormat, sm: registers{"x": "1"}, sessions: newSessions(4)}
	c.apply(1, 1, encodeEntry(firstFormat, "a", 1, []byte("y=2")))
	whole := c.snapshot()
	for size := range len(whole) - len(c.sm.Snapshot()) { // registers have no checksum; the log has one
		if err := c.restore(whole[:size]); err == nil {
			t.Errorf("%d bytes of %d were accepted", size, len(whole))
		}
	}
	if err := c.restore(append(slices.Clone(whole), "z"...)); err == nil {
		t.Error("a state machine's error was passed over")
	}
	if got := c.snapshot(); !bytes.Equal(got, whole) {
		t.Errorf("the state became %q, was %q", got, whole)
	}
}
