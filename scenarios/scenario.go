// Package scenarios holds what is rehearsed: the scenario types, their loader, the plan that a scenario
// becomes for one seed, and the scenario files themselves.
package scenarios

import (
	"net/netip"

	"firedrill/checker/history"
	"firedrill/model/config"
)

// Scenario is one drill, as data. A range such as 10s..20s is drawn anew for each seed by [NewPlan]; a
// scenario without ranges and without a mix is its own plan.
type Scenario struct {
	Name  string `yaml:"name"`
	About string `yaml:"about"` // one sentence: what fails and what must hold
	// Worlds where the scenario can be played: sim, real. Default: sim.
	Worlds []string `yaml:"worlds,omitempty"`
	// Profile names the timers: fast (default) or documented.
	Profile string `yaml:"profile,omitempty"`
	// Timers overrides single timers of the profile.
	Timers config.Timers `yaml:"timers,omitempty"`
	// Duration of the run, by the world's clock.
	Duration config.Duration `yaml:"duration"`

	Topology Topology       `yaml:"topology"`
	Config   Config         `yaml:"config,omitempty"`
	Workload Workload       `yaml:"workload,omitempty"`
	Faults   []Fault        `yaml:"faults,omitempty"`
	Swarm    *Swarm         `yaml:"swarm,omitempty"` // becomes Faults in the plan
	Expect   history.Expect `yaml:"expect,omitempty"`
	// Machine is set by `run --machine`: a measured machine, on which the simulator plays.
	Machine *Machine `yaml:"machine,omitempty"`
}

// Topology is the hardware. Nodes are named by role and number from 1: controller-1, engine-2, server-1,
// gateway-1. Every node runs on a host of its own (host of engine-1: host-engine-1) unless Hosts says
// otherwise.
type Topology struct {
	Controllers int `yaml:"controllers"` // 1 to 7
	// Cluster is how many of the controllers, the first ones, are members of the cluster when the run begins: 1 or 3.
	// The others are at factory default. Default: all of them.
	Cluster int `yaml:"cluster"`
	// ClusterIP is the address that the leader holds; unset for none.
	ClusterIP *netip.Addr `yaml:"cluster_ip,omitempty"` // a pointer, because the encoder takes every Addr for empty
	// Images are versions that lie ready on every controller and engine, which runs 16.2, for an upgrade.
	Images []string `yaml:"images,omitempty"`
	// Restart is how long a node is away that restarts by itself, as in an upgrade; default 200ms..800ms.
	Restart Span `yaml:"restart"`
	// Installed says which controllers and engines are not installed as the others are, and which image a cloud lacks.
	Installed []Installed `yaml:"installed,omitempty"`

	Engines []Engines      `yaml:"engines,omitempty"` // numbered through all entries
	Servers int            `yaml:"servers,omitempty"` // back ends at 198.19.1.N
	Hosts   []Host         `yaml:"hosts,omitempty"`
	Cloud   *CloudHardware `yaml:"cloud,omitempty"`
	Network Network        `yaml:"network"`
	Disk    Disk           `yaml:"disk"`
	Clocks  Clocks         `yaml:"clocks"`
}

// Installed is a controller or an engine that is not installed as the others are, or a cloud that lacks an image.
type Installed struct {
	Node    string `yaml:"node"`
	Version string `yaml:"version,omitempty"` // of its build
	Secret  string `yaml:"secret,omitempty"`  // of the cluster, as a controller believes
	Lacks   string `yaml:"lacks,omitempty"`   // the one of Images that this node does not have
	Broken  string `yaml:"broken,omitempty"`  // a version whose build does not come up here: what ran before is started again
}

// Engines is a number of engines of one group.
type Engines struct {
	Group string `yaml:"group"`
	Count int    `yaml:"count"`
}

// Host is a machine that loses power as one.
type Host struct {
	Name  string   `yaml:"name"`
	Rack  string   `yaml:"rack,omitempty"`
	Nodes []string `yaml:"nodes"`
}

