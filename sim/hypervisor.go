package sim

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/model/cloud"
	"firedrill/model/engine"
	"firedrill/scenarios"
	"firedrill/scenarios/install"
)

// hypervisor is the hardware of a scenario's cloud, and what runs machines on it. It implements [cloud.Hypervisor] for the
// cloud's management, which is the node cloud-1.
type hypervisor struct {
	w          *World
	management *machine
	rng        *rand.Rand
	instances  []*instance // by name
	made       int         // engines so far, from 1 in the order of boots, behind those of the topology

	// What faults do, by how many of them.
	full, failing int
	slow          time.Duration
	accused       map[*host]int // hosts that are called down whatever they are
	closing       map[*host]int // hosts that are to be maintained, by how many faults
}

// instance is one machine that was built.
type instance struct {
	cloud.Machine
	failed bool
	m      *machine // nil until it has booted
}

// newHypervisor makes the hosts of the cloud that the plan describes.
func (w *World) newHypervisor(management *machine, seed uint64) *hypervisor {
	h := &hypervisor{w: w, management: management, rng: newStream(seed, "cloud"), accused: make(map[*host]int), closing: make(map[*host]int)}
	for _, e := range w.plan.Topology.Engines {
		h.made += e.Count
	}
	return h
}

// bootCloud makes the cloud's management.
func (w *World) bootCloud(m *machine, seed uint64) func() model.Node {
	w.hypervisor = w.newHypervisor(m, seed)
	return func() model.Node { return cloud.New(install.Cloud(w.plan, m.Node, m.images), w.hypervisor) }
}

