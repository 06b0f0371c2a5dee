package real

import (
	"net/netip"
	"slices"

	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/real/node"
	"firedrill/scenarios"
)

// answer does what the world owes to what a machine says.
func (r *run) answer(e *history.Event) {
	if e.Type != history.NodeEv {
		return
	}
	switch model.EventKind(e.Event) {
	case model.EventMembers:
		r.tellMembers()
	case model.EventMetricsRead: // what has truly been carried is told beside it
		r.tell(node.Message{Carried: &e.Unit}, scenarios.RoleEngine)
	}
}

// members are the addresses of the controllers that are members of the cluster at this moment, as anybody could know.
func (r *run) members() []netip.Addr {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []netip.Addr
	for _, n := range r.plan.Nodes() {
		if n.Role == scenarios.RoleController && r.roles.Member(n.Name) {
			out = append(out, n.Addresses()[0])
		}
	}
	return out
}

// tellMembers tells clients, and engines for when they restart, who the members of the cluster are, if that has changed.
func (r *run) tellMembers() {
	now := r.members()
	r.mu.Lock()
	same := slices.Equal(now, r.known)
	r.known = now
	r.mu.Unlock()
	if !same {
		r.tell(node.Message{Members: now}, scenarios.RoleClient, scenarios.RoleEngine)
	}
}

// tell says something to all machines of some roles. Who is down is told what matters when it is started.
func (r *run) tell(what node.Message, roles ...string) {
	for _, m := range r.machines() {
		if slices.Contains(roles, m.Role) {
			_ = m.tell(what)
		}
	}
}
