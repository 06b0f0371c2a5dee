package consensus

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// lease is what makes it safe to give the leader something that only one may have, such as an address.
//
// The rule: a node that has heard a leader votes for nobody, itself included, until an election timeout has
// passed by its own clock. So when a quorum has answered a heartbeat that the leader sent at t, no other can be
// elected before t plus an election timeout, less what two clocks may drift apart: whoever is elected needs the
// vote of one that answered. That also holds across a change of the members, since a candidate knows all changes
// but the last, and adjacent configurations overlap.
//
// Raft's own rule (inLease in raft.go) is not enough: it counts ticks, forgets the leader with a restart or a
// message of a higher term, and yields to a transfer however late its messages come. Here the time is measured;
// a node that restarts stands by for one election timeout, as if it had just heard a leader; and a transfer
// names the last heartbeat before it, so that it is void for nodes that have since answered a newer one.
//
// Every heartbeat of raft carries the leader's time in its context, and its answer brings it back. It costs no
// message and no table of rounds. The leader's clock is only compared with itself.
type lease struct {
	standBy time.Duration // this node votes for nobody before
	ticks   int           // of raft since it last heard a leader, or started
	unsure  time.Duration // until then it does not know whom it has heard, because it restarted
	round   round         // the latest it has answered

	// Of a leader:
	answered map[uint64]time.Duration // by member: the latest heartbeat that it answered, as of its sending
	heardAt  map[uint64]time.Duration // by member: when its latest answer came
	told     map[uint64]time.Duration // by member: the first heartbeat that said that the latest change is committed
	floor    time.Duration            // heartbeats up to here count no more: leadership was offered to another
}

// round names a heartbeat of a leader: its term, and when it was sent by its own clock.
type round struct {
	term uint64
	sent time.Duration
}

func (a round) after(b round) bool { return a.term > b.term || a.term == b.term && a.sent > b.sent }

const (
	longAgo = time.Duration(math.MinInt64)
	tagSize = 8
	million = 1_000_000
)

// newLease is that of a node that starts now. One whose disk was empty has heard nobody, ever.
func newLease(cfg *Config, fresh bool) lease {
	l := lease{standBy: longAgo, unsure: longAgo}
	if !fresh {
		l.unsure = cfg.Now() + cfg.electionTimeout()
		l.standBy = l.unsure
	}
	l.lead()
	return l
}

// lead forgets what an earlier leadership knew.
func (l *lease) lead() {
	l.answered, l.heardAt, l.told = map[uint64]time.Duration{}, map[uint64]time.Duration{}, map[uint64]time.Duration{}
	l.floor = longAgo
}

func (c *Config) electionTimeout() time.Duration {
	return time.Duration(c.ElectionTicks) * c.TickInterval
}

// leaseTime is an election timeout by the leader's clock, if that is as slow and a voter's as fast as may be.
func (c *Config) leaseTime() time.Duration {
	hi, lo := bits.Mul64(uint64(c.electionTimeout()), million-c.DriftPPM)
	t, _ := bits.Div64(hi, lo, million+c.DriftPPM)
	return time.Duration(t)
}

// LeaseUntil returns until when, by this node's own clock, no other node can lead; false if it holds no lease. A
// node that was paused or cut off sees by its clock that the lease has expired.
//
// What is known of it grows with every heartbeat that a quorum answers. It ends early in two cases: on
// [Replica.TransferLeadership], so give up what the lease protects before calling that; and on a Ready that ends
// the leadership, so act on Output.Changed before sending Output.Messages, among which may be a vote for another.
func (r *Replica) LeaseUntil() (until time.Duration, ok bool) {
	b := r.node.BasicStatus()
	if b.RaftState != raft.StateLeader || b.GetTerm() != r.status.Term || r.status.Role != Leader || b.LeadTransferee != 0 {
		return 0, false
	}
	sent := r.quorumAnswered(r.storage.members.Voters)
	if outgoing := r.storage.members.VotersOutgoing; len(outgoing) > 0 {
		sent = min(sent, r.quorumAnswered(outgoing))
	}
	if sent <= r.lease.floor {
		return 0, false
	}
	return sent + r.cfg.leaseTime(), true
}

// RenewLease sends heartbeats at once, on the leader only: a new leader then need not wait for the first ones that
// are due to have its lease. (Until it has committed an entry of its term, raft keeps them back.)
func (r *Replica) RenewLease() {
	if r.status.Role == Leader {
		r.node.ReadIndex(nil)
	}
}

// quorumAnswered is when the latest heartbeat was sent that a quorum of these voters has answered, or a later one.
// The leader answers its own at once.
func (r *Replica) quorumAnswered(voters []uint64) time.Duration {
	sent := make([]time.Duration, 0, 8)
	for _, id := range voters {
		at, ok := r.lease.answered[id]
		switch {
		case id == r.cfg.ID:
			at = r.cfg.Now()
		case !ok:
			at = longAgo
		}
		sent = append(sent, at)
	}
	slices.Sort(sent)
	if len(sent) == 0 {
		return longAgo
	}
	return sent[(len(sent)-1)/2] // of three the second, of four the second from below: so many have at least that
}

