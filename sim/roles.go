package sim

import (
	"strings"

	"firedrill/model"
)

// roles follows who leads and who serves, by what nodes say of themselves, so that a fault can name its
// target by role.
type roles struct {
	leader *machine
	term   uint64
	active map[string][]*machine // by group, or group/unit: who serves it, the latest last

	placed map[string][]string // by service: its engines, primary first, as the leader last placed it

	members   map[string]bool // controllers that are members of the cluster
	membersAt uint64          // where in the log they became that
}

func (r *roles) follow(m *machine, e *model.Event) {
	switch e.Kind {
	case model.EventLeader:
		if e.Unit == "" && e.Term >= r.term {
			r.leader, r.term = m, e.Term
		}
	case model.EventFollower, model.EventStopped:
		if r.leader == m {
			r.leader = nil
		}
		if e.Kind == model.EventStopped {
			r.forget(m)
		}
	case model.EventMembers:
		if e.Peer == "" && e.Index >= r.membersAt { // those of a controller at factory default are its own affair
			r.membersAt = e.Index
			clear(r.members)
			for _, name := range strings.Fields(e.Unit) {
				r.members[name] = true
			}
		}
	case model.EventPlaced:
		r.placed[e.Unit] = strings.Fields(e.Peer)
	case model.EventActive:
		r.active[e.Unit] = append(without(r.active[e.Unit], []*machine{m}), m)
	case model.EventStandby:
		r.active[e.Unit] = without(r.active[e.Unit], []*machine{m})
	}
}

// forget takes a stopped engine out of every unit; which one is looked at first does not matter.
func (r *roles) forget(m *machine) {
	for unit, holders := range r.active {
		r.active[unit] = without(holders, []*machine{m})
	}
}
