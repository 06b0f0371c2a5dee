package scenarios

import (
	"strings"
	"testing"

	"firedrill/checker/history"
)

// TestRoles tells a story line by line, and asks now and then whom a selector means.
func TestRoles(t *testing.T) {
	plan, err := Parse("roles.yaml", []byte(`
name: roles
about: Everybody has a part.
duration: 20s
topology:
  controllers: 3
  engines: [{group: pair, count: 2}, {group: shared, count: 3}]
  hosts: [{name: big, rack: a, nodes: [controller-1, engine-1]}]
config:
  clouds: [{name: lab, access: NO_ACCESS}]
  service_engine_groups:
    - {name: pair, cloud_ref: lab, ha_mode: HA_MODE_LEGACY_ACTIVE_STANDBY}
    - {name: shared, cloud_ref: lab, ha_mode: HA_MODE_SHARED}
  pools: [{name: p}]
  virtual_services: [{name: web, vip: 198.19.2.1, port: 80, pool_ref: p, se_group_ref: shared}]
`))
	if err != nil {
		t.Fatal(err)
	}
	r := NewRoles(plan)
	say := func(node, event string, more history.Event) {
		more.Type, more.Node, more.Event = history.NodeEv, node, event
		r.Follow(&more)
	}
	means := func(selector, want string) {
		t.Helper()
		s, err := ParseSelector(selector)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(r.Resolve(s), " "); got != want {
			t.Errorf("%s means %q, want %q", selector, got, want)
		}
	}
	for _, n := range plan.Nodes() {
		say(n.Name, "started", history.Event{})
	}
	means("leader", "")
	means("controllers", "controller-1 controller-2 controller-3")
	say("controller-2", "leader", history.Event{Term: 2})
	say("controller-1", "leader", history.Event{Term: 1}) // heard late
	means("leader", "controller-2")
	means("followers", "controller-1 controller-3")
	means("follower[1]", "controller-3")
	means("host(engine-1)", "controller-1 engine-1")
	means("rack(a)", "controller-1 engine-1")

	say("engine-1", "active", history.Event{Unit: "pair"})
	means("active(pair)", "engine-1")
	means("standby(pair)", "engine-2")
	say("engine-2", "active", history.Event{Unit: "pair"}) // both believe it; the latest counts
	means("active(pair)", "engine-2")
	means("standby(pair)", "")
	say("engine-1", "standby", history.Event{Unit: "pair"})
	means("standby(pair)", "engine-1")
	say("engine-2", "stopped", history.Event{})
	means("active(pair)", "")

	say("controller-2", "placed", history.Event{Unit: "web", Peer: "engine-4 engine-3 engine-5"})
	say("engine-4", "active", history.Event{Unit: "shared/198.19.2.1"})
	means("primary(web)", "engine-4")
	means("secondary(web)", "engine-3")
	say("engine-3", "stopped", history.Event{})
	means("secondary(web)", "engine-5")

	say("controller-2", "members", history.Event{Unit: "controller-2 controller-3", Index: 9})
	say("controller-1", "members", history.Event{Unit: "controller-1", Peer: "another cluster", Index: 10})
	means("controllers", "controller-2 controller-3")
	say("controller-2", "stopped", history.Event{})
	means("leader", "")
	means("followers", "controller-2 controller-3")
	means("all", "controller-1 controller-2 controller-3 engine-1 engine-2 engine-3 engine-4 engine-5 gateway-1")
}
