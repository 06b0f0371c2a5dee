package controller

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"firedrill/model/config"
	"firedrill/model/wire"
)

var cloudIP = netip.MustParseAddr("198.18.3.1")

// fakeCloud is the management of a cloud whose engines boot when the test says so. Package cloud holds the real one.
type fakeCloud struct {
	w         *world
	hosts     []*wire.CloudHost
	instances []*wire.CloudInstance
	asked     []string // such as "create a-se-7 on host-a", repeats left out
	term      uint64
	version   uint64
	refuses   string // why nobody is let in
	mute      bool   // hears everything, and answers nothing
	from      netip.Addr
}

func (f *fakeCloud) receive(p packet) {
	body, err := wire.Decode(p.data)
	if err != nil {
		f.w.Fatal(err)
	}
	r := body.(*wire.Envelope_CloudRequest).CloudRequest
	f.from = p.from
	answer := &wire.CloudResponse{Id: r.Id, Status: wire.CloudStatus_CLOUD_OK}
	switch {
	case f.refuses != "":
		answer.Status, answer.Error = wire.CloudStatus_CLOUD_REFUSED, f.refuses
	case r.Term < f.term:
		answer.Status = wire.CloudStatus_CLOUD_DEPOSED
	default:
		f.term = r.Term
		f.do(r)
		answer.Inventory = f.inventory()
	}
	if !f.mute {
		f.w.queue = append(f.w.queue, packet{cloudIP, p.from, wire.Encode(&wire.Envelope_CloudResponse{CloudResponse: answer})})
	}
}

func (f *fakeCloud) do(r *wire.CloudRequest) {
	at := slices.IndexFunc(f.instances, func(x *wire.CloudInstance) bool { return x.Name == r.Instance.GetName() })
	switch r.Operation {
	case wire.CloudOperation_CLOUD_CREATE:
		f.note("create %s on %s", r.Instance.Name, r.Instance.Host)
		if at < 0 {
			f.instances = append(f.instances, &wire.CloudInstance{Name: r.Instance.Name, Group: r.Instance.Group, Host: r.Instance.Host, State: "booting"})
		}
	case wire.CloudOperation_CLOUD_DELETE:
		f.note("delete %s", r.Instance.Name)
		if at >= 0 {
			f.instances = slices.Delete(f.instances, at, at+1)
		}
	case wire.CloudOperation_CLOUD_REBOOT:
		f.note("reboot %s", r.Instance.Name)
	}
}

func (f *fakeCloud) note(format string, args ...any) {
	if line := fmt.Sprintf(format, args...); !slices.Contains(f.asked, line) {
		f.asked = append(f.asked, line)
	}
}

func (f *fakeCloud) inventory() *wire.CloudInventory {
	f.version++
	return &wire.CloudInventory{Version: f.version, Hosts: f.hosts, Instances: f.instances}
}

// report pushes the inventory to who asked last.
func (f *fakeCloud) report() {
	f.w.queue = append(f.w.queue, packet{cloudIP, f.from, wire.Encode(&wire.Envelope_CloudReport{CloudReport: &wire.CloudReport{Inventory: f.inventory()}})})
}

// farm is a cluster with a group whose engines a cloud makes.
type farm struct {
	*world
	quiet map[string]bool // engines that neither report nor answer
	read  int
}

// newFarm makes a group of two services that wants one engine and one for the buffer, with more fields of the group.
func newFarm(t *testing.T, fields string, set ...func(*fakeCloud)) *farm {
	f := &farm{world: newWorld(t, 3), quiet: map[string]bool{}}
	f.cloud = &fakeCloud{w: f.world, hosts: []*wire.CloudHost{{Name: "host-a", Free: 5}, {Name: "host-b", Free: 5}, {Name: "host-c", Free: 5}}}
	for _, s := range set {
		s(f.cloud)
	}
	f.must(request{method: "POST", path: "/api/cloud", body: `{"name":"lab","access":"WRITE_ACCESS","mgmt_ip":"198.18.3.1"}`})
	f.must(request{method: "POST", path: "/api/serviceenginegroup", body: `{"name":"farm","cloud_ref":"lab","ha_mode":"HA_MODE_SHARED","max_vs_per_se":2` + fields + `}`})
	f.must(request{method: "POST", path: "/api/pool", body: `{"name":"web","servers":[]}`})
	for i, name := range []string{"a", "b"} {
		f.must(request{method: "POST", path: "/api/virtualservice",
			body: fmt.Sprintf(`{"name":%q,"vip":"198.18.2.%d","port":80,"pool_ref":"web","se_group_ref":"farm"}`, name, i+1)})
	}
	return f
}

