package real

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/model/cloud"
	"firedrill/real/node"
	"firedrill/scenarios"
)

// hypervisor is the hardware of a scenario's cloud. The management of that cloud runs in a container of its own and calls it
// by lines of its record (see [node.Call]); what there is, it is told as everything else. An engine is a container that is
// made when it is asked for and started when its boot is over. A host is no more than the containers that bear its name:
// they lose power together, and there is room for so many of them.
type hypervisor struct {
	plan  *scenarios.Scenario
	cloud string // the node that is its management
	plant plant
	ctx   context.Context
	stop  context.CancelFunc // no more boots
	lives sync.WaitGroup     // of machines

	mu       sync.Mutex
	rng      *rand.Rand
	caller   *voice // of the management, as it called last
	after    uint64 // number of that call
	machines []*made
	booted   int // engines so far, behind those of the topology

	// What faults do, by how many of them.
	full, failing int
	slow          time.Duration
	dark          map[string]int // hosts without power
	accused       map[string]int // hosts that are called down whatever they are
	closing       map[string]int // hosts that are to be maintained
}

// made is a machine that was built.
type made struct {
	cloud.Machine
	failed bool
	m      *machine           // nil until it has booted
	end    context.CancelFunc // for good
}

// plant is where machines come from: in a run, the container engine.
type plant interface {
	// create makes a machine that does not run, or leaves nothing behind.
	create(n scenarios.Node) (*machine, error)
	// enrol gives it a place among the nodes of the run.
	enrol(m *machine, as node.Made)
	// power starts it, unless a fault wants it down.
	power(m *machine) error
	// reset cuts its power, and starts it again when it is time, unless the run ends before.
	reset(ctx context.Context, m *machine, after time.Duration) error
	// scrap ends it for good.
	scrap(m *machine) error
	// note adds to the history.
	note(e history.Event)
	// broken ends the run.
	broken(err error)
}

func newHypervisor(plan *scenarios.Scenario, seed uint64, p plant) *hypervisor {
	h := &hypervisor{plan: plan, cloud: nameOfCloud(plan), plant: p, rng: rand.New(rand.NewPCG(seed, 0)),
		dark: make(map[string]int), accused: make(map[string]int), closing: make(map[string]int)}
	for _, e := range plan.Topology.Engines {
		h.booted += e.Count
	}
	h.ctx, h.stop = context.WithCancel(context.Background())
	return h
}

func nameOfCloud(plan *scenarios.Scenario) string {
	nodes := plan.Nodes()
	return nodes[slices.IndexFunc(nodes, func(n scenarios.Node) bool { return n.Role == scenarios.RoleCloud })].Name
}

// close ends what is about to happen, and returns when nothing does any more. What has booted runs on.
func (h *hypervisor) close() {
	if h != nil {
		h.stop()
		h.lives.Wait()
	}
}

// called does what the cloud's management asks for, by its voice.
func (h *hypervisor) called(v *voice, c node.Call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.caller, h.after = v, c.Number
	switch {
	case c.Build != nil:
		h.build(*c.Build)
	case c.Destroy != "":
		h.destroy(c.Destroy)
	case c.Reboot != "":
		h.reboot(c.Reboot)
	}
	h.reply()
}

// change does something to the hardware, and shows it.
func (h *hypervisor) change(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	do()
	h.reply()
}

// show shows the hardware, of which something has changed.
func (h *hypervisor) show() {
	if h != nil {
		h.change(func() {})
	}
}

// reply tells whoever called last what there is. If its process has ended, the next one will ask.
func (h *hypervisor) reply() {
	if h.caller != nil {
		_ = h.caller.tell(node.Message{Hardware: h.now()})
	}
}

// now is what there is.
func (h *hypervisor) now() *node.Hardware {
	out := &node.Hardware{After: h.after}
	for _, c := range h.plan.Topology.Cloud.Hosts {
		free := c.Slots - h.engines(c.Name)
		if h.full > 0 {
			free = 0
		}
		out.Hosts = append(out.Hosts, cloud.Host{
			Name: c.Name, Rack: h.plan.Topology.HostRack(c.Name), Free: free, Down: h.dark[c.Name] > 0 || h.accused[c.Name] > 0,
			Maintenance: h.closing[c.Name] > 0,
		})
	}
	slices.SortFunc(out.Hosts, func(a, b cloud.Host) int { return cmp.Compare(a.Name, b.Name) })
	for _, i := range h.machines {
		out.Machines = append(out.Machines, node.Built{Machine: i.Machine, State: i.state()})
	}
	return out
}