// admits looks at a message before raft does, and tells whether raft may have it.
func (r *Replica) admits(m *pb.Message) bool {
	switch m.GetType() {
	case pb.MsgVote, pb.MsgPreVote:
		return r.mayVote(m)
	case pb.MsgTimeoutNow:
		return r.mayStand(m)
	case pb.MsgApp, pb.MsgHeartbeat, pb.MsgSnap:
		return r.hearLeader(m)
	case pb.MsgHeartbeatResp:
		r.hearAnswer(m)
	}
	return true
}

// hearLeader begins an election timeout of standing by. A node without members can do nothing with a log from its
// beginning, and has none of which a heartbeat could tell that it is committed; a leader who tries takes it for
// one that had its ID.
func (r *Replica) hearLeader(m *pb.Message) bool {
	if waiting := len(r.core.members.list) == 0; waiting {
		if m.GetType() == pb.MsgApp && m.GetIndex() == 0 {
			return false
		}
		if m.GetType() == pb.MsgHeartbeat {
			m.Commit = nil
		}
	}
	if m.GetTerm() < r.status.Term {
		return true // raft tells the sender
	}
	now := r.cfg.Now()
	r.lease.standBy, r.lease.ticks = max(r.lease.standBy, now+r.cfg.electionTimeout()), 0
	if sent, _, ok := cutTag(m.Context); ok && m.GetType() == pb.MsgHeartbeat {
		if this := (round{m.GetTerm(), sent}); this.after(r.lease.round) {
			r.lease.round = this
		}
	}
	return true
}

// hearAnswer notes that a member has answered a heartbeat, and leaves in the message what raft had put there.
func (r *Replica) hearAnswer(m *pb.Message) {
	sent, rest, ok := cutTag(m.Context)
	m.Context = rest
	if !ok || r.status.Role != Leader || m.GetTerm() != r.status.Term {
		return
	}
	if was, known := r.lease.answered[m.GetFrom()]; !known || sent > was {
		r.lease.answered[m.GetFrom()] = sent
	}
	r.lease.heardAt[m.GetFrom()] = r.cfg.Now()
}

// mayVote refuses a candidate while this node stands by a leader. One to whom that leader has handed over need not
// wait. A node that does not know the members can be no voter.
func (r *Replica) mayVote(m *pb.Message) bool {
	if len(r.core.members.list) == 0 {
		return false
	}
	r.voteAsRemoved(m)
	offer, offered := decodeOffer(m.Context)
	m.Context = nil
	if offered && r.valid(offer) {
		m.Context = []byte(transferContext)
		return true
	}
	return r.cfg.Now() >= r.lease.standBy
}

// voteAsRemoved lets a node that is no member any more vote for one that does not know of that yet and needs its vote,
// although its own log may be longer: nobody else may ever get what it still appended after its removal was
// committed. So it measures the candidate by what it knows to be committed, and tells raft that the logs are equal.
// That is safe: what others have committed since, they did without this node, and some of them votes, too.
func (r *Replica) voteAsRemoved(m *pb.Message) {
	if _, in := r.core.members.find(r.cfg.ID); in {
		return
	}
	committed := r.node.BasicStatus().GetCommit()
	term, err := r.storage.Term(committed)
	last, _ := r.storage.LastIndex()
	lastTerm, lastErr := r.storage.Term(last)
	if err != nil || lastErr != nil || m.GetLogTerm() < term || m.GetLogTerm() == term && m.GetIndex() < committed {
		return
	}
	if m.GetLogTerm() < lastTerm || m.GetLogTerm() == lastTerm && m.GetIndex() < last {
		m.LogTerm, m.Index = &lastTerm, &last
	}
}

// tooSoon holds raft's clock back while this node stands by a leader, where the next tick could make it stand for
// election itself: ticks are only about as long as they should be.
func (r *Replica) tooSoon() bool {
	return r.status.Role != Leader && r.lease.ticks+1 >= r.cfg.ElectionTicks && r.cfg.Now() < r.lease.standBy
}

// tag adds the time to a heartbeat. Those of a leader that is handing over say no later time than the offer does: they
// count for no lease, and must not void the offer for those whose votes the other needs.
func (r *Replica) tag(m *pb.Message) {
	now, handing := r.cfg.Now(), r.node.BasicStatus().LeadTransferee != 0
	if handing {
		now = min(now, r.lease.floor)
	}
	m.Context = binary.LittleEndian.AppendUint64(bytes.Clone(m.Context), uint64(now))
	if _, told := r.lease.told[m.GetTo()]; !told && !handing && m.GetCommit() >= r.core.members.change {
		r.lease.told[m.GetTo()] = now
	}
}

func cutTag(context []byte) (sent time.Duration, rest []byte, ok bool) {
	at := len(context) - tagSize
	if at < 0 {
		return 0, nil, false
	}
	if at > 0 {
		rest = context[:at]
	}
	return time.Duration(binary.LittleEndian.Uint64(context[at:])), rest, true
}
