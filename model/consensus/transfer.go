package consensus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// offer is a leader's word that another may be elected at once. It goes with the message that makes the other
// stand, and with the other's requests for votes. It may come late, when the leader has long gone on; so it names
// the latest heartbeat that it gives up, and the members it knew.
type offer struct {
	round
	change uint64 // table.change of the leader
}

// transferContext is how raft marks requests for votes that follow a transfer (campaignTransfer in raft.go).
const transferContext = "CampaignTransfer"

func (o offer) encode() []byte {
	b := []byte(transferContext)
	b = binary.LittleEndian.AppendUint64(b, o.term)
	b = binary.LittleEndian.AppendUint64(b, uint64(o.sent))
	return binary.LittleEndian.AppendUint64(b, o.change)
}

func decodeOffer(context []byte) (o offer, ok bool) {
	rest, ok := bytes.CutPrefix(context, []byte(transferContext))
	if !ok || len(rest) != 3*8 {
		return offer{}, false
	}
	d := decoder{b: rest}
	o.term, o.sent, o.change = d.fixed64(), time.Duration(d.fixed64()), d.fixed64()
	return o, true
}

// TransferLeadership asks that a voter lead instead, on the leader only. It lasts as long as that voter takes to
// catch up and be elected, at most an election timeout; proposals meanwhile give [ErrBusy]. The lease ends here:
// give up what it protects before the call. It may come back if the transfer fails.
func (r *Replica) TransferLeadership(to uint64) error {
	if r.status.Role != Leader {
		return ErrNotLeader
	}
	if r.changing || len(r.storage.members.GetVotersOutgoing()) > 0 {
		return ErrChangePending // raft could not end it meanwhile
	}
	if m, ok := r.core.members.find(to); !ok || m.Learner || to == r.cfg.ID {
		return fmt.Errorf("voter %d: %w", to, ErrUnknownMember)
	}
	if r.node.BasicStatus().LeadTransferee == to {
		return nil // it is under way, and may have been offered: nothing of later may void that
	}
	r.lease.floor = r.cfg.Now()
	r.node.TransferLeader(to)
	return nil
}

// offering marks the messages of a transfer that leave this node.
func (r *Replica) offering(m *pb.Message) {
	switch {
	case m.GetType() == pb.MsgTimeoutNow:
		r.lease.floor = r.cfg.Now()
		m.Context = offer{round{m.GetTerm(), r.lease.floor}, r.core.members.change}.encode()
	case m.GetType() == pb.MsgVote && len(m.Context) > 0:
		m.Context = r.offered.encode()
	}
}

// mayStand tells whether this node may stand for election at once because its leader asks it to.
func (r *Replica) mayStand(m *pb.Message) bool {
	offer, ok := decodeOffer(m.Context)
	if !ok || offer.term != m.GetTerm() || !r.valid(offer) {
		return false
	}
	r.offered = offer
	return true
}

// valid tells whether an offer frees this node from standing by. A leader who has given the transfer up leads on.
func (r *Replica) valid(o offer) bool {
	if b := r.node.BasicStatus(); b.RaftState == raft.StateLeader && b.LeadTransferee == 0 {
		return false
	}
	return r.cfg.Now() >= r.lease.unsure && !r.lease.round.after(o.round) && r.core.members.change <= o.change
}
