package consensus

import (
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"firedrill/model/disktest"
)

// configs are the configurations by the index of the change that made them, and what is asserted of them: all
// replicas have the same, and no two that follow each other have quorums that do not overlap. (Some replica comes to
// rest on each of them: a joint one is left only when a leader has applied it and heard the others.)
type configs map[uint64]*pb.ConfState

// reconfigured looks at the members that a replica has now.
func (c *cluster) reconfigured(m *member) {
	change, cs := m.replica.core.members.change, m.replica.storage.members
	if len(cs.Voters) == 0 || c.configs == nil {
		return // it waits, or the test has made two clusters
	}
	if was := c.configs[change]; was != nil {
		if was.Equivalent(cs) != nil {
			c.testing.Fatalf("%d has %v since %d, another %v", m.id, cs, change, was)
		}
		return
	}
	c.configs[change] = proto.Clone(cs).(*pb.ConfState)
	before, after := uint64(0), change
	for at := range c.configs {
		if at < change {
			before = max(before, at)
		}
		if at > change && (after == change || at < after) {
			after = at
		}
	}
	for _, other := range []uint64{before, after} {
		if near := c.configs[other]; near != nil && other != change && !overlap(near, cs) {
			c.testing.Fatalf("quorums need not overlap: %v and %v", near, cs)
		}
	}
}

// overlap tells by trying all sets whether every quorum of one has a voter in common with every quorum of the other.
func overlap(a, b *pb.ConfState) bool {
	ids := idsOf(&pb.ConfState{Voters: slices.Concat(idsOf(a), idsOf(b))})
	for set := range 1 << len(ids) {
		if isQuorum(a, ids, uint(set)) && isQuorum(b, ids, ^uint(set)) {
			return false
		}
	}
	return true
}

func isQuorum(cs *pb.ConfState, ids []uint64, set uint) bool {
	for _, voters := range [][]uint64{cs.Voters, cs.VotersOutgoing} {
		var mask uint
		for i, id := range ids {
			if slices.Contains(voters, id) {
				mask |= 1 << i
			}
		}
		if len(voters) > 0 && bits.OnesCount(mask&set) <= len(voters)/2 {
			return false
		}
	}
	return true
}

func (c *cluster) change(id uint64, change Change) error {
	err := c.node(id).replica.ChangeMembers(change)
	c.ready(c.node(id))
	return err
}

// TestRaiseCommit: all changes in a log but the last one are committed, whatever the hard state says.
func TestRaiseCommit(t *testing.T) {
	for _, c := range []struct {
		name    string
		kinds   string // of entries 11, 12, ..: c a change, e any other
		commit  uint64
		want    uint64
		noState bool
	}{
		{name: "no change", kinds: "eee", commit: 11, want: 11},
		{name: "one change", kinds: "ece", commit: 11, want: 11},
		{name: "two changes", kinds: "ecec", commit: 10, want: 12},
		{name: "three changes", kinds: "cccee", commit: 10, want: 12},
		{name: "known", kinds: "ccee", commit: 13, want: 13},
		{name: "no hard state", kinds: "cc", noState: true, want: 11},
	} {
		s := &saved{hard: hardState(3, 2, c.commit)}
		if c.noState {
			s.hard = nil
		}
		for i, kind := range c.kinds {
			e := entry(11+uint64(i), 1, "")
			if kind == 'c' {
				e.Type = pb.EntryConfChangeV2.Enum()
			}
			s.entries = append(s.entries, e)
		}
		s.raiseCommit()
		if got := s.hard.GetCommit(); got != c.want {
			t.Errorf("%s: committed %d, want %d", c.name, got, c.want)
		}
		if !c.noState && (s.hard.GetTerm() != 3 || s.hard.GetVote() != 2) {
			t.Errorf("%s: the hard state became %v", c.name, s.hard)
		}
	}
}

// TestTableEncoding: what is encoded can be read again, and nothing of it if it is cut short.
func TestTableEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []Member
		for i := range rapid.IntRange(0, 4).Draw(t, "members") {
			m := Member{ID: uint64(i)*3 + 1, Name: rapid.String().Draw(t, "name"), Learner: rapid.Bool().Draw(t, "learner")}
			switch rapid.IntRange(0, 2).Draw(t, "address") {
			case 0:
				m.Address = addressOf(uint64(i))
			case 1:
				m.Address = netip.IPv6LinkLocalAllNodes()
			}
			list = append(list, m)
		}
		want, err := newTable(list)
		if err != nil {
			t.Fatal(err)
		}
		want.change = rapid.Uint64().Draw(t, "change")
		b := want.encode(nil)
		var got table
		d := decoder{b: append(slices.Clone(b), "rest"...)}
		got.decode(&d)
		if d.err != nil || string(d.b) != "rest" || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%v became %v, error %v, left %q", want, got, d.err, d.b)
		}
		d = decoder{b: b[:rapid.IntRange(0, len(b)-1).Draw(t, "size")]}
		if got.decode(&d); d.err == nil {
			t.Fatal("half a table was accepted")
		}
	})
}

