// Package history is the record of what happened in a run, in either world: a header, then events in the
// order of one clock. As a file it is JSON Lines, one value a line, the header first.
package history

import (
	"firedrill/model/config"
)

// Format and Version open every history file; a reader refuses other formats and newer versions.
const (
	Format  = "firedrill.history"
	Version = 1
)

// History is one run.
type History struct {
	Header Header
	Events []Event
}

// Header says what was run and what was expected of it. A history recorded elsewhere may leave everything
// but Format and Version empty.
type Header struct {
	Format   string    `json:"format"`
	Version  int       `json:"version"`
	Scenario string    `json:"scenario,omitempty"`
	World    string    `json:"world,omitempty"`
	Seed     uint64    `json:"seed,omitempty"`
	Machine  string    `json:"machine,omitempty"` // profile of the machine that a simulation was told of, 16 hex digits
	Services []Service `json:"services,omitempty"`
	Nodes    []Node    `json:"nodes,omitempty"`
	// ClusterIP is the address that the leader holds when the run begins.
	ClusterIP *ClusterIP `json:"cluster_ip,omitempty"`
	// Timers are those of the platform; nil: what depends on them is not judged.
	Timers *config.Timers `json:"timers,omitempty"`
	Expect Expect         `json:"expect,omitzero"`
}

// Service is something that is probed: a virtual service, or the configuration API (named "api").
type Service struct {
	Name    string `json:"name"`
	Address string `json:"address,omitempty"` // the VIP, without port
	Group   string `json:"group,omitempty"`   // the service-engine group that carries it
	Pool    *Pool  `json:"pool,omitempty"`    // nil: which of its servers gets a flow is not judged
}

// Pool is what a virtual service balances over. Which servers are up is told by server_up and server_down, of which the
// one monitor of the pool is the cause.
type Pool struct {
	Name      string             `json:"name"`              // as server_up and server_down call it
	Monitor   string             `json:"monitor,omitempty"` // the object's name
	Algorithm config.LBAlgorithm `json:"algorithm"`
	Servers   []string           `json:"servers"` // their nodes
	// Out is how long after a server has stopped its monitor may take to see it.
	Out config.Duration `json:"out,omitempty"`
	// In is how long a server that has started must pass its monitor before it gets flows again.
	In config.Duration `json:"in,omitempty"`
}

// ClusterIP is the address of the cluster, which its leader holds.
type ClusterIP struct {
	Address string          `json:"address"`
	Refresh config.Duration `json:"refresh,omitempty"` // the leader announces it at least so often; 0: not judged
}

// Node is a member of the cluster under test.
type Node struct {
	Name  string `json:"name"`
	Role  string `json:"role"`            // controller, engine, server, client, gateway, cloud
	Group string `json:"group,omitempty"` // of an engine
	Host  string `json:"host,omitempty"`
	// Address is that of a server, as server_up and server_down tell it, without the port.
	Address string `json:"address,omitempty"`
}

// Type says which fields of an [Event] count.
type Type string

// The event types.
const (
	Call   Type = "call"   // a client asks: Client, Op, Operation, Key, Value, Version
	Return Type = "return" // and learns: Client, Op, Outcome, Value, Version, Items, Status, Index, By, Reason, Detail
	Probe  Type = "probe"  // a client tried a service: Service, Client, Sent, OK, By, Server, Reason
	Flow   Type = "flow"   // a long flow of a client was opened, or found at another engine (Phase begin), or broken (end): Service, Client, Op, Phase, Sent, By, Server, Reason
	NodeEv Type = "node"   // a node did something: Node, Event and what model.Event holds
	Fault  Type = "fault"  // the world struck or healed: Step, Fault, Target, Resolved, Phase, Optional
	End    Type = "end"    // the run is over; nothing follows
)

// The operations of a [Call]. A register recorded elsewhere needs only read, write and cas.
const (
	OpRead   = "read"   // returns Value and Version, or fails with Reason "not_found"
	OpWrite  = "write"  // sets Value whatever was there
	OpCAS    = "cas"    // sets Value if the current value is Expected; fails otherwise
	OpCreate = "create" // sets Value if nothing is there; returns Version
	OpUpdate = "update" // sets Value if the current version is Version; returns the new Version
	OpDelete = "delete" // removes if the current version is Version (0: any)
	OpList   = "list"   // returns Items: every object whose key starts with Key

	// OpRequest asks the REST API for Key, a method and a path, with Value as the body; it returns Status and the
	// answer's body as Value. Expected says what answer the scenario demands; nothing else is judged of it.
	OpRequest = "request"
)

// The outcomes of a [Return].
const (
	OK      = "ok"
	Fail    = "fail"    // it certainly did not happen
	Unknown = "unknown" // it may have happened, or may yet
)