// Hosts implements [cloud.Hypervisor].
func (h *hypervisor) Hosts() []cloud.Host {
	var out []cloud.Host
	for _, c := range h.w.plan.Topology.Cloud.Hosts {
		x := h.w.hostNamed(c.Name, h.w.plan.Topology.HostRack(c.Name))
		free := c.Slots - h.engines(x)
		if h.full > 0 {
			free = 0
		}
		out = append(out, cloud.Host{Name: c.Name, Rack: x.rack, Free: free, Down: x.dark > 0 || h.accused[x] > 0, Maintenance: h.closing[x] > 0})
	}
	slices.SortFunc(out, func(a, b cloud.Host) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// engines counts those on a host that take its room: all but the cloud's own, whether they have booted or not, and the
// cloud's.
func (h *hypervisor) engines(x *host) int {
	n := 0
	for _, m := range x.machines {
		if m.Role == scenarios.RoleEngine && !m.gone {
			n++
		}
	}
	for _, i := range h.instances {
		if i.Host == x.name && i.m == nil {
			n++
		}
	}
	return n
}

// Machines implements [cloud.Hypervisor].
func (h *hypervisor) Machines() []cloud.Machine {
	var out []cloud.Machine
	for _, i := range h.instances {
		m := i.Machine
		switch {
		case i.failed:
			m.State = cloud.Failed
		case i.m == nil:
			m.State = cloud.Booting
		case i.m.cold:
			m.State = cloud.Stopped
		default: // whether its process runs cannot be seen from outside
			m.State = cloud.Running
		}
		out = append(out, m)
	}
	return out
}

func (h *hypervisor) find(name string) (int, bool) {
	return slices.BinarySearchFunc(h.instances, name, func(i *instance, name string) int { return strings.Compare(i.Name, name) })
}

// Build implements [cloud.Hypervisor].
func (h *hypervisor) Build(m cloud.Machine) {
	at, there := h.find(m.Name)
	if there {
		return
	}
	i := &instance{Machine: m}
	h.instances = slices.Insert(h.instances, at, i)
	c := h.w.plan.Topology.Cloud
	wait := between(h.rng, c.Boot.Min, c.Boot.Max) + h.slow
	fails := h.rng.Uint64N(million) < uint64(c.Fails) || h.failing > 0
	h.w.nodeEvent(h.management, model.Event{Kind: model.EventCreated, Peer: m.Name, Unit: m.Cluster, Detail: m.Host})
	h.w.at(h.management.now()+int64(wait), func() { h.boot(i, fails) })
}

// boot starts a machine whose time has come, unless it was destroyed meanwhile.
func (h *hypervisor) boot(i *instance, fails bool) {
	if at, there := h.find(i.Name); !there || h.instances[at] != i || i.failed {
		return
	}
	x := h.w.hostNamed(i.Host, "")
	if fails || x.dark > 0 || h.made >= scenarios.MaxEngines {
		i.failed = true
		return
	}
	h.made++
	n := scenarios.Node{Name: i.Name, Role: scenarios.RoleEngine, Number: h.made, Group: i.Group, Host: i.Host, Rack: x.rack}
	i.m = h.w.addMachine(n, h.w.seed)
	i.m.build, i.m.told = i.Image, i.Image
	h.w.roles.Add(n)
	i.m.boot = func() model.Node {
		c := install.Engine(h.w.timers, n, i.Controllers)
		c.Cluster, c.Cloud = i.Cluster, h.management.Name
		c.Version, c.Images = i.m.build, i.m.images
		return engine.New(c)
	}
	i.m.clock = h.w.crystal(x)
	i.m.cold = true
	h.w.history.Header.Nodes = append(h.w.history.Header.Nodes, history.Node{Name: n.Name, Role: n.Role, Group: n.Group, Host: n.Host})
	i.m.start()
}

// darken ends the boots on hosts that lose power.
func (h *hypervisor) darken(hosts []*host) {
	for _, i := range h.instances {
		if i.m == nil && slices.ContainsFunc(hosts, func(x *host) bool { return x.name == i.Host }) {
			i.failed = true
		}
	}
}

// Destroy implements [cloud.Hypervisor].
func (h *hypervisor) Destroy(name string) {
	at, there := h.find(name)
	if !there {
		return
	}
	i := h.instances[at]
	h.instances = slices.Delete(h.instances, at, at+1)
	if i.m != nil {
		i.m.gone = true
		h.w.roles.Remove(name)
		i.m.goDown("deleted")
	}
	h.w.nodeEvent(h.management, model.Event{Kind: model.EventDeleted, Peer: name})
}

// Reboot implements [cloud.Hypervisor]. What a fault holds down stays down.
func (h *hypervisor) Reboot(name string) {
	at, there := h.find(name)
	if !there || h.instances[at].m == nil || h.instances[at].m.cold {
		return
	}
	m := h.instances[at].m
	m.goDown("rebooted by its cloud")
	m.disk.powerLoss(h.w.now, h.w.diskRng) // as by the reset button: the page cache is gone
	m.cold = true
	c := h.w.plan.Topology.Cloud
	h.w.at(h.w.now+int64(between(h.rng, c.Boot.Min, c.Boot.Max)), func() { comeUp([]*machine{m}) })
}

// strikeNoCapacity fills the hosts up.
func strikeNoCapacity(w *World, _ *scenarios.Fault, _, _ []*machine) func() {
	w.hypervisor.full++
	return func() { w.hypervisor.full-- }
}

// strikeBootFailure makes boots fail that begin from now on.
func strikeBootFailure(w *World, _ *scenarios.Fault, _, _ []*machine) func() {
	w.hypervisor.failing++
	return func() { w.hypervisor.failing-- }
}

func strikeSlowBoot(w *World, f *scenarios.Fault, _, _ []*machine) func() {
	w.hypervisor.slow += f.Delay.Min
	return func() { w.hypervisor.slow -= f.Delay.Min }
}

// strikeFalseHostReport makes the hypervisor take hosts for down that are not.
func strikeFalseHostReport(w *World, _ *scenarios.Fault, targets, _ []*machine) func() {
	accuse := func(by int) {
		for _, m := range targets {
			w.hypervisor.accused[m.host] += by
		}
	}
	accuse(1)
	return func() { accuse(-1) }
}

// strikeHostMaintenance says that hosts are to be maintained, and shuts them down later. A shutdown loses nothing.
func strikeHostMaintenance(w *World, f *scenarios.Fault, targets, _ []*machine) func() {
	closed := w.onSameHosts(targets)
	hosts := hostsOf(closed)
	for _, h := range hosts {
		w.hypervisor.closing[h]++
	}
	var dark []*machine
	over := false
	w.at(w.now+int64(f.Delay.Min), func() {
		if over {
			return
		}
		dark = w.onSameHosts(closed)
		for _, m := range dark {
			if m.up && m.disk != nil {
				m.disk.crash(w.now)
			}
			m.goDown("shut down for maintenance")
			m.cold = true
		}
		for _, h := range hosts {
			h.dark++
		}
	})
	return func() {
		over = true
		for _, h := range hosts {
			w.hypervisor.closing[h]--
			if dark != nil {
				h.dark--
			}
		}
		comeUp(dark)
	}
}
