package node

import (
	"slices"
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
duration: 12s
topology: {controllers: 3, engines: [{group: pair, count: 2}], servers: 2, clocks: {offset: 0s, drift: 0}}
config:
  clouds: [{name: lab}]
  service_engine_groups: [{name: pair, cloud_ref: lab, ha_mode: HA_MODE_LEGACY_ACTIVE_STANDBY}]
  health_monitors:
    - {name: http, type: HEALTH_MONITOR_HTTP, send_interval: 500ms, receive_timeout: 300ms}
    - {name: ping, type: HEALTH_MONITOR_PING, send_interval: 500ms, receive_timeout: 300ms}
  pools:
    - {name: web, servers: [{ip: 198.19.1.1, port: 8080}, {ip: 198.19.1.2, port: 8080}], health_monitor_refs: [http, ping]}
  virtual_services:
    - {name: web, vip: 198.19.2.1, port: 80, pool_ref: web, se_group_ref: pair}
    - {name: shop, vip: 198.19.2.2, port: 443, pool_ref: web, se_group_ref: pair}
workload: {flows: {per_service: 1}, mix: {clients: 2, rate: 10, keys: 3, from: 3s, until: 10s}}
expect: {outages: [{service: '*', max: 2s}]}
`

// TestCluster runs a whole cluster, each container a process in a network namespace of its own, and kills the engine that
// serves: the other takes the addresses, and clients on both sides of the gateway find them there.
func TestCluster(t *testing.T) {
	needNamespaces(t)
	scenario, err := scenarios.Parse("plan.yaml", []byte(clusterPlan))
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
	l, ca := newLab(t), newAuthority(t)
	for _, name := range Containers(plan) {
		own, err := AddressesOf(plan, name)
		if err != nil {
			t.Fatal(err)
		}
		m := l.machine(name, own)
		networks := m.spec.Networks
		m.spec = ca.spec(t, name, string(text))
		m.spec.Networks = networks
		forward := "0"
		if name == "gateway-1" {
			forward = "1"
		}
		inside(t, m.ns, func() { writeFile(t, forwardSetting, forward) })
	}
	for _, m := range l.machines {
		m.start()
	}
	epoch := l.epoch()
	time.Sleep(6 * time.Second)
	victim := activeEngine(l.events())
	if victim == "" {
		t.Fatal("no engine serves")
	}
	fault := history.Event{Time: int64(monotonic(t) - epoch), Type: history.Fault, Step: 1, Fault: "crash", Target: victim, Resolved: []string{victim}, Phase: history.Begin}
	stopped := history.Event{Time: fault.Time, Type: history.NodeEv, Node: victim, Event: string(model.EventStopped)}
	l.machines[victim].kill()
	time.Sleep(5 * time.Second)
	l.end()
	r := checker.Judge(l.history(plan, fault, stopped))
	for _, v := range r.Violations {
		t.Errorf("%+v", v)
	}
	for _, service := range []string{"web", "shop"} {
		if !slices.ContainsFunc(r.Outages, func(o checker.Outage) bool { return o.Service == service && o.Fault != "" }) {
			t.Errorf("nobody noticed at %s that its engine was killed: %+v", service, r.Outages)
		}
	}
	for _, o := range r.Outages {
		t.Logf("%s: %v dark: %s", o.Service, o.Duration, o.Cause)
	}
}

func activeEngine(events []history.Event) string {
	i := slices.IndexFunc(events, func(e history.Event) bool { return e.Event == string(model.EventActive) })
	if i < 0 {
		return ""
	}
	return events[i].Node
}