// TestPreview: what is told of the members before the first Ready is what they are after it.
func TestPreview(t *testing.T) {
	c := elected(t)
	m := c.node(1)
	for i, change := range []Change{{Add: []Member{memberOf(4), memberOf(5)}}, {Remove: []uint64{2}, Update: []Member{{ID: 3, Name: "x", Address: addressOf(9)}}}} {
		if err := c.change(1, change); err != nil {
			t.Fatal(i, err)
		}
		var left []*disktest.Strict
		m.disk.Step = func() { left = append(left, m.disk.AfterKill()) }
		c.deliver()
		m.disk.Step = func() {}
		for _, disk := range left {
			again, err := Open(m.config(), disk, registers{})
			if err != nil {
				t.Fatal(err)
			}
			before := again.Members()
			if _, err := again.Ready(); err != nil || !slices.Equal(before, again.Members()) {
				t.Errorf("%v became %v, error %v", before, again.Members(), err)
			}
		}
	}
}

// TestPlanRefuses goes through what a change may not be.
func TestPlanRefuses(t *testing.T) {
	c := elected(t)
	noAddress := Member{ID: 4}
	for _, test := range []struct {
		name   string
		change Change
		want   error
	}{
		{"nothing", Change{}, ErrBadChange},
		{"an ID in use", Change{Add: []Member{memberOf(3)}}, ErrUsedID},
		{"an ID twice", Change{Add: []Member{memberOf(4), memberOf(4)}}, ErrUsedID},
		{"no address", Change{Add: []Member{noAddress}}, ErrBadChange},
		{"promote a stranger", Change{Promote: []uint64{4}}, ErrUnknownMember},
		{"promote a voter", Change{Promote: []uint64{2}}, ErrUnknownMember},
		{"remove a stranger", Change{Remove: []uint64{4}}, ErrUnknownMember},
		{"update a stranger", Change{Update: []Member{memberOf(4)}}, ErrUnknownMember},
		{"remove twice", Change{Remove: []uint64{2, 2}}, ErrBadChange},
		{"remove and update", Change{Remove: []uint64{2}, Update: []Member{memberOf(2)}}, ErrBadChange},
		{"remove all", Change{Remove: []uint64{1, 2, 3}}, ErrWouldLoseQuorum},
	} {
		if err := c.change(1, test.change); !errors.Is(err, test.want) {
			t.Errorf("%s: error %v", test.name, err)
		}
	}
	if err := c.change(2, Change{Remove: []uint64{3}}); !errors.Is(err, ErrNotLeader) {
		t.Errorf("a follower: error %v", err)
	}
}

// TestRoutes: strangers cannot fill the memory.
func TestRoutes(t *testing.T) {
	r := routes{}
	for id := range uint64(1000) {
		r.heard(id, addressOf(id))
	}
	if len(r) > maxRoutes {
		t.Errorf("%d are remembered", len(r))
	}
}

// TestWaiting: a node without members neither stands, nor votes, nor takes a log from its beginning, nor believes that
// it has what it has not; it answers where the question came from.
func TestWaiting(t *testing.T) {
	c := newCluster(t, 1000)
	m := c.boot(nil)
	message := func(kind pb.MessageType) *pb.Message {
		return &pb.Message{Type: kind.Enum(), From: proto.Uint64(1), To: proto.Uint64(m.id), Term: proto.Uint64(1)}
	}
	appends := message(pb.MsgApp)
	appends.Entries, appends.Commit = []*pb.Entry{entry(1, 1, "")}, proto.Uint64(1)
	heartbeat := message(pb.MsgHeartbeat)
	heartbeat.Commit = proto.Uint64(100)
	for _, message := range []*pb.Message{message(pb.MsgVote), message(pb.MsgPreVote), appends, heartbeat} {
		m.replica.Step(addressOf(77), mustMarshal(message))
	}
	out, err := m.replica.Ready()
	if err != nil || len(out.Messages) != 1 || out.Messages[0].Address != addressOf(77) || m.replica.Status().Committed != 0 {
		t.Errorf("output %+v, error %v", out, err)
	}
	for range 30 {
		m.now += tickInterval
		m.replica.Tick()
	}
	m.replica.Campaign()
	if out, err := m.replica.Ready(); err != nil || len(out.Messages) > 0 || out.Removed {
		t.Errorf("output %+v, error %v", out, err)
	}
}
