package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"firedrill/checker/history"
	"firedrill/model/config"
	"firedrill/model/release"
)

// The worlds a scenario can be played in.
const (
	WorldSim  = "sim"
	WorldReal = "real"
)

// The networks a fault can be confined to.
const (
	NetworkManagement = "management"
	NetworkData       = "data"
	NetworkEdge       = "edge"
)

var (
	worlds     = []string{WorldSim, WorldReal}
	methods    = []string{"GET", "POST", "PUT", "DELETE"}
	networks   = []string{NetworkManagement, NetworkData, NetworkEdge}
	operations = []string{history.OpCreate, history.OpRead, history.OpUpdate, history.OpDelete, history.OpList, history.OpRequest}
)

// Limits beyond which a number is a slip of the pen rather than a wish.
const (
	longestRun    = 30 * 24 * time.Hour
	longestDelay  = time.Hour
	fastestRate   = 10_000.0 // operations a second
	mostOps       = 1_000_000
	mostKeys      = 1000
	mostFlows     = 1000
	longestBody   = 1 << 20
	greatestDrift = 10_000 // parts per million; a bad crystal is off by 200
)

// problem is what makes a scenario impossible, and where.
type problem struct{ path, text string }

func (p *problem) Error() string { return where(p.path) + ": " + p.text }

// validation checks a scenario from the top and keeps the first problem.
type validation struct {
	s     *Scenario
	nodes []Node
	first *problem
}

func (v *validation) check(ok bool, path, format string, args ...any) bool {
	if !ok && v.first == nil {
		v.first = &problem{path, fmt.Sprintf(format, args...)}
	}
	return ok
}

// validate returns what is wrong with a scenario whose defaults are set, or nil.
func validate(s *Scenario) *problem {
	v := &validation{s: s}
	for _, part := range []func(){v.heading, v.topology, v.hosts, v.cloud, v.installed, v.machine, v.configuration, v.services, v.workload, v.operations, v.faults, v.swarm, v.expect} {
		if part(); v.first != nil { // what follows may rely on what was checked
			return v.first
		}
	}
	return nil
}

func (v *validation) name(path, name string) bool {
	return v.check(namePattern.MatchString(name), path, "%q is not a name; use 1 to 128 letters, digits, dots, dashes and underscores", name)
}

func (v *validation) oneOf(path, word string, known []string) bool {
	return v.check(slices.Contains(known, word), path, "%q is unknown; %s", word, suggest(word, known))
}

func (v *validation) between(path string, n, least, most int) bool {
	return v.check(n >= least && n <= most, path, "%d is out of range; use %d to %d", n, least, most)
}

func (v *validation) duration(path string, d config.Duration, least, most time.Duration) bool {
	return v.check(d.Std() >= least && d.Std() <= most, path, "%v is out of range; use %v to %v", d, least, most)
}

// span checks a time or range; the loader refuses those that are negative or run backwards, but not every
// scenario comes from a file.
func (v *validation) span(path string, s Span, most time.Duration) bool {
	return v.check(0 <= s.Min && s.Min <= s.Max && s.Max <= most, path, "%v is out of range; use 0s to %v", s, most)
}

func (v *validation) heading() {
	s := v.s
	v.check(s.Name != "", "name", "there is none; write one, such as name: leader-crash")
	v.name("name", s.Name)
	v.check(s.About != "", "about", "it is empty; say in one sentence what fails and what must hold")
	v.printable("about", s.About)
	v.check(len(s.Worlds) > 0, "worlds", "it is empty; %s", suggest("", worlds))
	for i, w := range s.Worlds {
		path := fmt.Sprintf("worlds[%d]", i)
		v.oneOf(path, w, worlds)
		v.check(!slices.Contains(s.Worlds[:i], w), path, "%q is listed twice", w)
	}
	v.check(s.Duration != 0, "duration", "it lasts no time; say how long, such as duration: 30s")
	v.duration("duration", s.Duration, time.Millisecond, longestRun)
	profile, err := config.Profile(s.Profile)
	if err != nil {
		v.check(false, "profile", "%q is unknown; %s", s.Profile, suggest(s.Profile, config.Profiles()))
		return
	}
	if err := profile.Override(s.Timers).Validate(); err != nil {
		v.platformError("timers", "timers: ", err.Error())
	}
}

