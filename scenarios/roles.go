package scenarios

import (
	"slices"
	"strings"

	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/model/config"
)

// Roles follows who leads and who serves, by what nodes say of themselves, so that a fault can name its target by role. A
// world shows it every node event; it resolves selectors by what it has seen.
type Roles struct {
	nodes    []Node
	services []config.VirtualService

	up     map[string]bool
	leader string
	term   uint64
	active map[string][]string // by group, group/unit or group/address: who serves it, the latest last
	placed map[string][]string // by service: its engines, primary first, as the leader last placed it

	members   map[string]bool // controllers that are members of the cluster
	membersAt uint64          // where in the log they became that
}

// NewRoles returns the roles of a plan before anything has happened.
func NewRoles(plan *Scenario) *Roles {
	r := &Roles{
		nodes: plan.Nodes(), services: plan.Config.Services,
		up: make(map[string]bool), active: make(map[string][]string), placed: make(map[string][]string), members: make(map[string]bool),
	}
	for i := range plan.Topology.Cluster {
		r.members[nodeName(RoleController, i+1)] = true
	}
	return r
}

// Member tells whether a controller is a member of the cluster.
func (r *Roles) Member(controller string) bool { return r.members[controller] }

// Add takes up a node that was made while the run went on.
func (r *Roles) Add(n Node) { r.nodes = append(r.nodes, n) }

// Remove forgets a node that is gone for good.
func (r *Roles) Remove(name string) {
	r.nodes = slices.DeleteFunc(r.nodes, func(n Node) bool { return n.Name == name })
}

// Follow takes a node event.
func (r *Roles) Follow(e *history.Event) {
	switch model.EventKind(e.Event) {
	case model.EventStarted:
		r.up[e.Node] = true
	case model.EventLeader:
		if e.Unit == "" && e.Term >= r.term {
			r.leader, r.term = e.Node, e.Term
		}
	case model.EventFollower:
		r.unseat(e.Node)
	case model.EventStopped:
		r.up[e.Node] = false
		r.unseat(e.Node)
		for unit, holders := range r.active { // which one is looked at first does not matter
			r.active[unit] = without(holders, e.Node)
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
		r.active[e.Unit] = append(without(r.active[e.Unit], e.Node), e.Node)
	case model.EventStandby:
		r.active[e.Unit] = without(r.active[e.Unit], e.Node)
	}
}

func (r *Roles) unseat(controller string) {
	if r.leader == controller {
		r.leader = ""
	}
}

// without returns the names but one, in a slice of its own.
func without(names []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == one })
}

// Resolve tells which nodes a selector means at this moment, in the order of [Scenario.Nodes], each once.
func (r *Roles) Resolve(s Selector) []string {
	switch s.Kind {
	case SelectNode:
		return r.where(func(n *Node) bool { return n.Name == s.Name })
	case SelectLeader:
		return r.where(func(n *Node) bool { return n.Name == r.leader })
	case SelectFollower:
		followers := r.followers()
		if s.Index >= len(followers) {
			return nil
		}
		return followers[s.Index : s.Index+1]
	case SelectFollowers:
		return r.followers()
	case SelectControllers:
		return r.where(func(n *Node) bool { return r.members[n.Name] })
	case SelectServers:
		return r.where(func(n *Node) bool { return n.Role == RoleServer })
	case SelectEngines:
		return r.where(func(n *Node) bool { return n.Role == RoleEngine && (s.Name == "" || n.Group == s.Name) })
	case SelectActive:
		return r.where(func(n *Node) bool { return n.Group == s.Name && r.serves(n.Name, s.Name, true) })
	case SelectStandby:
		return r.where(func(n *Node) bool { return n.Group == s.Name && !r.serves(n.Name, s.Name, false) })
	case SelectPrimary:
		primary := r.primary(s.Name)
		return r.where(func(n *Node) bool { return n.Name == primary })
	case SelectSecondary:
		secondary := r.secondary(s.Name)
		return r.where(func(n *Node) bool { return n.Name == secondary })
	case SelectRack:
		return r.where(func(n *Node) bool { return n.Rack == s.Name })
	case SelectHost:
		return r.OnSameHosts(r.Resolve(*s.Of))
	default: // SelectAll
		return r.where(func(*Node) bool { return true })
	}
}

// OnSameHosts lists every node on the hosts that carry the given ones.
func (r *Roles) OnSameHosts(names []string) []string {
	return r.where(func(n *Node) bool {
		return slices.ContainsFunc(r.nodes, func(o Node) bool { return o.Host == n.Host && slices.Contains(names, o.Name) })
	})
}

// where lists the nodes that a test picks.
func (r *Roles) where(pick func(*Node) bool) []string {
	var out []string
	for i := range r.nodes {
		if n := &r.nodes[i]; pick(n) {
			out = append(out, n.Name)
		}
	}
	return out
}

// followers lists every member of the cluster but the one that leads.
func (r *Roles) followers() []string {
	return r.where(func(n *Node) bool { return r.members[n.Name] && n.Name != r.leader })
}

// serves tells whether an engine is active for a group or a unit of it; where two believe to be, only the latest
// counts if so wanted.
func (r *Roles) serves(engine, group string, latest bool) bool {
	for unit, holders := range r.active {
		if name, _, _ := strings.Cut(unit, "/"); name != group {
			continue
		}
		at := slices.Index(holders, engine)
		if at >= 0 && (!latest || at == len(holders)-1) {
			return true
		}
	}
	return false
}

// primary is the engine that holds the address of a service of an elastic group; where two do, the latest.
func (r *Roles) primary(service string) string {
	for _, vs := range r.services {
		if vs.Name != service {
			continue
		}
		if holders := r.active[vs.SEGroupRef+"/"+vs.VIP.String()]; len(holders) > 0 {
			return holders[len(holders)-1]
		}
	}
	return ""
}

// secondary is the first engine of a service, as it is placed, that runs and is not the primary.
func (r *Roles) secondary(service string) string {
	for _, name := range r.placed[service] {
		if r.up[name] && name != r.primary(service) {
			return name
		}
	}
	return ""
}
