package sim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/model/controller"
	"firedrill/model/engine"
	"firedrill/scenarios"
	"firedrill/scenarios/clients"
	"firedrill/scenarios/install"
)

// newWorld builds everything that a plan names, and plans all that will happen from outside.
func newWorld(plan *scenarios.Scenario, seed uint64, opt Options) (*World, error) {
	timers, err := install.Timers(plan)
	if err != nil {
		return nil, err
	}
	w := &World{
		plan:         plan,
		seed:         seed,
		timers:       timers,
		byName:       make(map[string]*machine),
		serverNames:  make(map[ipv4]string),
		gatewayInner: pack(scenarios.GatewayInner),
		gatewayOuter: pack(scenarios.GatewayOuter),
		trace:        newTrace(),
		diskRng:      newStream(seed, "disk"),
		faultRng:     newStream(seed, "faults"),
		roles:        scenarios.NewRoles(plan),
	}
	if opt.Trace != nil {
		w.trace.print = func(at int64, line string) { fmt.Fprintf(opt.Trace, "%12v  %s\n", time.Duration(at), line) }
	}
	network := plan.Topology.Network
	if opt.Film {
		w.film = newFilm(w)
	}
	w.links = links{
		rng: newStream(seed, "network"), min: network.Latency.Min, max: network.Latency.Max,
		distanceMin: network.Distance.Min, distanceMax: network.Distance.Max,
		duplicate: uint32(network.Duplicate), tail: uint32(network.Tail.Share), tailMin: network.Tail.Latency.Min, tailMax: network.Tail.Latency.Max,
		loss: uint32(network.Loss), arpExpiry: network.ARPExpiry.Std(),
	}
	if on := plan.Machine; on != nil {
		w.links.measured, w.links.duplicate = &on.Link, 0 // what nodes say to each other goes over TCP there
	}
	for _, n := range plan.Nodes() {
		w.addMachine(n, seed)
	}
	for _, h := range w.hosts {
		w.setClocks(h, newStream(seed, "clock/"+h.name))
	}
	if err := w.addClients(seed); err != nil {
		return nil, err
	}
	w.history.Header = scenarios.Header(plan, scenarios.WorldSim, seed, w.clients())
	w.history.Events = make([]history.Event, 0, expectedEvents(plan))
	boots := newStream(seed, "boot")
	for _, m := range w.machines {
		w.at(int64(between(boots, 0, install.BootWithin)), m.start)
	}
	return w, w.scheduleFaults(plan.Faults)
}

// expectedEvents is about how many entries a history will have, so that it need not be moved while it grows.
func expectedEvents(plan *scenarios.Scenario) int {
	probes := int(plan.Duration/plan.Workload.Probes.Every) * (len(plan.Config.Services) + 1)
	applied := len(plan.Workload.Operate) * (2 + plan.Topology.Controllers)
	return min(probes+probes/2+applied, 1<<20)
}

// addMachine makes a machine and plugs it in; what runs on it depends on its role.
func (w *World) addMachine(n scenarios.Node, seed uint64) *machine {
	m := &machine{w: w, index: len(w.machines), Node: n, rng: newStream(seed, "node/"+n.Name),
		checks: make(map[model.CheckID]uint32), flows: make(map[flowKey]flowState), open: make(map[uint64]int)}
	m.pace = newPace(w.plan.Machine, seed, n.Name)
	w.machines = append(w.machines, m)
	w.byName[n.Name] = m
	w.putOnHost(m)
	m.install(&w.plan.Topology)
	for _, ip := range n.Addresses() {
		m.plug(networkOf(pack(ip)), ip)
	}
	switch n.Role {
	case scenarios.RoleController:
		m.boot = w.bootController(m)
		m.disk = w.newDisk(m, seed)
	case scenarios.RoleEngine:
		m.boot = w.bootEngine(m)
		m.disk = w.newDisk(m, seed)
	case scenarios.RoleServer:
		w.serverNames[m.nics[0].ip] = m.Name
	case scenarios.RoleCloud:
		m.boot = w.bootCloud(m, seed)
		m.disk = w.newDisk(m, seed)
	}
	return m
}

func (m *machine) plug(n network, ip netip.Addr) {
	c := &nic{m: m, net: n, ip: pack(ip), arp: make(map[ipv4]*neighbour)}
	m.nics = append(m.nics, c)
	m.w.segments[n] = append(m.w.segments[n], c)
}

func (w *World) putOnHost(m *machine) {
	m.host = w.hostNamed(m.Host, m.Rack)
	m.host.machines = append(m.host.machines, m)
}