func (v *validation) printable(path, text string) {
	bad := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
	v.check(bad < 0, path, "it holds a character that cannot be printed, at byte %d", bad+1)
}

// platformError points at the field in a message of the platform's own validation: "PREFIXfield: problem".
func (v *validation) platformError(path, prefix, message string) {
	message = strings.TrimPrefix(message, prefix)
	if field, text, ok := strings.Cut(message, ": "); ok && !strings.Contains(field, " ") {
		path, message = path+"."+field, text
	}
	v.check(false, path, "%s", message)
}

func (v *validation) topology() {
	t := &v.s.Topology
	v.between("topology.controllers", t.Controllers, 1, maxControllers)
	path := "topology.controllers"
	if t.Cluster != t.Controllers {
		path = "topology.cluster"
	}
	v.check(t.Cluster == 1 || t.Cluster == 3, path, "%d controllers; a cluster has 1 or 3", t.Cluster)
	v.check(t.Cluster <= t.Controllers, "topology.cluster", "%d of %d controllers cannot be members", t.Cluster, t.Controllers)
	v.clusterIP()
	engines := 0
	for i, e := range t.Engines {
		path := fmt.Sprintf("topology.engines[%d]", i)
		v.between(path+".count", e.Count, 1, MaxEngines)
		engines += e.Count
		v.check(engines <= MaxEngines, path+".count", "%d engines together; there is room for %d", engines, MaxEngines)
		v.check(!slices.ContainsFunc(t.Engines[:i], func(o Engines) bool { return o.Group == e.Group }), path+".group",
			"group %q is listed twice; add the counts", e.Group)
		if v.first != nil {
			return // before the sum overflows
		}
	}
	v.between("topology.servers", t.Servers, 0, MaxServers)
	for i, version := range t.Images {
		_, err := release.Parse(version)
		v.check(err == nil, fmt.Sprintf("topology.images[%d]", i), "%v", err)
	}
	v.span("topology.restart", t.Restart, longestDelay)
	v.span("topology.network.latency", t.Network.Latency, longestDelay)
	v.check(t.Network.Tail.Share <= Whole, "topology.network.tail.share", "%v is more than everything", t.Network.Tail.Share)
	v.check(t.Network.Duplicate <= Whole, "topology.network.duplicate", "%v is more than everything", t.Network.Duplicate)
	v.span("topology.network.tail.latency", t.Network.Tail.Latency, longestDelay)
	v.span("topology.network.distance", t.Network.Distance, longestDelay)
	v.check(t.Network.Loss <= Whole, "topology.network.loss", "%v is more than everything", t.Network.Loss)
	v.duration("topology.network.arp_expiry", t.Network.ARPExpiry, time.Millisecond, longestRun)
	v.span("topology.disk.sync", t.Disk.Sync, longestDelay)
	v.span("topology.clocks.offset", t.Clocks.Offset, longestRun)
	v.between("topology.clocks.drift", t.Clocks.Drift, 0, greatestDrift)
}

// machine checks what a measured machine is said to be like.
func (v *validation) machine() {
	m := v.s.Machine
	if m == nil {
		return
	}
	v.name("machine.profile", m.Profile)
	for _, spread := range []struct {
		key string
		Spread
	}{{"link", m.Link}, {"sync", m.Sync}, {"wake", m.Wake}, {"serve", m.Serve}, {"start", m.Start}} {
		problem := spread.problem()
		v.check(problem == "", "machine."+spread.key, "%s", problem)
	}
}

// clusterIP checks that the address of the cluster is free, in the subnet of the controllers.
func (v *validation) clusterIP() {
	if v.s.Topology.ClusterIP == nil {
		return
	}
	ip := *v.s.Topology.ClusterIP
	const path = "topology.cluster_ip"
	v.check(controllerNet.Contains(ip), path, "%s is not in the controllers' subnet %s; use one such as 198.18.0.100", ip, controllerNet)
	last := int(ip.As4()[3])
	v.check(!controllerNet.Contains(ip) || last > 10+maxControllers && last < 255, path, "%s belongs to a controller; use one such as 198.18.0.100", ip)
}

