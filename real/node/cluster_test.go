package node

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"firedrill/checker"
	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/scenarios"
)

const clusterPlan = `
name: cluster-in-namespaces
about: Every part of a container at once.
duration: 8s
topology: {controllers: 3, engines: [{group: pair, count: 2}], servers: 2, clocks: {offset: 0s, drift: 0}}
config:
  clouds: [{name: lab}]
  service_engine_groups: [{name: pair, cloud_ref: lab, ha_mode: HA_MODE, dp_hb_timeout_count: 5}]
  health_monitors:
    - {name: http, type: HEALTH_MONITOR_HTTP, send_interval: 500ms, receive_timeout: 300ms}
    - {name: ping, type: HEALTH_MONITOR_PING, send_interval: 500ms, receive_timeout: 300ms}
  pools:
    - {name: web, servers: [{ip: 198.19.1.1, port: 8080}, {ip: 198.19.1.2, port: 8080}], health_monitor_refs: [http, ping]}
  virtual_services:
    - {name: web, vip: 198.19.2.1, port: 80, pool_ref: web, se_group_ref: pair}
    - {name: shop, vip: 198.19.2.2, port: 443, pool_ref: web, se_group_ref: pair}
workload:
  probes: {timeout: 200ms}
  flows: {per_service: 4}
  mix: {clients: 2, rate: 10, keys: 3, readers: 2, from: 2s, until: 6s}
expect: {outages: [{service: '*', max: 3s}]}
`

// cluster is a lab with every container of a plan, running.
type cluster struct {
	*lab
	plan  *scenarios.Scenario
	epoch time.Duration
	told  []history.Event // what the test itself did
}

func newCluster(t *testing.T, haMode string) *cluster {
	t.Helper()
	needNamespaces(t)
	scenario, err := scenarios.Parse("plan.yaml", []byte(strings.ReplaceAll(clusterPlan, "HA_MODE,", haMode+",")))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := scenarios.NewPlan(scenario, 1)
	if err != nil {
		t.Fatal(err)
	}
	text, err := scenarios.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{lab: newLab(t), plan: plan}
	ca := newAuthority(t)
	for _, name := range Containers(plan) {
		own, err := AddressesOf(plan, name)
		if err != nil {
			t.Fatal(err)
		}
		m := c.machine(name, own)
		networks := m.spec.Networks
		m.spec = ca.spec(t, name, string(text))
		m.spec.Networks = networks
		forward := "0"
		if name == "gateway-1" {
			forward = "1"
		}
		inside(t, m.ns, func() { writeFile(t, forwardSetting, forward) })
	}
	for _, m := range c.machines {
		m.start()
	}
	c.epoch = c.begin()
	return c
}

// until waits for a time of the run.
func (c *cluster) until(at time.Duration) { time.Sleep(at - (monotonic(c.t) - c.epoch)) }

// tell records what the test does to the cluster.
func (c *cluster) tell(e history.Event) {
	e.Time = int64(monotonic(c.t) - c.epoch)
	c.told = append(c.told, e)
}

func (c *cluster) fault(kind, target, phase string) {
	c.tell(history.Event{Type: history.Fault, Step: 1, Fault: kind, Target: target, Resolved: []string{target}, Phase: phase})
}

// judge ends the run and holds it to what is demanded of every run.
func (c *cluster) judge() checker.Result {
	c.t.Helper()
	c.end()
	r := checker.Judge(c.history(c.plan, c.told...))
	for _, v := range r.Violations {
		c.t.Errorf("%+v", v)
	}
	for _, o := range r.Outages {
		c.t.Logf("%s: %v dark: %s", o.Service, o.Duration, o.Cause)
	}
	return r
}

func (c *cluster) count(pick func(history.Event) bool) (n int) {
	for _, e := range c.events() {
		if pick(e) {
			n++
		}
	}
	return n
}

// wantShared wants that both engines have answered at some service before the faults of the test.
func (c *cluster) wantShared(services ...string) {
	c.t.Helper()
	by := make(map[string]map[string]bool)
	for _, e := range c.events() {
		if e.Type == history.Probe && e.OK && e.Time < int64(3*time.Second) {
			if by[e.Service] == nil {
				by[e.Service] = make(map[string]bool)
			}
			by[e.Service][e.By] = true
		}
	}
	if !slices.ContainsFunc(services, func(s string) bool { return len(by[s]) == 2 }) {
		c.t.Errorf("the engines share no service: %v", by)
	}
}