// work lets time go by, in which engines that run report to all controllers and answer questions.
func (f *farm) work(d time.Duration) {
	for end := f.now + d; f.now < end; f.pass(10 * time.Millisecond) {
		for ; f.read < len(f.mail); f.read++ {
			body, err := wire.Decode(f.mail[f.read].data)
			if d, ok := body.(*wire.Envelope_EngineDirective); err == nil && ok && d.EngineDirective.Ask {
				f.speak(func(ip netip.Addr) bool { return ip == f.mail[f.read].to })
			}
		}
		if f.now%(250*time.Millisecond) == 0 {
			f.speak(func(netip.Addr) bool { return true })
		}
	}
}

func (f *farm) speak(who func(netip.Addr) bool) {
	for _, x := range f.cloud.instances {
		ip := f.ip(x.Name)
		if x.State != "running" || f.quiet[x.Name] || !who(ip) {
			continue
		}
		for _, c := range f.hosts {
			f.queue = append(f.queue, packet{ip, c.cfg.Address, wire.Encode(&wire.Envelope_EngineReport{EngineReport: &wire.EngineReport{
				Engine: x.Name, Group: x.Group, Host: x.Host, Cloud: "lab", Management: ip.String(), Data: "198.19" + strings.TrimPrefix(ip.String(), "198.18"),
			}})})
		}
	}
}

// ip is the address of an engine: its name ends in a number.
func (f *farm) ip(name string) netip.Addr {
	return netip.MustParseAddr("198.18.1." + name[strings.LastIndex(name, "-")+1:])
}

// boot makes the engines run that were asked for.
func (f *farm) boot() {
	for _, x := range f.cloud.instances {
		x.State = "running"
	}
	f.work(3 * time.Second)
}

// engines lists what the leader's configuration has, such as "Avi-se-7 OPER_CREATING".
func (f *farm) engines() []string {
	var out []string
	for _, e := range f.leader().node.machine.List(config.KindServiceEngine) {
		out = append(out, strings.TrimSpace(e.Key.Name+" "+string(e.Object.(*config.ServiceEngine).State)))
	}
	return out
}

func (f *farm) placed(service string) []string {
	e, _ := f.leader().node.machine.Get(config.Key{Kind: config.KindPlacement, Name: "farm"})
	return e.Object.(*config.Placement).EnginesOf(service)
}

func (f *farm) logged(id string) int {
	n := 0
	for _, e := range f.leader().node.machine.events.list {
		if e.ID == id {
			n++
		}
	}
	return n
}

// settled fails unless the cloud has exactly the engines of the configuration, all of which are settled.
func (f *farm) settled(n int) {
	f.Helper()
	var have []string
	for _, x := range f.cloud.instances {
		have = append(have, x.Name)
	}
	slices.Sort(have)
	if known := f.engines(); len(have) != n || !slices.Equal(have, known) {
		f.Errorf("the cloud has %q, and the configuration %q; want %d", have, known, n)
	}
}

func TestCloudGrowsAGroup(t *testing.T) {
	f := newFarm(t, `,"se_name_prefix":"farm"`)
	f.work(3 * time.Second)
	if len(f.cloud.asked) != 2 || !strings.HasPrefix(f.cloud.asked[0], "create farm-se-") || f.cloud.asked[0][len(f.cloud.asked[0])-1] == f.cloud.asked[1][len(f.cloud.asked[1])-1] {
		t.Errorf("asked for %q; want two engines on different hosts", f.cloud.asked)
	}
	for _, e := range f.engines() {
		if !strings.HasSuffix(e, " OPER_CREATING") {
			t.Errorf("%s; it has not reported yet", e)
		}
	}
	f.boot()
	f.settled(2)
	if len(f.placed("a")) != 1 || len(f.placed("b")) != 1 || f.placed("a")[0] == f.placed("b")[0] {
		t.Errorf("a is on %q, b on %q; want one on each engine", f.placed("a"), f.placed("b"))
	}
}

// TestIntentSurvivesLeader: what one leader has decided, and the cloud has not heard, the next one carries out under the
// same names.
func TestIntentSurvivesLeader(t *testing.T) {
	f := newFarm(t, "")
	f.cloud.mute = true
	inventory := f.cloud.inventory()
	f.until("the leader knows the cloud", func() bool {
		for _, k := range f.leader().node.clouds.connectors {
			k.take(inventory)
			return true
		}
		return false
	})
	f.until("it has written two intents", func() bool { return len(f.engines()) == 2 })
	intents, old := f.engines(), f.leader()
	f.cloud.instances, f.cloud.asked = nil, nil // whatever it asked for got lost
	old.crash()
	f.cloud.mute = false
	f.until("another leads", func() bool { return f.leader() != nil })
	f.work(3 * time.Second)
	if got := f.engines(); !slices.Equal(got, intents) || len(f.cloud.instances) != 2 {
		t.Errorf("the intents are %q, were %q, and %d engines were made", got, intents, len(f.cloud.instances))
	}
	f.boot()
	f.settled(2)
}