// installed checks what is said of single nodes.
func (v *validation) installed() {
	for i, in := range v.s.Topology.Installed {
		path := fmt.Sprintf("topology.installed[%d]", i)
		v.node(path+".node", in.Node)
		controller := strings.HasPrefix(in.Node, RoleController+"-")
		cloud := strings.HasPrefix(in.Node, RoleCloud+"-")
		v.check(controller || cloud || strings.HasPrefix(in.Node, RoleEngine+"-"), path+".node", "%s is no controller, no engine and no cloud", in.Node)
		v.check(!cloud || in == Installed{Node: in.Node, Lacks: in.Lacks}, path, "of %s it can only be said which image it lacks", in.Node)
		v.check(controller || in.Secret == "", path+".secret", "%s is no controller, and has no secret", in.Node)
		v.check(in != Installed{Node: in.Node}, path, "it says nothing; give a version, a secret, what it lacks or what is broken")
		v.image(path+".lacks", in.Lacks)
		v.image(path+".broken", in.Broken)
	}
}

func (v *validation) image(path, version string) {
	v.check(version == "" || slices.Contains(v.s.Topology.Images, version), path, "%s is none of topology.images", version)
}

// hosts checks that every node has one host.
func (v *validation) hosts() {
	v.nodes = v.s.Nodes()
	hosts := v.s.Topology.Hosts
	placed := make(map[string]string) // host by node
	for i, h := range hosts {
		path := fmt.Sprintf("topology.hosts[%d]", i)
		v.name(path+".name", h.Name)
		v.check(!slices.ContainsFunc(hosts[:i], func(o Host) bool { return o.Name == h.Name }), path+".name", "host %q is listed twice", h.Name)
		if h.Rack != "" {
			v.name(path+".rack", h.Rack)
		}
		v.check(len(h.Nodes) > 0, path+".nodes", "the host has no nodes; name some, such as engine-1")
		for j, n := range h.Nodes {
			path := fmt.Sprintf("%s.nodes[%d]", path, j)
			v.node(path, n)
			v.check(placed[n] == "", path, "%s is on host %q already", n, placed[n])
			placed[n] = h.Name
		}
	}
	for i, h := range hosts {
		node, own := strings.CutPrefix(h.Name, ownHost(""))
		v.check(!own || !v.exists(node) || placed[node] == h.Name, fmt.Sprintf("topology.hosts[%d].name", i),
			"%q is the host of %s, which is not among its nodes; use another name", h.Name, node)
	}
}

func (v *validation) exists(node string) bool {
	return slices.ContainsFunc(v.nodes, func(n Node) bool { return n.Name == node })
}

// node checks that there is a node of that name.
func (v *validation) node(path, name string) {
	if !v.exists(name) {
		v.check(false, path, "there is no node %q; %s", name, suggest(name, v.nodeNames()))
	}
}

func (v *validation) nodeNames() []string {
	names := make([]string, len(v.nodes))
	for i, n := range v.nodes {
		names[i] = n.Name
	}
	return names
}

func (v *validation) groupNames() []string {
	names := make([]string, len(v.s.Config.Groups))
	for i, g := range v.s.Config.Groups {
		names[i] = g.Name
	}
	return names
}

