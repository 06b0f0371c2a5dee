package scenarios

import (
	"slices"

	"firedrill/checker/history"
	"firedrill/model/config"
)

// Header says in a history what was run: the plan, in which world, with which clients.
func Header(plan *Scenario, world string, seed uint64, clients []Node) history.Header {
	h := history.Header{Format: history.Format, Version: history.Version, Scenario: plan.Name, World: world, Seed: seed, Expect: plan.Expect}
	profile, _ := config.Profile(plan.Profile) // a plan's is known
	t := profile.Override(plan.Timers)
	h.Timers = &t
	if plan.Machine != nil && world == WorldSim {
		h.Machine = plan.Machine.Profile
	}
	for _, n := range append(plan.Nodes(), clients...) {
		node := history.Node{Name: n.Name, Role: n.Role, Group: n.Group, Host: n.Host}
		if n.Role == RoleServer {
			node.Address = n.Addresses()[0].String()
		}
		h.Nodes = append(h.Nodes, node)
	}
	if ip := plan.Topology.ClusterIP; ip != nil {
		h.ClusterIP = &history.ClusterIP{Address: ip.String(), Refresh: t.GARPRefresh}
	}
	h.Services = append(h.Services, history.Service{Name: "api"})
	for _, vs := range plan.Config.Services {
		h.Services = append(h.Services, history.Service{Name: vs.Name, Address: vs.VIP.String(), Group: vs.SEGroupRef, Pool: plan.Config.pool(vs.PoolRef, h.Nodes)})
	}
	return h
}

// pool describes a pool whose choices can be judged: of servers that are nodes, each once, under one monitor, whose word
// is the engine's word. Of others it returns nil.
func (c *Config) pool(name string, nodes []history.Node) *history.Pool {
	i := slices.IndexFunc(c.Pools, func(p config.Pool) bool { return p.Name == name })
	if i < 0 || len(c.Pools[i].HealthMonitorRefs) != 1 {
		return nil
	}
	p := c.Pools[i].WithDefaults()
	m := slices.IndexFunc(c.HealthMonitors, func(m config.HealthMonitor) bool { return m.Name == p.HealthMonitorRefs[0] })
	if m < 0 {
		return nil
	}
	monitor := c.HealthMonitors[m].WithDefaults()
	out := &history.Pool{Name: name, Monitor: p.HealthMonitorRefs[0], Algorithm: p.LBAlgorithm,
		Out: config.Duration(monitor.FailedChecks)*monitor.SendInterval + monitor.ReceiveTimeout,
		In:  max(0, config.Duration(monitor.SuccessfulChecks-1)*monitor.SendInterval-monitor.ReceiveTimeout)} // the first may have been on its way
	for _, s := range p.Servers {
		n := slices.IndexFunc(nodes, func(n history.Node) bool { return n.Address == s.IP.String() })
		if n < 0 || slices.Contains(out.Servers, nodes[n].Name) {
			return nil
		}
		out.Servers = append(out.Servers, nodes[n].Name)
	}
	return out
}