// TestCluster runs a whole cluster, each container a process in a network namespace of its own, and kills the engine that
// serves: the other takes the addresses, clients on both sides of the gateway find them there, and what was killed comes back.
func TestCluster(t *testing.T) {
	for _, mode := range []string{"HA_MODE_LEGACY_ACTIVE_STANDBY", "HA_MODE_SHARED_PAIR"} {
		t.Run(mode, func(t *testing.T) {
			c := newCluster(t, mode)
			c.until(3 * time.Second)
			victim := activeEngine(c.events())
			if victim == "" {
				t.Fatal("no engine serves")
			}
			c.fault("crash", victim, history.Begin)
			c.tell(history.Event{Type: history.NodeEv, Node: victim, Event: string(model.EventStopped)})
			c.machines[victim].kill()
			c.until(5 * time.Second)
			c.fault("crash", victim, history.Finish)
			c.machines[victim].start()
			c.until(7500 * time.Millisecond)
			r := c.judge()
			if mode == "HA_MODE_SHARED_PAIR" {
				c.wantShared("web", "shop")
			}
			for _, service := range []string{"web", "shop"} {
				if mode == "HA_MODE_LEGACY_ACTIVE_STANDBY" && !slices.ContainsFunc(r.Outages, func(o checker.Outage) bool { return o.Service == service && o.Fault != "" }) {
					t.Errorf("nobody noticed at %s that its engine was killed", service)
				}
			}
			for _, want := range []struct {
				what  string
				least int
				pick  func(history.Event) bool
			}{
				{"starts of the victim", 2, func(e history.Event) bool { return e.Node == victim && e.Event == string(model.EventStarted) }},
				{"flows that were opened", 8, func(e history.Event) bool { return e.Type == history.Flow && e.Phase == history.Begin }},
				{"flows that broke", 1, func(e history.Event) bool { return e.Type == history.Flow && e.Phase == history.Finish }},
				{"writes that were done", 10, func(e history.Event) bool { return e.Type == history.Return && e.Outcome == history.OK && e.Index > 0 }},
				{"engines that told what they carried", 2, func(e history.Event) bool { return e.Event == string(model.EventCarried) }},
			} {
				if got := c.count(want.pick); got < want.least {
					t.Errorf("%s: %d, want at least %d", want.what, got, want.least)
				}
			}
		})
	}
}

// TestCutHeals cuts an engine off from the controllers, and wants messages soon after the cut has healed.
func TestCutHeals(t *testing.T) {
	c := newCluster(t, "HA_MODE_LEGACY_ACTIVE_STANDBY")
	c.until(2500 * time.Millisecond)
	m := c.machines["engine-2"]
	cut := Cut{ID: 1, Peers: []netip.Addr{scenarios.ControllerIP(1), scenarios.ControllerIP(2), scenarios.ControllerIP(3)}, In: true, Out: true}
	c.fault("partition", "engine-2", history.Begin)
	inside(t, m.ns, func() {
		if err := cut.Strike(m.spec); err != nil {
			t.Error(err)
		}
	})
	c.until(5500 * time.Millisecond)
	inside(t, m.ns, func() {
		if err := MendCut(1); err != nil {
			t.Error(err)
		}
	})
	c.fault("partition", "engine-2", history.Finish)
	healed := c.told[len(c.told)-1].Time
	c.until(7500 * time.Millisecond)
	c.judge()
	headless, back := time.Duration(0), time.Duration(0)
	for _, e := range c.events() {
		if e.Node == "engine-2" && e.Event == string(model.EventHeadless) {
			headless = time.Duration(e.Time)
		}
		if e.Node == "engine-2" && e.Event == string(model.EventReattached) {
			back = time.Duration(e.Time - healed)
		}
	}
	t.Logf("headless at %v, reattached %v after the cut had healed", headless, back)
	if headless == 0 || back <= 0 || back > time.Second {
		t.Error("want the engine headless, and reattached within a second: it reports every 250 ms")
	}
}

func activeEngine(events []history.Event) string {
	i := slices.IndexFunc(events, func(e history.Event) bool { return e.Event == string(model.EventActive) })
	if i < 0 {
		return ""
	}
	return events[i].Node
}
