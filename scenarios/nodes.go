package scenarios

import (
	"slices"
	"strconv"
)

// The roles of nodes. A client is no part of a scenario's topology: worlds add clients as they need them.
const (
	RoleController = "controller"
	RoleEngine     = "engine"
	RoleServer     = "server"
	RoleGateway    = "gateway"
	RoleClient     = "client"
	RoleCloud      = "cloud"
)

// Node is one machine of a scenario.
type Node struct {
	Name   string // role and number: engine-2
	Role   string
	Number int    // from 1, within the role
	Group  string // of an engine
	Host   string // nodes of one host lose power together
	Rack   string // of the host; may be empty
}

// Nodes lists the scenario's nodes: controllers, engines, servers, then the one gateway, each by number, and the cloud
// where there is one.
func (s *Scenario) Nodes() []Node {
	t := &s.Topology
	var out []Node
	add := func(role string, number int, group string) {
		n := Node{Name: nodeName(role, number), Role: role, Number: number, Group: group}
		n.Host, n.Rack = t.hostOf(n.Name)
		out = append(out, n)
	}
	for i := range t.Controllers {
		add(RoleController, i+1, "")
	}
	engine := 0
	for _, e := range t.Engines {
		for range e.Count {
			engine++
			add(RoleEngine, engine, e.Group)
		}
	}
	for i := range t.Servers {
		add(RoleServer, i+1, "")
	}
	add(RoleGateway, 1, "")
	if t.Cloud != nil {
		add(RoleCloud, 1, "")
	}
	return out
}

// HostRack is the rack of a host of the cloud.
func (t *Topology) HostRack(host string) string {
	for _, h := range t.Hosts {
		if h.Name == host {
			return h.Rack
		}
	}
	for _, h := range t.Cloud.Hosts {
		if h.Name == host {
			return h.Rack
		}
	}
	return ""
}

func nodeName(role string, number int) string { return role + "-" + strconv.Itoa(number) }

// hostOf returns the host that a node runs on: its own, unless the topology puts it elsewhere.
func (t *Topology) hostOf(node string) (name, rack string) {
	for _, h := range t.Hosts {
		if slices.Contains(h.Nodes, node) {
			return h.Name, h.Rack
		}
	}
	return ownHost(node), ""
}

func ownHost(node string) string { return "host-" + node }