// hostNamed finds a host, or puts one there.
func (w *World) hostNamed(name, rack string) *host {
	i := slices.IndexFunc(w.hosts, func(h *host) bool { return h.name == name })
	if i < 0 {
		i = len(w.hosts)
		w.hosts = append(w.hosts, &host{name: name, rack: rack})
	}
	return w.hosts[i]
}

// longestUptime is how long a machine may have run when the run begins.
const longestUptime = 30 * 24 * time.Hour

// crystal is the clock of a machine that is made now: its host's.
func (w *World) crystal(h *host) clock {
	c := w.drawClock(newStream(w.seed, "clock/"+h.name))
	c.origin = w.now
	return c
}

func (w *World) drawClock(r *rand.Rand) clock {
	c := w.plan.Topology.Clocks
	drift := int64(r.Uint64N(uint64(2*c.Drift)+1)) - int64(c.Drift)
	offset := between(r, c.Offset.Min, c.Offset.Max)
	if r.Uint64N(2) == 0 {
		offset = -offset
	}
	return clock{drift: drift, offset: offset}
}

// setClocks draws how far the clocks of a host's machines are off; machines of one host share its crystal.
func (w *World) setClocks(h *host, r *rand.Rand) {
	c := w.drawClock(r)
	for _, m := range h.machines {
		m.clock = c
		m.origin = -int64(between(r, 0, longestUptime))
	}
}

func (w *World) newDisk(m *machine, seed uint64) *disk {
	profile := diskProfile{syncMin: w.plan.Topology.Disk.Sync.Min, syncMax: w.plan.Topology.Disk.Sync.Max}
	if on := w.plan.Machine; on != nil {
		profile.measured = &on.Sync
	}
	return newDisk(m, newStream(seed, "disk/"+m.Name), profile)
}

// memberIPs are the addresses of the controllers that are members at present.
func (w *World) memberIPs() []netip.Addr {
	var ips []netip.Addr
	for _, m := range w.with(scenarios.RoleController) {
		if w.roles.Member(m.Name) {
			ips = append(ips, m.nic(management).ip.addr())
		}
	}
	return ips
}

// bootController makes a controller as it is installed, or at factory default if its disk is a new one.
func (w *World) bootController(m *machine) func() model.Node {
	return func() model.Node {
		c := install.Controller(w.plan, w.timers, m.Node, m.replaced)
		c.Version, c.Images = m.build, m.images
		return controller.New(c)
	}
}

func (w *World) bootEngine(m *machine) func() model.Node {
	return func() model.Node {
		c := install.Engine(w.timers, m.Node, w.memberIPs())
		c.Version, c.Images = m.build, m.images
		return engine.New(c)
	}
}

// addClients makes those who watch and those who operate. Services are watched by turns from outside,
// behind the gateway, and from nearby, so that the ARP caches of a gateway and of hosts both count.
func (w *World) addClients(seed uint64) error {
	probes := w.plan.Workload.Probes
	client := func(name string, n network, ip netip.Addr) *machine {
		m := w.addMachine(scenarios.Node{Name: name, Role: scenarios.RoleClient, Host: "host-" + name}, seed)
		m.plug(n, ip)
		return m
	}
	outside := newProber(w, client("client-outside", edge, scenarios.OutsideClientIP(1)), probes)
	nearby := newProber(w, client("client-nearby", data, scenarios.NearbyClientIP(1)), probes)
	for i, vs := range w.plan.Config.Services {
		watcher := outside
		if i%2 == 1 {
			watcher = nearby
		}
		watcher.watchService(vs.Name, netip.AddrPortFrom(vs.VIP, vs.Port))
	}
	newProber(w, client("client-api", management, scenarios.APIClientIP(1)), probes).watchAPI(w.memberIPs)
	if f := w.plan.Workload.Flows; f.PerService > 0 {
		newFlowClient(w, client("client-flows", data, scenarios.NearbyClientIP(2)), f)
	}
	return w.addOperators(func(name string, number int) *machine {
		return client(name, management, scenarios.APIClientIP(number+1))
	})
}

// clients lists the machines that are no part of the plan's topology.
func (w *World) clients() []scenarios.Node {
	var out []scenarios.Node
	for _, m := range w.with(scenarios.RoleClient) {
		out = append(out, m.Node)
	}
	return out
}

// addOperators makes the clients of the configuration API.
func (w *World) addOperators(newClient func(name string, number int) *machine) error {
	operators, err := clients.NewOperators(w.plan, w.timers, w.memberIPs, w.record)
	if err != nil {
		return err
	}
	for i, o := range operators.All {
		newClient(o.Name, i+1).boot = func() model.Node { return o.Node }
	}
	for _, c := range operators.Calls {
		w.at(int64(c.At), c.Do)
	}
	return nil
}