func (i *made) state() cloud.State {
	switch {
	case i.failed:
		return cloud.Failed
	case i.m == nil:
		return cloud.Booting
	case i.m.cold.Load():
		return cloud.Stopped
	default: // whether its process runs cannot be seen from outside
		return cloud.Running
	}
}

// engines counts those on a host that take its room, whether they run or not.
func (h *hypervisor) engines(host string) int {
	n := 0
	for _, e := range h.plan.Nodes() {
		if e.Role == scenarios.RoleEngine && e.Host == host {
			n++
		}
	}
	for _, i := range h.machines {
		if i.Host == host {
			n++
		}
	}
	return n
}

func (h *hypervisor) find(name string) (int, bool) {
	return slices.BinarySearchFunc(h.machines, name, func(i *made, name string) int { return strings.Compare(i.Name, name) })
}

func (h *hypervisor) build(m cloud.Machine) {
	at, there := h.find(m.Name)
	if there || h.ctx.Err() != nil {
		return
	}
	ctx, end := context.WithCancel(h.ctx)
	i := &made{Machine: m, end: end}
	h.machines = slices.Insert(h.machines, at, i)
	wait := h.bootTime() + h.slow
	fails := scenarios.Ratio(h.rng.Uint64N(uint64(scenarios.Whole))) < h.plan.Topology.Cloud.Fails || h.failing > 0
	h.note(model.Event{Kind: model.EventCreated, Peer: m.Name, Unit: m.Cluster, Detail: m.Host})
	h.lives.Go(func() {
		if err := h.live(ctx, i, wait, fails); err != nil {
			h.plant.broken(err)
		}
	})
}

func (h *hypervisor) bootTime() time.Duration {
	boot := h.plan.Topology.Cloud.Boot
	return boot.Min + time.Duration(h.rng.Int64N(int64(boot.Max-boot.Min)+1))
}

func (h *hypervisor) note(e model.Event) {
	h.plant.note(history.Event{Type: history.NodeEv, Node: h.cloud, Event: string(e.Kind), Unit: e.Unit, Peer: e.Peer, Detail: e.Detail})
}

// live is all that happens to a machine, one thing after the other, from when it is made until it is destroyed or nothing
// happens any more. What has not booted by then has no place in the run, whose end would remove it.
func (h *hypervisor) live(ctx context.Context, i *made, wait time.Duration, fails bool) error {
	due := time.NewTimer(wait)
	defer due.Stop()
	m, err := h.plant.create(scenarios.Node{
		Name: i.Name, Role: scenarios.RoleEngine, Group: i.Group, Host: i.Host, Rack: h.plan.Topology.HostRack(i.Host),
	})
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-due.C:
		err = h.boot(i, m, fails)
		<-ctx.Done()
	}
	if i.m == nil || h.ctx.Err() == nil {
		err = errors.Join(err, h.plant.scrap(m))
	}
	if h.ctx.Err() == nil {
		h.note(model.Event{Kind: model.EventDeleted, Peer: i.Name})
	}
	return err
}

// boot starts a machine whose time has come. It has its place in the run before anybody else can cut the power of its host.
func (h *hypervisor) boot(i *made, m *machine, fails bool) error {
	h.mu.Lock()
	if i.failed || fails || h.dark[i.Host] > 0 || h.booted >= scenarios.MaxEngines {
		i.failed = true
		h.reply()
		h.mu.Unlock()
		return nil
	}
	h.booted++
	n := m.Node
	n.Number = h.booted
	h.plant.enrol(m, node.Made{Node: n, Cluster: i.Cluster, Cloud: h.cloud, Controllers: i.Controllers, Image: i.Image})
	i.m = m
	h.mu.Unlock()
	err := h.plant.power(m)
	h.show()
	return err
}

func (h *hypervisor) destroy(name string) {
	if at, there := h.find(name); there {
		h.machines[at].end()
		h.machines = slices.Delete(h.machines, at, at+1)
	}
}

// reboot is as by the reset button. What a fault holds down stays down.
func (h *hypervisor) reboot(name string) {
	at, there := h.find(name)
	if !there || h.machines[at].m == nil || h.machines[at].m.cold.Load() {
		return
	}
	m, wait := h.machines[at].m, h.bootTime()
	m.cold.Store(true)
	h.lives.Go(func() {
		if err := h.plant.reset(h.ctx, m, wait); err != nil {
			h.plant.broken(err)
		}
		h.show()
	})
}

// darken takes the power from hosts, or, with by = -1, gives it back. Boots there end.
func (h *hypervisor) darken(hosts []string, by int) {
	if h == nil {
		return
	}
	h.change(func() {
		for _, host := range hosts {
			h.dark[host] += by
		}
		for _, i := range h.machines {
			if i.m == nil && h.dark[i.Host] > 0 {
				i.failed = true
			}
		}
	})
}
