package consensus

import (
	"errors"
	"testing"
	"time"

	"go.etcd.io/raft/v3"
)

// handover is a cluster whose leader 1 has begun to hand over to 2, and the message by which it does, not delivered.
func handover(t *testing.T) (*cluster, envelope) {
	t.Helper()
	c := elected(t)
	c.tick(1)
	c.deliver()
	if err := c.node(1).replica.TransferLeadership(2); err != nil {
		t.Fatal(err)
	}
	c.ready(c.node(1))
	if len(c.queue) != 1 {
		t.Fatalf("%d messages", len(c.queue))
	}
	message := c.queue[0]
	c.queue = nil
	return c, message
}

// TestLateOffer: an offer is taken in time, and has no effect once it is known to be out of date or may be.
func TestLateOffer(t *testing.T) {
	for _, test := range []struct {
		name  string
		then  func(c *cluster)
		taken bool
	}{
		{"at once", func(*cluster) {}, true},
		{"after another heartbeat", func(c *cluster) { c.tick(1); c.deliver() }, true}, // the leader still hands over
		{"after it was given up", func(c *cluster) {
			for range 6 {
				c.tick(1)
				c.deliver()
			}
		}, false},
		{"after a restart", func(c *cluster) { c.crash(2); c.restart(2) }, false},
		{"after a change", func(c *cluster) { c.node(2).replica.core.members.change = 99 }, false},
	} {
		c, message := handover(t)
		test.then(c)
		c.queue = []envelope{message}
		c.deliverAt(0)
		if taken := c.node(2).replica.Status().Role == Candidate; taken != test.taken {
			t.Errorf("%s: taken %t", test.name, taken)
		}
	}
}

// TestLateVote: a request for a vote that follows an offer has no more force than the offer.
func TestLateVote(t *testing.T) {
	for _, late := range []bool{false, true} {
		c, message := handover(t)
		if late {
			c.cut[link{1, 2}] = true
			for range 6 { // it gives the transfer up
				c.tick(1)
				c.deliver()
			}
		}
		c.queue = []envelope{message}
		clear(c.cut)
		c.deliverAt(0)
		c.deliver()
		if leads := c.node(2).replica.Status().Role == Leader; leads == late {
			t.Errorf("late %t: the candidate %s", late, describeStatus(c.node(2).replica.Status()))
		}
	}
}

func TestTransferRefuses(t *testing.T) {
	c := elected(t)
	for to, want := range map[uint64]error{1: ErrUnknownMember, 9: ErrUnknownMember} {
		if err := c.node(1).replica.TransferLeadership(to); !errors.Is(err, want) {
			t.Errorf("to %d: error %v", to, err)
		}
	}
	if err := c.node(2).replica.TransferLeadership(1); !errors.Is(err, ErrNotLeader) {
		t.Errorf("by a follower: error %v", err)
	}
	if err := c.node(1).replica.ChangeMembers(Change{Remove: []uint64{3}}); err != nil {
		t.Fatal(err)
	}
	if err := c.node(1).replica.TransferLeadership(2); !errors.Is(err, ErrChangePending) {
		t.Errorf("during a change: error %v", err)
	}
}

func TestLeaseTime(t *testing.T) {
	for _, test := range []struct {
		ticks    int
		interval time.Duration
		ppm      uint64
		want     time.Duration
	}{
		{40, time.Second, 500, 39960019990},       // 40 s times 999500/1000500, rounded down
		{5, time.Second, 0, 5 * time.Second},      // clocks without fault
		{1, time.Nanosecond, 1, 0},                // never rounded up
		{1000, 1000 * time.Hour, 500_000, 1.2e18}, // a third
		{4, time.Minute, 999_999, 120 * 1000},     // next to nothing
	} {
		c := Config{ElectionTicks: test.ticks, TickInterval: test.interval, DriftPPM: test.ppm}
		if got := c.leaseTime(); got != test.want {
			t.Errorf("%+v: %d", test, got)
		}
	}
}

// TestBurst: ticks that come too soon do not make a follower stand while it stands by its leader.
func TestBurst(t *testing.T) {
	c := elected(t)
	r := c.node(2).replica
	for range 50 {
		r.Tick()
		c.ready(c.node(2))
	}
	if r.Status().Role != Follower {
		t.Errorf("it %s", describeStatus(r.Status()))
	}
	c.node(2).now += 5 * tickInterval
	for range 10 {
		r.Tick()
		c.ready(c.node(2))
	}
	if r.Status().Role != PreCandidate {
		t.Errorf("it %s", describeStatus(r.Status()))
	}
}

// TestPausedLeader: a leader that slept sees that its lease is over, before anything else has happened.
func TestPausedLeader(t *testing.T) {
	c := elected(t)
	m := c.node(1)
	if _, ok := m.replica.LeaseUntil(); ok {
		t.Error("a lease before any heartbeat was answered")
	}
	m.replica.RenewLease()
	c.ready(m)
	c.deliver()
	until, ok := m.replica.LeaseUntil()
	if !ok || until <= m.now+4*tickInterval {
		t.Errorf("a lease until %v, %t", until, ok)
	}
	m.now += 6 * tickInterval
	if until, _ := m.replica.LeaseUntil(); until > m.now {
		t.Errorf("at %v a lease until %v", m.now, until)
	}
	if m.replica.node.BasicStatus().RaftState != raft.StateLeader {
		t.Error("it does not lead")
	}
}
