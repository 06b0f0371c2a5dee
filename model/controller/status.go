package controller

import "firedrill/model/wire"

// The states of the cluster, as the vendor's API names them.
const (
	ClusterActive      = "CLUSTER_UP_HA_ACTIVE"      // all of its nodes are ready
	ClusterCompromised = "CLUSTER_UP_HA_COMPROMISED" // a quorum is, but not all
	ClusterNoHA        = "CLUSTER_UP_NO_HA"          // there is but one node
	ClusterDown        = "CLUSTER_DOWN"              // no quorum, or no leader yet
)

// clusterStatus is the answer of GET /api/cluster/status: what the controller that was asked sees. It is never
// forwarded, because it is what one asks for when there is no leader.
type clusterStatus struct {
	State      string       `json:"cluster_state"`
	Leader     string       `json:"leader,omitempty"` // name; empty: this node knows none
	Term       uint64       `json:"term"`
	AnsweredBy string       `json:"answered_by"`
	Nodes      []nodeStatus `json:"node_states"`
	Change     string       `json:"change,omitempty"` // the change of the cluster that is under way
	// Warnings are what an operator should look at; the leader alone has them.
	Warnings []string `json:"warnings,omitempty"`
}

type nodeStatus struct {
	Name    string `json:"name"`
	IP      string `json:"mgmt_ip"`
	Role    string `json:"role"` // CLUSTER_LEADER, CLUSTER_FOLLOWER, or CLUSTER_LEARNER while it catches up
	State   string `json:"state"`
	Version string `json:"version,omitempty"`
	Applied uint64 `json:"applied"` // index of the log
}

func (a *call) clusterStatus() { a.answer(200, 0, a.c.clusterStatus()) }

func (c *Controller) clusterStatus() clusterStatus {
	out := clusterStatus{State: c.clusterState(), Term: c.status.Term, AnsweredBy: c.name(), Change: c.changeUnderWay()}
	for _, m := range c.members() {
		s := nodeStatus{Name: m.Name, IP: m.Address.String(), Role: "CLUSTER_FOLLOWER", State: c.nodes.stateOf(m.ID)}
		switch {
		case m.ID == c.id:
			s.Version, s.Applied = c.cfg.Version, c.replica.Status().Applied
		default:
			r := c.nodes.view(m.ID).report
			s.Version, s.Applied = r.Version, r.Applied
		}
		switch {
		case m.ID == c.status.Leader:
			s.Role, out.Leader = "CLUSTER_LEADER", m.Name
		case m.Learner:
			s.Role = "CLUSTER_LEARNER"
		}
		out.Nodes = append(out.Nodes, s)
	}
	if c.ready {
		out.Warnings = c.fleet.warnings()
	}
	return out
}

// clusterState judges by the voters that this node hears. Without a leader the cluster is down, whoever lives.
func (c *Controller) clusterState() string {
	voters, ready := 0, 0
	for _, m := range c.members() {
		if m.Learner {
			continue
		}
		voters++
		if c.nodes.stateOf(m.ID) == StateReady {
			ready++
		}
	}
	switch {
	case c.status.Leader == 0 || !c.nodes.responsive(c.status.Leader) || ready <= voters/2:
		return ClusterDown
	case voters == 1:
		return ClusterNoHA
	case ready < voters || voters < 3:
		return ClusterCompromised
	}
	return ClusterActive
}

// getCluster answers with the cluster as it is configured.
func (a *call) getCluster() {
	a.name = clusterKey.Name
	a.c.do(&wire.Request{Operation: wire.Operation_READ, Kind: string(clusterKey.Kind), Name: clusterKey.Name}, func(r *wire.Response) {
		if !a.refused(r) {
			a.send(200, "application/json", r.Version, r.Body)
		}
	})
}
