// Package node is what runs inside one container: the code of package model, or a client of it, on a real clock, real
// connections, a real disk and real addresses.
package node

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"

	"firedrill/scenarios"
)

// Where a container finds what it is told: the first when it starts, the second when every container of the run is up. See
// [Message].
const (
	SpecFile  = "/firedrill/spec.json"
	EpochFile = "/firedrill/epoch" // the decimal number of nanoseconds on CLOCK_MONOTONIC at which the run's time is zero
	DiskDir   = "/firedrill/disk"  // of a controller or an engine

	ControlSocket = "/firedrill/control" // where the process listens for commands such as [Command]
)

// Spec says which container of which run this is. Everything else follows from the plan, as it does in the simulator.
type Spec struct {
	// Name is that of a node of the plan or of one that a cloud makes, or one of the clients': [ClientOutside], [ClientNearby],
	// [ClientAPI].
	Name string `json:"name"`
	Plan string `json:"plan"` // the plan, as YAML
	Seed uint64 `json:"seed"`
	// Networks are those that the container is plugged into. The container engine hands out addresses that mean nothing:
	// each one only tells which interface belongs to which network, and is replaced by the plan's.
	Networks []Network `json:"networks"`
	// Authority, Certificate and Key are PEM; nodes talk to each other over TLS 1.3 and accept only what Authority signed.
	Authority   []byte `json:"authority"`
	Certificate []byte `json:"certificate"`
	Key         []byte `json:"key"`
	// Token is what callers of a controller's REST API must show. Without one the API is served to nobody.
	Token string `json:"token,omitempty"`
	// Replaced says that this controller's disk is not the one that it was installed on: it comes up at factory default.
	Replaced bool `json:"replaced,omitempty"`
	// Members are the addresses of the cluster's members by now; without any, those that the plan begins with.
	Members []netip.Addr `json:"members,omitempty"`
	// Faults are those in force when the process begins.
	Faults []Fault `json:"faults,omitempty"`
	// Claims are the addresses that this machine was given by mistake: it is a foreign one, and runs nothing.
	Claims []netip.Addr `json:"claims,omitempty"`
	// Made is what a cloud has made this engine as; nil: the plan knows this container.
	Made *Made `json:"made,omitempty"`
}

// Made is an engine that a cloud has made while the run went on.
type Made struct {
	Node        scenarios.Node `json:"node"`
	Cluster     string         `json:"cluster"`     // whose it is
	Cloud       string         `json:"cloud"`       // the node that is its cloud's management
	Controllers []netip.Addr   `json:"controllers"` // to which it reports
	Image       string         `json:"image"`       // the version of the build that it boots
}

// The containers with clients.
const (
	ClientOutside = "client-outside" // behind the gateway: watches every other service
	ClientNearby  = "client-nearby"  // on the data network: watches the others, and keeps flows open
	ClientAPI     = "client-api"     // on the management network: watches the API, and operates it
)

// Network is one that a container is plugged into.
type Network struct {
	Name   string       `json:"name"`   // management, data or edge
	Handed netip.Prefix `json:"handed"` // the engine's addresses lie in here
}

// ReadSpec reads the file at path.
func ReadSpec(path string) (*Spec, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var s Spec
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &s, nil
}

func (s *Spec) write(path string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return writeWhole(path, data)
}

// node is the container's node, the zero Node for clients.
func (s *Spec) node(plan *scenarios.Scenario) scenarios.Node {
	if s.Made != nil {
		return s.Made.Node
	}
	for _, n := range plan.Nodes() {
		if n.Name == s.Name {
			return n
		}
	}
	return scenarios.Node{}
}

// addresses are the container's own.
func (s *Spec) addresses(plan *scenarios.Scenario) ([]netip.Addr, error) {
	if s.Claims != nil {
		return s.Claims, nil
	}
	if s.Made != nil {
		return s.Made.Node.Addresses(), nil
	}
	return AddressesOf(plan, s.Name)
}
