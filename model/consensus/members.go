package consensus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Member is a node of the cluster. Its ID is given once and dies with the node's disk: a node that comes back
// with an empty disk is a new one, because it has forgotten its promises.
type Member struct {
	ID      uint64 // from 1
	Name    string
	Address netip.Addr
	Learner bool // it follows the log, and has no vote
}

// table is who belongs to the cluster, as replicated state: every node has the same at the same place in the
// log. It is changed only by applied changes of the configuration, so it is immutable in between.
type table struct {
	change uint64   // where in the log the latest change stands; 0: the members are the first ones
	last   uint64   // the highest ID that was ever given away
	list   []Member // by ID; those that are leaving (joint consensus) are in it until they have left
}

const tableVersion = 1

// newTable holds the first members of a cluster.
func newTable(members []Member) (table, error) {
	t := table{list: slices.Clone(members)}
	slices.SortFunc(t.list, byID)
	for i, m := range t.list {
		if m.ID == 0 || m.ID == t.last {
			return table{}, fmt.Errorf("member %d of %d: ID %d is not one of its own", i+1, len(t.list), m.ID)
		}
		t.last = m.ID
	}
	return t, nil
}

func byID(a, b Member) int {
	switch {
	case a.ID < b.ID:
		return -1
	case a.ID > b.ID:
		return 1
	}
	return 0
}

func (t table) find(id uint64) (Member, bool) {
	for _, m := range t.list {
		if m.ID == id {
			return m, true
		}
	}
	return Member{}, false
}

// confState is what raft calls the members of a table that is not joint.
func (t table) confState() *pb.ConfState {
	cs := &pb.ConfState{AutoLeave: proto.Bool(false)}
	for _, m := range t.list {
		if m.Learner {
			cs.Learners = append(cs.Learners, m.ID)
		} else {
			cs.Voters = append(cs.Voters, m.ID)
		}
	}
	return cs
}

// after is the table behind a change at a place in the log. Who is a member, and who votes, is raft's to say; the
// change adds how they are called and where they are.
func (t table) after(index uint64, told []Member, cs *pb.ConfState) table {
	out := table{change: index, last: t.last}
	for _, id := range idsOf(cs) {
		m, _ := t.find(id)
		for _, news := range told {
			if news.ID == id {
				m = news
			}
		}
		m.ID, m.Learner = id, slices.Contains(cs.Learners, id) || slices.Contains(cs.LearnersNext, id)
		out.list = append(out.list, m)
		out.last = max(out.last, id)
	}
	return out
}

// idsOf returns everybody who has a part in a configuration, in order.
func idsOf(cs *pb.ConfState) []uint64 {
	ids := slices.Concat(cs.GetVoters(), cs.GetLearners(), cs.GetVotersOutgoing(), cs.GetLearnersNext())
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (t table) encode(b []byte) []byte {
	b = append(b, tableVersion)
	b = binary.AppendUvarint(b, t.change)
	b = binary.AppendUvarint(b, t.last)
	return appendMembers(b, t.list)
}

func (t *table) decode(d *decoder) {
	if d.byte() != tableVersion {
		d.err = errors.Join(d.err, fmt.Errorf("members of a version this build does not know: %w", errDamaged))
		return
	}
	t.change, t.last = d.uvarint(), d.uvarint()
	t.list = d.members()
}

func appendMembers(b []byte, list []Member) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, m := range list {
		b = binary.AppendUvarint(b, m.ID)
		b = appendBytes(b, m.Name)
		b = appendBytes(b, m.Address.AsSlice())
		learner := byte(0)
		if m.Learner {
			learner = 1
		}
		b = append(b, learner)
	}
	return b
}

func (d *decoder) members() []Member {
	var list []Member
	for n := d.uvarint(); n > 0 && d.err == nil; n-- {
		m := Member{ID: d.uvarint(), Name: string(d.bytes())}
		if address := d.bytes(); len(address) > 0 {
			var ok bool
			if m.Address, ok = netip.AddrFromSlice(address); !ok {
				d.err = errDamaged
			}
		}
		m.Learner = d.byte() == 1
		list = append(list, m)
	}
	if d.err != nil {
		return nil
	}
	return list
}

// encodeTold makes the context of a change: the members that it adds or updates.
func encodeTold(told []Member) []byte { return appendMembers([]byte{tableVersion}, told) }

// decodeTold reads it. What cannot be read is the same on every node, so it is passed over alike.
func decodeTold(b []byte) []Member {
	d := decoder{b: b}
	if d.byte() != tableVersion {
		return nil
	}
	return d.members()
}

// routes remembers where messages of each node come from. A node need not be in the table to be answered: a
// learner has no table before it has answered its leader, and a node that was away may know only where its
// leader used to be.
type routes map[uint64]netip.Addr

// maxRoutes bounds what strangers can make this node remember.
const maxRoutes = 64

func (r routes) heard(id uint64, from netip.Addr) {
	if _, known := r[id]; !known && len(r) >= maxRoutes {
		clear(r)
	}
	r[id] = from
}

// changed forgets the routes that a new table contradicts: whatever was learnt last counts.
func (r routes) changed(was, now table) {
	for _, m := range now.list {
		if old, _ := was.find(m.ID); old.Address != m.Address {
			delete(r, m.ID)
		}
	}
}

// to is where a node can be reached, or the zero address.
func (r routes) to(id uint64, t *table) netip.Addr {
	if from := r[id]; from.IsValid() {
		return from
	}
	m, _ := t.find(id)
	return m.Address
}