func (v *validation) workload() {
	w := &v.s.Workload
	v.duration("workload.probes.every", w.Probes.Every, time.Millisecond, longestDelay)
	v.duration("workload.probes.fast", w.Probes.Fast, time.Millisecond, w.Probes.Every.Std())
	v.duration("workload.probes.timeout", w.Probes.Timeout, time.Millisecond, longestDelay)
	v.between("workload.flows.per_service", w.Flows.PerService, 0, mostFlows)
	v.duration("workload.flows.every", w.Flows.Every, time.Millisecond, time.Second)
	v.duration("workload.flows.from", w.Flows.From, 0, v.s.Duration.Std())
	m := w.Mix
	if m == nil {
		return
	}
	const path = "workload.mix"
	v.between(path+".clients", m.Clients, 1, MaxAPIClients-2-v.s.Topology.Controllers) // the prober, admin and the readers are clients too
	v.check(m.Rate >= 0.001 && m.Rate <= fastestRate, path+".rate", "%v operations a second are out of range; use 0.001 to %v", m.Rate, fastestRate)
	v.check(m.Readers >= 0 && m.Readers <= fastestRate, path+".readers", "%v reads a second are out of range; use 0 to %v", m.Readers, fastestRate)
	v.between(path+".keys", m.Keys, 1, mostKeys)
	v.span(path+".from", m.From, v.s.Duration.Std())
	v.span(path+".until", m.Until, v.s.Duration.Std())
	v.check(m.From.Max < m.Until.Min, path+".until", "%v is not after from, %v", m.Until, m.From)
	if v.first == nil {
		n := count(m.Rate+m.Readers*float64(v.s.Topology.Controllers), m.Until.Max-m.From.Min)
		v.check(n <= mostOps, path+".rate", "%d operations are too many; a run has room for %d", n, mostOps)
	}
}

func (v *validation) operations() {
	var clients []string
	done := make(map[string]int) // operations by client
	for i := range v.s.Workload.Operate {
		op := &v.s.Workload.Operate[i]
		path := fmt.Sprintf("workload.operations[%d]", i)
		v.before(path+".at", op.At)
		v.name(path+".client", op.Client)
		v.check(!reservedClient(op.Client), path+".client", "the name %q is taken; names of nodes and those that begin with client- are", op.Client)
		if !slices.Contains(clients, op.Client) {
			clients = append(clients, op.Client)
			v.check(len(clients) <= MaxAPIClients-2, path+".client", "%q is one client too many; there is room for %d", op.Client, MaxAPIClients-2)
		}
		v.oneOf(path+".do", op.Do, operations)
		done[op.Client]++
		for field, texts := range op.withAnswers() {
			for _, n := range answersOf(texts) {
				v.check(op.Do == history.OpRequest && n < done[op.Client], path+field,
					"${answer %d} is not the answer to an earlier operation of %s; this is number %d", n, op.Client, done[op.Client])
			}
		}
		if op.IfMatch != 0 {
			v.check(op.Do == history.OpRequest && op.IfMatch > 0 && op.IfMatch < done[op.Client], path+".if_match",
				"%d is no earlier operation of %s; this is number %d", op.IfMatch, op.Client, done[op.Client])
		}
		v.check(op.IdempotencyKey == "" || op.Do == history.OpRequest, path+".idempotency_key", "only a request has one")
		v.printable(path+".idempotency_key", op.IdempotencyKey)
		v.via(path+".via", op)
		v.operand(path, op)
		if v.first != nil {
			return
		}
	}
}

// via checks that a read which asks one controller asks one that there is. A write may be repeated at another
// controller, and so may not be tied to one.
func (v *validation) via(path string, op *Operation) {
	if op.Via == "" {
		return
	}
	v.check(op.Do == history.OpRead || op.Do == history.OpList || op.Do == history.OpRequest, path,
		"a %s is not tied to one controller; only a read, a list or a request is", op.Do)
	v.node(path, op.Via)
	v.check(strings.HasPrefix(op.Via, RoleController+"-"), path, "%s is no controller", op.Via)
}

// reservedClient tells names that a world uses for machines of its own.
func reservedClient(name string) bool {
	return strings.HasPrefix(name, RoleClient+"-") || nodePattern.MatchString(name)
}

// before checks that something happens within the run.
func (v *validation) before(path string, at Span) {
	v.span(path, at, longestRun)
	v.check(at.Max < v.s.Duration.Std(), path, "%v comes too late; the run is over at %v", at, v.s.Duration)
}