func TestOrphanIsDeleted(t *testing.T) {
	f := newFarm(t, "")
	f.work(3 * time.Second)
	f.boot()
	f.cloud.instances = append(f.cloud.instances, &wire.CloudInstance{Name: "Avi-se-9", Group: "farm", Host: "host-a", State: "running"})
	f.work(5 * time.Second)
	f.settled(2)
	if f.logged(EventSEOrphan) != 1 {
		t.Errorf("%d orphans were logged", f.logged(EventSEOrphan))
	}
}

func TestBootFailureIsRetried(t *testing.T) {
	f := newFarm(t, "")
	f.work(3 * time.Second)
	first := f.engines()
	for _, x := range f.cloud.instances {
		x.State = "failed"
	}
	f.work(3 * time.Second) // the cloud is asked how they are every two seconds
	f.boot()
	f.settled(2)
	for _, e := range f.engines() {
		if slices.Contains(first, e+" OPER_CREATING") {
			t.Errorf("%s has the name of one that did not boot", e)
		}
	}
	if f.logged(EventSECreateFailed) != 2 {
		t.Errorf("%d failures were logged", f.logged(EventSECreateFailed))
	}
}

// TestAttemptsSlowDown: engines that never report are given up after se_create_timeout, and the attempts follow each
// other more slowly.
func TestAttemptsSlowDown(t *testing.T) {
	f := newFarm(t, "")
	var at []time.Duration
	for len(at) < 5 {
		n := len(f.cloud.asked)
		f.work(100 * time.Millisecond)
		for _, x := range f.cloud.instances {
			x.State = "failed"
		}
		for _, line := range f.cloud.asked[n:] {
			if strings.HasPrefix(line, "create") && (len(at) == 0 || f.now-at[len(at)-1] > 200*time.Millisecond) {
				at = append(at, f.now)
			}
		}
	}
	if early, late := at[2]-at[1], at[4]-at[3]; late < early {
		t.Errorf("attempts at %v: the gaps do not grow", at)
	}
}

func TestNoCapacityThenCapacity(t *testing.T) {
	f := newFarm(t, "", func(c *fakeCloud) {
		for _, h := range c.hosts {
			h.Free = 0
		}
	})
	f.work(5 * time.Second)
	if len(f.cloud.asked) > 0 || f.logged(EventGroupWarning) != 1 {
		t.Errorf("asked for %q; %d warnings", f.cloud.asked, f.logged(EventGroupWarning))
	}
	f.cloud.hosts[0].Free = 5
	f.work(5 * time.Second)
	f.boot()
	f.settled(2)
}

func TestCloudRefuses(t *testing.T) {
	f := newFarm(t, "", func(c *fakeCloud) { c.refuses = "the password is wrong" })
	f.work(10 * time.Second)
	if len(f.engines()) > 0 || f.logged(EventCloudRefused) != 1 {
		t.Errorf("the configuration has %q, and %d refusals were logged", f.engines(), f.logged(EventCloudRefused))
	}
	var status clusterStatus
	if err := json.Unmarshal(f.must(request{method: "GET", path: "/api/cluster/status"}).Body, &status); err != nil {
		t.Fatal(err)
	}
	if want := []string{"farm: 0 of 2 engines for N + M; no access to the cloud: an operator must add engines", "lab: the password is wrong"}; !slices.Equal(status.Warnings, want) {
		t.Errorf("the status warns %q, want %q", status.Warnings, want)
	}
	f.cloud.refuses = ""
	f.work(5 * time.Second)
	f.boot()
	f.settled(2)
}