// CloudHardware makes engines while the run goes on. Its management is the node cloud-1 at 198.18.3.1; the engines that it makes
// have names that the leader gives them.
type CloudHardware struct {
	// Hosts are groups of containers in the world real, which lose power together.
	Hosts []CloudHost `yaml:"hosts"`
	// Username and Password are what the management asks of its callers; unset: nothing.
	Username string `yaml:"username,omitempty"`
	Password string `yaml:"password,omitempty"`
	// Boot is how long an engine takes from when it is asked for until it runs; on containers, until its container is started,
	// which is made meanwhile.
	Boot Span `yaml:"boot,omitempty"` // default 2s..4s
	// Fails is the share of engines that do not boot.
	Fails Ratio `yaml:"fails,omitempty"`
	// Notices is how long it takes at most until the management has seen that a host or an engine is gone.
	Notices config.Duration `yaml:"notices,omitempty"` // default 500ms
}

// CloudHost is a host with room for engines. It may be one of [Topology.Hosts], whose rack it then shares.
type CloudHost struct {
	Name  string `yaml:"name"`
	Rack  string `yaml:"rack,omitempty"`
	Slots int    `yaml:"slots"` // for engines, those of the topology among them
}

// Network is what the links are like when nothing is wrong.
type Network struct {
	Latency   Span            `yaml:"latency"` // one way; default 100us..300us
	Tail      Tail            `yaml:"tail"`
	Duplicate Ratio           `yaml:"duplicate"`          // share of the messages between nodes that arrive twice; default 0.1%
	Distance  Span            `yaml:"distance,omitempty"` // what a packet between two controllers takes longer, one way
	Loss      Ratio           `yaml:"loss,omitempty"`
	ARPExpiry config.Duration `yaml:"arp_expiry"` // of clients and gateways; default 60s
}

// Tail is the long end of the latency distribution: the few packets that take longer, and overtaken ones among them.
type Tail struct {
	Share   Ratio `yaml:"share"`   // of the packets; default 0.1%
	Latency Span  `yaml:"latency"` // what these take longer; default 1ms..5ms
}

// Disk is what the disks are like.
type Disk struct {
	Sync Span `yaml:"sync"` // time of one sync; default 500us..2ms
}

// Clocks is how far the nodes' clocks are off.
type Clocks struct {
	Offset Span `yaml:"offset"` // of the wall clock, either way; default 0..500ms
	Drift  int  `yaml:"drift"`  // of the monotonic clock, either way, in parts per million; default 50
}

// Config is the configuration that the client "admin" creates through the API when the run begins.
type Config struct {
	Clouds         []config.Cloud              `yaml:"clouds,omitempty"`
	Groups         []config.ServiceEngineGroup `yaml:"service_engine_groups,omitempty"`
	HealthMonitors []config.HealthMonitor      `yaml:"health_monitors,omitempty"`
	Pools          []config.Pool               `yaml:"pools,omitempty"`
	Services       []config.VirtualService     `yaml:"virtual_services,omitempty"`
}

// Workload is what clients do.
type Workload struct {
	Probes  Probes      `yaml:"probes,omitempty"`
	Flows   Flows       `yaml:"flows,omitempty"`
	Mix     *Mix        `yaml:"mix,omitempty"` // becomes Operations in the plan
	Operate []Operation `yaml:"operations,omitempty"`
}

// Probes says how services are watched. Every virtual service, and the API, is probed.
type Probes struct {
	Every   config.Duration `yaml:"every,omitempty"`   // while it answers; default 100ms
	Fast    config.Duration `yaml:"fast,omitempty"`    // once it does not; default 5ms
	Timeout config.Duration `yaml:"timeout,omitempty"` // default 50ms
}

// Flows are long ones: clients open them once, send a request on each every so often, and open them again when they break.
type Flows struct {
	PerService int             `yaml:"per_service,omitempty"` // default none
	Every      config.Duration `yaml:"every,omitempty"`       // between two requests; default 100ms
	From       config.Duration `yaml:"from,omitempty"`        // when the first are opened; default: at once, or as soon as somebody answers
}

