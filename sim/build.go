package sim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/model/backup"
	"firedrill/model/client"
	"firedrill/model/config"
	"firedrill/model/controller"
	"firedrill/model/engine"
	"firedrill/scenarios"
)

// bootWithin is how far apart the machines start when the run begins.
const bootWithin = 50 * time.Millisecond

// newWorld builds everything that a plan names, and plans all that will happen from outside.
func newWorld(plan *scenarios.Scenario, seed uint64, opt Options) (*World, error) {
	profile, err := config.Profile(plan.Profile)
	if err != nil {
		return nil, err
	}
	w := &World{
		plan:         plan,
		timers:       profile.Override(plan.Timers),
		byName:       make(map[string]*machine),
		gatewayInner: pack(scenarios.GatewayInner),
		gatewayOuter: pack(scenarios.GatewayOuter),
		trace:        newTrace(),
		diskRng:      newStream(seed, "disk"),
		roles:        roles{active: make(map[string][]*machine), placed: make(map[string][]string), members: make(map[string]bool)},
	}
	for _, p := range w.firstMembers() {
		w.roles.members[p.Name] = true
	}
	if opt.Trace != nil {
		w.trace.print = func(at int64, line string) { fmt.Fprintf(opt.Trace, "%12v  %s\n", time.Duration(at), line) }
	}
	network := plan.Topology.Network
	w.links = links{
		rng: newStream(seed, "network"), min: network.Latency.Min, max: network.Latency.Max,
		distanceMin: network.Distance.Min, distanceMax: network.Distance.Max,
		duplicate: uint32(network.Duplicate), tail: uint32(network.Tail.Share), tailMin: network.Tail.Latency.Min, tailMax: network.Tail.Latency.Max,
		loss: uint32(network.Loss), arpExpiry: network.ARPExpiry.Std(),
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
	w.writeHeader(seed)
	w.history.Events = make([]history.Event, 0, expectedEvents(plan))
	boots := newStream(seed, "boot")
	for _, m := range w.machines {
		w.at(int64(between(boots, 0, bootWithin)), m.start)
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
		checks: make(map[model.CheckID]uint32), flows: make(map[flowKey]flowState)}
	w.machines = append(w.machines, m)
	w.byName[n.Name] = m
	w.putOnHost(m)
	m.install(&w.plan.Topology)
	switch n.Role {
	case scenarios.RoleController:
		m.plug(management, scenarios.ControllerIP(n.Number))
		m.boot = w.bootController(m)
		m.disk = w.newDisk(m, seed)
	case scenarios.RoleEngine:
		m.plug(management, scenarios.EngineManagementIP(n.Number))
		m.plug(data, scenarios.EngineDataIP(n.Number))
		m.boot = w.bootEngine(m)
		m.disk = w.newDisk(m, seed)
	case scenarios.RoleServer:
		m.plug(data, scenarios.ServerIP(n.Number))
	case scenarios.RoleGateway:
		m.plug(edge, scenarios.GatewayOuter)
		m.plug(data, scenarios.GatewayInner)
	}
	return m
}

func (m *machine) plug(n network, ip netip.Addr) {
	c := &nic{m: m, net: n, ip: pack(ip), arp: make(map[ipv4]*neighbour)}
	m.nics = append(m.nics, c)
	m.w.segments[n] = append(m.w.segments[n], c)
}

func (w *World) putOnHost(m *machine) {
	i := slices.IndexFunc(w.hosts, func(h *host) bool { return h.name == m.Host })
	if i < 0 {
		i = len(w.hosts)
		w.hosts = append(w.hosts, &host{name: m.Host, rack: m.Rack})
	}
	m.host = w.hosts[i]
	m.host.machines = append(m.host.machines, m)
}

// longestUptime is how long a machine may have run when the run begins.
const longestUptime = 30 * 24 * time.Hour

// setClocks draws how far the clocks of a host's machines are off; machines of one host share its crystal.
func (w *World) setClocks(h *host, r *rand.Rand) {
	c := w.plan.Topology.Clocks
	drift := int64(r.Uint64N(uint64(2*c.Drift)+1)) - int64(c.Drift)
	offset := between(r, c.Offset.Min, c.Offset.Max)
	if r.Uint64N(2) == 0 {
		offset = -offset
	}
	for _, m := range h.machines {
		m.clock = clock{drift: drift, offset: offset, origin: -int64(between(r, 0, longestUptime))}
	}
}

func (w *World) newDisk(m *machine, seed uint64) *disk {
	d := w.plan.Topology.Disk
	return newDisk(m, newStream(seed, "disk/"+m.Name), diskProfile{syncMin: d.Sync.Min, syncMax: d.Sync.Max})
}

// firstMembers are the controllers that form the cluster when the run begins.
func (w *World) firstMembers() []controller.Peer {
	peers := make([]controller.Peer, w.plan.Topology.Cluster)
	for i := range peers {
		peers[i] = controller.Peer{Name: fmt.Sprintf("%s-%d", scenarios.RoleController, i+1), Address: scenarios.ControllerIP(i + 1)}
	}
	return peers
}

// memberIPs are the addresses of the controllers that are members at present.
func (w *World) memberIPs() []netip.Addr {
	var ips []netip.Addr
	for _, m := range w.with(scenarios.RoleController) {
		if w.roles.members[m.Name] {
			ips = append(ips, m.nic(management).ip.addr())
		}
	}
	return ips
}

// What controllers are installed with, unless the scenario says otherwise of one.
const (
	platformVersion = "16.2"
	clusterSecret   = "a secret of the cluster"
)

// bootController makes a controller as it is installed: a first member of the cluster, or at factory default if it is
// none or its disk is a new one.
func (w *World) bootController(m *machine) func() model.Node {
	return func() model.Node {
		cfg := controller.Config{
			Name: m.Name, Address: scenarios.ControllerIP(m.Number), Version: m.build, Images: m.images, Secret: clusterSecret, Timers: w.timers,
			BackupWorkFactor: backup.TestWorkFactor,
		}
		if m.Number <= w.plan.Topology.Cluster && !m.replaced {
			cfg.Bootstrap = w.firstMembers()
			if ip := w.plan.Topology.ClusterIP; ip != nil {
				cfg.ClusterIP = *ip
			}
		}
		for _, in := range w.plan.Topology.Installed {
			if in.Node == m.Name {
				cfg.Secret = cmp.Or(in.Secret, cfg.Secret)
			}
		}
		return controller.New(cfg)
	}
}

func (w *World) bootEngine(m *machine) func() model.Node {
	n := m.Node
	return func() model.Node {
		return engine.New(engine.Config{
			Name: n.Name, Group: n.Group, Host: n.Host,
			Management: scenarios.EngineManagementIP(n.Number), Data: scenarios.EngineDataIP(n.Number),
			Controllers: w.memberIPs(), Timers: w.timers,
			Version: m.build, Images: m.images,
		})
	}
}

// addClients makes those who watch and those who operate. Services are watched by turns from outside,
// behind the gateway, and from nearby, so that the ARP caches of a gateway and of hosts both count.
func (w *World) addClients(seed uint64) error {
	p := w.plan.Workload.Probes
	times := probeTimes{every: p.Every.Std(), fast: p.Fast.Std(), timeout: p.Timeout.Std()}
	client := func(name string, n network, ip netip.Addr) *machine {
		m := w.addMachine(scenarios.Node{Name: name, Role: scenarios.RoleClient, Host: "host-" + name}, seed)
		m.plug(n, ip)
		return m
	}
	outside := newProber(w, client("client-outside", edge, scenarios.OutsideClientIP(1)), times)
	nearby := newProber(w, client("client-nearby", data, scenarios.NearbyClientIP(1)), times)
	for i, vs := range w.plan.Config.Services {
		watcher := outside
		if i%2 == 1 {
			watcher = nearby
		}
		watcher.watchService(vs.Name, netip.AddrPortFrom(vs.VIP, vs.Port))
	}
	newProber(w, client("client-api", management, scenarios.APIClientIP(1)), times).watchAPI(w.memberIPs)
	if f := w.plan.Workload.Flows; f.PerService > 0 {
		newFlowClient(w, client("client-flows", data, scenarios.NearbyClientIP(2)), f)
	}
	return w.addOperators(func(name string, number int) *machine {
		return client(name, management, scenarios.APIClientIP(number+1))
	})
}

// addOperators makes the clients of the configuration API: admin, who creates what the scenario starts with,
// and those that the plan's operations name.
func (w *World) addOperators(newClient func(name string, number int) *machine) error {
	var all []*operator
	find := func(name string) *operator {
		for _, o := range all {
			if o.m.Name == name {
				return o
			}
		}
		patience := w.timers.APITimeout.Std()
		if name == "admin" {
			patience = w.plan.Duration.Std() // without what it creates there is nothing to rehearse
		}
		o := &operator{w: w, m: newClient(name, len(all)+1), demands: make(map[uint64]string), answers: make(map[uint64]string)}
		o.client = client.New(client.Config{
			Name: name, Controllers: w.memberIPs,
			Attempt: w.timers.APIAttempt.Std(), Timeout: patience,
		}, o)
		o.m.boot = func() model.Node { return o.client }
		all = append(all, o)
		return o
	}
	find("admin").create(w.plan.Config.Objects())
	for _, op := range w.plan.Workload.Operate {
		if err := find(op.Client).schedule(op); err != nil {
			return err
		}
	}
	return nil
}

// writeHeader says in the history what was run.
func (w *World) writeHeader(seed uint64) {
	h := &w.history.Header
	*h = history.Header{Format: history.Format, Version: history.Version, Scenario: w.plan.Name, World: "sim", Seed: seed, Expect: w.plan.Expect}
	h.Services = append(h.Services, history.Service{Name: "api"})
	for _, vs := range w.plan.Config.Services {
		h.Services = append(h.Services, history.Service{Name: vs.Name, Address: vs.VIP.String(), Group: vs.SEGroupRef})
	}
	for _, m := range w.machines {
		h.Nodes = append(h.Nodes, history.Node{Name: m.Name, Role: m.Role, Group: m.Group, Host: m.Host})
	}
}