// request checks a request to the REST API; what the API makes of it is for the API to say.
func (v *validation) request(path string, op *Operation) {
	method, target, ok := strings.Cut(op.Key, " ")
	v.check(ok && slices.Contains(methods, method) && strings.HasPrefix(target, "/") && !strings.Contains(target, " "), path+".key",
		"%q is no request; write a method (%s) and a path, such as GET /api/cluster/status", op.Key, strings.Join(methods, ", "))
	v.check(len(op.Value) <= longestBody, path+".value", "it has %d bytes; at most %d are sent", len(op.Value), longestBody)
	if op.Answer != nil {
		v.check(op.Answer.Status == 0 || op.Answer.Status >= 100 && op.Answer.Status <= 599, path+".answer.status", "%d is no status of HTTP", op.Answer.Status)
	}
}

// operand checks what an operation is done to, and with.
func (v *validation) operand(path string, op *Operation) {
	if op.Do == history.OpRequest {
		v.request(path, op)
		return
	}
	v.check(op.Answer == nil, path+".answer", "only a request has one")
	if op.Do == history.OpList {
		_, err := config.ParseKind(op.Key)
		v.check(err == nil, path+".key", "%v", err)
		v.check(op.Value == "", path+".value", "a list takes no value")
		return
	}
	key, err := config.ParseKey(op.Key)
	if !v.check(err == nil, path+".key", "%v", err) {
		return
	}
	v.name(path+".key", key.Name)
	if op.Do != history.OpCreate && op.Do != history.OpUpdate {
		v.check(op.Value == "", path+".value", "a %s takes no value", op.Do)
		return
	}
	v.printable(path+".value", op.Value)
	object, err := config.Decode(key.Kind, []byte(op.Value))
	if v.check(err == nil, path+".value", "%v", err) {
		err = object.Validate()
		v.check(err == nil, path+".value", "%v", err)
		v.check(object.ObjectName() == key.Name, path+".value", "its name %q is not the one in the key, %q", object.ObjectName(), key.Name)
	}
}

func (v *validation) expect() {
	e := &v.s.Expect
	services := []string{"*", apiService}
	for _, vs := range v.s.Config.Services {
		services = append(services, vs.Name)
	}
	for i, o := range e.Outages {
		path := fmt.Sprintf("expect.outages[%d]", i)
		v.oneOf(path+".service", o.Service, services)
		v.duration(path+".max", o.Max, 0, longestRun)
		v.check(o.Min == 0 || o.Service != "*", path+".min", "it is for one service, by its name")
		v.duration(path+".min", o.Min, 0, longestRun)
		if o.Blips != nil {
			v.between(path+".blips", *o.Blips, 0, 1_000_000)
		}
		v.check(!slices.ContainsFunc(e.Outages[:i], func(p history.OutageBound) bool { return p.Service == o.Service }), path+".service",
			"%q has a bound already", o.Service)
	}
	v.duration("expect.dual_active", e.DualActive, time.Millisecond, longestRun)
	if e.Drain != 0 {
		v.duration("expect.drain", e.Drain, time.Millisecond, longestRun)
	}
	v.duration("expect.recover_within", e.RecoverWithin, time.Millisecond, longestRun)
	if c := e.Created; c != nil {
		v.check(v.s.Topology.Cloud != nil, "expect.created", "there is no cloud that could make engines; topology.cloud describes one")
		v.check(c.Min >= 0, "expect.created.min", "%d is negative", c.Min)
		v.check(c.Max >= c.Min, "expect.created.max", "%d is less than min, %d", c.Max, c.Min)
	}
	for i, f := range e.Failovers {
		path := fmt.Sprintf("expect.failovers[%d]", i)
		v.oneOf(path+".of", f.Of, append([]string{leader}, v.groupNames()...))
		v.check(f.Min >= 0, path+".min", "%d is negative", f.Min)
		v.check(f.Max >= f.Min, path+".max", "%d is less than min, %d", f.Max, f.Min)
		v.check(!slices.ContainsFunc(e.Failovers[:i], func(p history.FailoverBound) bool { return p.Of == f.Of }), path+".of",
			"%q has a bound already", f.Of)
	}
}

// Names that mean something else than an object of the configuration.
const (
	apiService = "api"    // the service that is the API itself
	leader     = "leader" // what fails over among controllers
)