// TestHostReport: a cloud that calls a host down makes the leader ask its engines; one that answers stays, and one that
// does not is dead sooner than by its heartbeats.
func TestHostReport(t *testing.T) {
	f := newFarm(t, "")
	f.work(3 * time.Second)
	f.boot()
	before := f.placed("a")
	victim := before[0]
	for _, x := range f.cloud.instances {
		for _, h := range f.cloud.hosts {
			if x.Name == victim && h.Name == x.Host {
				h.Down = true
			}
		}
	}
	f.cloud.report()
	f.work(5 * time.Second)
	if f.logged(EventSEDown) != 0 || !slices.Equal(f.placed("a"), before) {
		t.Errorf("a was on %q and is on %q, after a report that was wrong", before, f.placed("a"))
	}
	f.quiet[victim] = true
	f.cloud.report()
	start := f.now
	for f.logged(EventSEDown) == 0 && f.now-start < 10*time.Second {
		f.work(50 * time.Millisecond)
	}
	if took := f.now - start; took > 600*time.Millisecond {
		t.Errorf("an engine of a host that is reported down was dead after %v", took)
	}
}

func TestDeadEngines(t *testing.T) {
	f := newFarm(t, "")
	f.work(3 * time.Second)
	f.boot()
	for range 2 {
		victim := f.placed("a")[0]
		f.quiet[victim] = true
		f.work(4 * time.Second)
		f.boot()
		if len(f.placed("a")) == 0 || f.placed("a")[0] == victim {
			t.Errorf("a is on %q", f.placed("a"))
		}
	}
	f.work(10 * time.Second)
	f.settled(3) // two that serve, and the last of the dead ones, for whoever wants to look at it
	rebooted := slices.DeleteFunc(slices.Clone(f.cloud.asked), func(line string) bool { return !strings.HasPrefix(line, "reboot") })
	if len(rebooted) != 2 {
		t.Errorf("rebooted: %q", rebooted)
	}
}

// TestFlappingEngineGetsNothing: an engine that has failed keeps what it has, and gets nothing for a while.
func TestFlappingEngineGetsNothing(t *testing.T) {
	f := newFarm(t, `,"max_se":1`)
	f.work(3 * time.Second)
	f.boot()
	engine := f.placed("a")[0]
	for _, h := range f.cloud.hosts {
		h.Free = 0 // no other engine can be had
	}
	f.cloud.report()
	f.must(request{method: "DELETE", path: "/api/virtualservice/b"})
	f.quiet[engine] = true
	f.work(3 * time.Second)
	f.quiet[engine] = false
	f.must(request{method: "POST", path: "/api/virtualservice", body: `{"name":"b","vip":"198.18.2.2","port":80,"pool_ref":"web","se_group_ref":"farm"}`})
	f.work(time.Second)
	if len(f.placed("b")) > 0 || !slices.Equal(f.placed("a"), []string{engine}) {
		t.Errorf("a is on %q, b on %q; the engine has just failed", f.placed("a"), f.placed("b"))
	}
	f.work(5 * time.Second)
	if !slices.Equal(f.placed("b"), []string{engine}) {
		t.Errorf("b is on %q; the engine has been well for long", f.placed("b"))
	}
}

func TestHostLists(t *testing.T) {
	f := newFarm(t, `,"host_include":["host-a","host-b"],"host_exclude":["host-c"]`)
	f.work(3 * time.Second)
	for _, x := range f.cloud.instances {
		if x.Host == "host-c" {
			t.Errorf("%s is on %s", x.Name, x.Host)
		}
	}
	if len(f.cloud.instances) != 2 || f.cloud.instances[0].Host == f.cloud.instances[1].Host {
		t.Errorf("made %v", f.cloud.instances)
	}
}

// TestSurplusIsDeleted: when a service goes, the engine that it needed is given back, once it is empty.
func TestSurplusIsDeleted(t *testing.T) {
	f := newFarm(t, `,"max_vs_per_se":1`)
	f.work(3 * time.Second)
	f.boot()
	f.settled(3)
	f.must(request{method: "DELETE", path: "/api/virtualservice/b"})
	f.work(3 * time.Second)
	f.settled(2)
	if f.logged(EventSEDeleted) != 1 || f.logged(EventSEDown) != 0 {
		t.Errorf("%d deleted, %d down", f.logged(EventSEDeleted), f.logged(EventSEDown))
	}
}

// TestSuccessEndsSlowness: an engine that boots ends the row of failed attempts, so that the next failure is the first again.
func TestSuccessEndsSlowness(t *testing.T) {
	f := newFarm(t, "")
	failures := func() int { return f.leader().node.fleet.placedGroup("farm").staffing.failures }
	for range 40 {
		f.work(100 * time.Millisecond)
		for _, x := range f.cloud.instances {
			x.State = "failed"
		}
	}
	if failures() < 2 {
		t.Fatalf("%d attempts have failed", failures())
	}
	f.work(3 * time.Second)
	for range 5 {
		f.boot()
	}
	f.settled(2)
	if failures() != 0 {
		t.Errorf("%d attempts in a row have failed, the last of which has not", failures())
	}
}
