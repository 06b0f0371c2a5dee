// Package cloud is the management of a cloud: what a hypervisor's manager is to the platform. The leader asks it over the
// network for engines; it knows the hosts, chooses among them, remembers what it made for whom, and reports when a host
// or an engine is gone. What builds a machine is the world's, behind [Hypervisor].
package cloud

import (
	"net/netip"
	"time"

	"firedrill/model"
	"firedrill/model/release"
	"firedrill/model/wire"
)

// Config is what a cloud's management is installed with.
type Config struct {
	Name string
	// Username and Password are what callers must show; both empty: nothing is asked.
	Username, Password string
	// Poll is how often it looks at its hosts and machines.
	Poll time.Duration
	// Images are the versions of the builds that it can boot machines with, that first which it takes for one of which no
	// version is said.
	Images []string
}

// Hypervisor is the hardware, and what runs machines on it. The cloud's management sees it only through this; what it
// is told may be late, and a host may be called down that is not.
type Hypervisor interface {
	// Hosts lists the hosts by name.
	Hosts() []Host
	// Machines lists the machines that were built and not destroyed, by name.
	Machines() []Machine
	// Build begins to make a machine on its host and to boot it. A machine of that name that is there stays as it is.
	Build(m Machine)
	// Destroy ends a machine at once; what is not there needs no end.
	Destroy(name string)
	// Reboot starts a machine anew.
	Reboot(name string)
}

// Host is a piece of hardware.
type Host struct {
	Name, Rack string
	Free       int // room for so many more machines
	Down       bool
	// Maintenance says that it takes no more machines, and is about to be shut down for a while.
	Maintenance bool
}

// Machine is an engine to be, or that is.
type Machine struct {
	Name        string       `json:"name"`
	Cluster     string       `json:"cluster,omitempty"` // whose it is
	Group       string       `json:"group"`
	Host        string       `json:"host"`
	Controllers []netip.Addr `json:"controllers"` // to which it reports
	Image       string       `json:"image"`       // the version of the build that it boots
	State       State        `json:"-"`           // as the hypervisor sees it
}

// State is how a machine is.
type State string

// The states.
const (
	Booting State = "booting"
	Running State = "running"
	Failed  State = "failed"  // it did not boot
	Stopped State = "stopped" // it has no power
	Missing State = "missing" // the hypervisor does not know it
)

// Cloud is a [model.Node].
type Cloud struct {
	cfg        Config
	hypervisor Hypervisor
	env        model.Env
	voice      wire.Voice
	state      durable
	broken     bool // the disk failed: nothing is done any more in this life

	serial    uint64   // of the inventory, within this life
	listeners []caller // who asked last, by cluster
}

// caller is a leader that has asked.
type caller struct {
	cluster string
	address netip.Addr
	told    []byte // the inventory as it was last reported, without its version
}

const timerPoll model.TimerID = 1

// New returns a cloud's management that has not started.
func New(cfg Config, h Hypervisor) *Cloud {
	return &Cloud{cfg: cfg, hypervisor: h, voice: wire.NewVoice(release.Newest)}
}

// Start implements [model.Node]: what was promised before a crash and not begun is begun now.
func (c *Cloud) Start(env model.Env) {
	c.env = c.voice.Through(env)
	if err := c.load(); err != nil {
		c.fail(err)
		return
	}
	c.resume()
	c.env.SetTimer(timerPoll, c.cfg.Poll)
}

// resume makes the hypervisor hold what the disk says. A machine that is not on the disk is one that was to be destroyed.
func (c *Cloud) resume() {
	there := c.hypervisor.Machines()
	for i := range c.state.Machines {
		if m := c.state.Machines[i]; find(there, m.Name) == nil {
			c.hypervisor.Build(m)
		}
	}
	for _, m := range there {
		if c.machine(m.Name) == nil {
			c.hypervisor.Destroy(m.Name)
		}
	}
}

func (c *Cloud) fail(err error) {
	c.broken = true
	c.env.Emit(model.Event{Kind: model.EventDiskError, Detail: err.Error()})
	if model.Passing(err) {
		c.env.Restart("")
	}
}

// Receive implements [model.Node].
func (c *Cloud) Receive(from netip.Addr, msg []byte) {
	if c.broken {
		return
	}
	if body, err := c.voice.Decode(from, msg); err == nil {
		if r, ok := body.(*wire.Envelope_CloudRequest); ok {
			c.serve(from, r.CloudRequest)
		}
	}
}

// Timer implements [model.Node].
func (c *Cloud) Timer(model.TimerID) {
	if c.broken {
		return
	}
	c.env.SetTimer(timerPoll, c.cfg.Poll)
	c.report()
}

// Checked implements [model.Node]; a cloud's management checks nothing.
func (c *Cloud) Checked(model.CheckID, bool) {}