// Event is one thing that happened. Type says which fields count; the rest are zero and left out.
type Event struct {
	Time int64 `json:"t"` // nanoseconds since the run began, by the world's one clock
	Type Type  `json:"type"`

	Client    string `json:"client,omitempty"`
	Op        uint64 `json:"op,omitempty"` // numbers the operations of one client, from 1
	Operation string `json:"operation,omitempty"`
	Key       string `json:"key,omitempty"`
	Value     string `json:"value,omitempty"`
	Expected  string `json:"expected,omitempty"`
	Version   uint64 `json:"version,omitempty"`
	Outcome   string `json:"outcome,omitempty"`
	Items     []Item `json:"items,omitempty"`
	Status    int    `json:"status,omitempty"` // of a request: as in HTTP

	Service string `json:"service,omitempty"`
	Sent    int64  `json:"sent,omitempty"` // when the probe left; Time is when its fate was known
	OK      bool   `json:"ok,omitempty"`
	By      string `json:"by,omitempty"`     // the node that answered
	Server  string `json:"server,omitempty"` // the back-end server that By gave the flow to

	Node   string `json:"node,omitempty"`
	Event  string `json:"event,omitempty"`
	Unit   string `json:"unit,omitempty"`
	Peer   string `json:"peer,omitempty"`
	Term   uint64 `json:"term,omitempty"`
	Index  uint64 `json:"index,omitempty"`
	Hash   uint64 `json:"hash,omitempty"`
	State  uint64 `json:"state,omitempty"`
	Detail string `json:"detail,omitempty"`

	Step     int      `json:"step,omitempty"` // the plan's fault step, from 1
	Fault    string   `json:"fault,omitempty"`
	Target   string   `json:"target,omitempty"`   // the selector, as planned
	Resolved []string `json:"resolved,omitempty"` // the nodes it became
	Phase    string   `json:"phase,omitempty"`    // begin or end, of a flow too
	Optional bool     `json:"optional,omitempty"` // the scenario allows the fault to strike nobody

	Reason string `json:"reason,omitempty"`
}

// The phases of a [Fault].
const (
	Begin  = "begin"
	Finish = "end"
)

// Item is one object in the answer to a list.
type Item struct {
	Key     string `json:"key"`
	Value   string `json:"value"`
	Version uint64 `json:"version"`
}

// Expect is what a scenario demands beyond the invariants, which always hold. It travels in the header so
// that a history can be judged anywhere.
type Expect struct {
	// Outages bounds how long a client may find a service dark, per outage.
	Outages []OutageBound `json:"outages,omitempty" yaml:"outages,omitempty"`
	// DualActive is the longest time two engines may hold one address. Default 100ms.
	DualActive config.Duration `json:"dual_active,omitempty" yaml:"dual_active,omitempty"`
	// Drain is how long an engine that a service was taken from goes on with the flows that it has, vs_scalein_timeout of
	// its group. Default: 30s.
	Drain config.Duration `json:"drain,omitempty" yaml:"drain,omitempty"`
	// RecoverWithin is how long after the last fault has ended every service must answer again, for good.
	// Default: two elections and a warm start by the scenario's timers, and 3s; without a scenario 5s.
	RecoverWithin config.Duration `json:"recover_within,omitempty" yaml:"recover_within,omitempty"`
	// Failovers bounds how often an engine or controller takes over after the start.
	Failovers []FailoverBound `json:"failovers,omitempty" yaml:"failovers,omitempty"`
	// Created bounds how many engines the cloud makes.
	Created *CreationBound `json:"created,omitempty" yaml:"created,omitempty"`
}

// Answer is what is demanded of the answer to one request, as JSON in Expected of its call. Empty fields demand nothing.
type Answer struct {
	Status   int      `json:"status,omitempty" yaml:"status,omitempty"`     // as in HTTP
	Contains []string `json:"contains,omitempty" yaml:"contains,omitempty"` // what must be in the body
	Lacks    []string `json:"lacks,omitempty" yaml:"lacks,omitempty"`       // what must not
}

// OutageBound bounds the outages of a service.
type OutageBound struct {
	Service string `json:"service" yaml:"service"` // a name, "api", or "*" for every virtual service
	// Min is for how long it must not answer at least, of a service that is switched off in between, which is no outage; zero:
	// it may answer throughout.
	Min   config.Duration `json:"min,omitempty" yaml:"min,omitempty"`
	Max   config.Duration `json:"max" yaml:"max"`
	Blips *int            `json:"blips,omitempty" yaml:"blips,omitempty"` // most single lost probes of the service in a run; absent: any number
}

// CreationBound bounds the number of engines that a cloud makes, and where.
type CreationBound struct {
	Min   int      `json:"min,omitempty" yaml:"min,omitempty"`
	Max   int      `json:"max" yaml:"max"`
	NotOn []string `json:"not_on,omitempty" yaml:"not_on,omitempty"` // hosts that must get none
}

// FailoverBound bounds the number of failovers.
type FailoverBound struct {
	Of  string `json:"of" yaml:"of"` // "leader", or the name of a service-engine group
	Min int    `json:"min,omitempty" yaml:"min,omitempty"`
	Max int    `json:"max" yaml:"max"`
}
