package scenarios

import "firedrill/checker/history"

// Header says in a history what was run: the plan, in which world, with which clients.
func Header(plan *Scenario, world string, seed uint64, clients []Node) history.Header {
	h := history.Header{Format: history.Format, Version: history.Version, Scenario: plan.Name, World: world, Seed: seed, Expect: plan.Expect}
	if plan.Machine != nil && world == WorldSim {
		h.Machine = plan.Machine.Profile
	}
	h.Services = append(h.Services, history.Service{Name: "api"})
	for _, vs := range plan.Config.Services {
		h.Services = append(h.Services, history.Service{Name: vs.Name, Address: vs.VIP.String(), Group: vs.SEGroupRef})
	}
	for _, n := range append(plan.Nodes(), clients...) {
		h.Nodes = append(h.Nodes, history.Node{Name: n.Name, Role: n.Role, Group: n.Group, Host: n.Host})
	}
	return h
}