// Mix is random work on the configuration: clients that create, read, update, list and delete a small set
// of objects, so that they contend.
type Mix struct {
	Clients int     `yaml:"clients"`
	Rate    float64 `yaml:"rate"`            // operations a second, all clients together
	Keys    int     `yaml:"keys"`            // objects they contend for; default 5
	Readers float64 `yaml:"readers"`         // reads a second at each first member of the cluster, by a client that asks no other; default 5
	From    Span    `yaml:"from,omitempty"`  // default 3s
	Until   Span    `yaml:"until,omitempty"` // default: the end, less 2s
}

// Operation is one call of one client at one time.
type Operation struct {
	At     Span   `yaml:"at"`
	Client string `yaml:"client"`
	Do     string `yaml:"do"`  // create, read, update, delete, list, request
	Key    string `yaml:"key"` // Kind/name; of a list: Kind; of a request to the REST API: method and path, such as PUT /api/cluster
	// Via is the controller to ask, of a read, a list and a request: no other is tried, and one that refuses is not
	// asked again. Without it the client finds the leader.
	Via string `yaml:"via,omitempty"`
	// Value is the object's body as JSON, of create and update; of a request its body, in which ${answer 2} stands for what
	// this client's second operation was answered. An update and a delete name the version that this client last saw.
	Value string `yaml:"value,omitempty"`
	// IfMatch is the number of an earlier operation of this client, of a request that is for the version alone that was
	// answered then (its ETag); unset: for any version.
	IfMatch int `yaml:"if_match,omitempty"`
	// IdempotencyKey is that of a request; unset: one that no other request has.
	IdempotencyKey string `yaml:"idempotency_key,omitempty"`
	// Answer is what a request must be answered; unset: anything. Earlier answers may be named in it, too.
	Answer *history.Answer `yaml:"answer,omitempty"`
}

// Fault is one blow: what, whom, when and for how long.
type Fault struct {
	At     Span   `yaml:"at"`
	Fault  string `yaml:"fault"`            // a kind in the catalogue
	Target string `yaml:"target,omitempty"` // a selector, resolved when the fault strikes
	// Targets, instead of Target, strike one after the other, Every so often; the plan writes them out as
	// single faults.
	Targets []string        `yaml:"targets,omitempty"`
	Every   config.Duration `yaml:"every,omitempty"`
	// For is how long it lasts; zero: for good.
	For Span `yaml:"for,omitempty"`
	// To is the other side of a network fault, a selector like Target; default: everyone else.
	To      string `yaml:"to,omitempty"`
	Network string `yaml:"network,omitempty"` // management, data or edge; default: all
	Loss    Ratio  `yaml:"loss,omitempty"`    // share of the packets
	Delay   Span   `yaml:"delay,omitempty"`   // what a packet, a sync of the disk or a callback takes longer; the notice of a maintenance
	Share   Ratio  `yaml:"share,omitempty"`   // of the messages, or of the time that a clock gains or loses
	Period  Span   `yaml:"period,omitempty"`  // how long a flapping link is down or up; each time is drawn anew
	By      Span   `yaml:"by,omitempty"`      // how far a wall clock jumps
	// Optional allows it to strike nobody: nobody may be the target when it is due. Otherwise a fault that misses fails
	// the run, which would prove nothing.
	Optional bool `yaml:"optional,omitempty"`
}

// Objects lists the configuration in the order in which it can be created: what others refer to comes first.
func (c *Config) Objects() []config.Object {
	var out []config.Object
	for i := range c.Clouds {
		out = append(out, &c.Clouds[i])
	}
	for i := range c.Groups {
		out = append(out, &c.Groups[i])
	}
	for i := range c.HealthMonitors {
		out = append(out, &c.HealthMonitors[i])
	}
	for i := range c.Pools {
		out = append(out, &c.Pools[i])
	}
	for i := range c.Services {
		out = append(out, &c.Services[i])
	}
	return out
}
