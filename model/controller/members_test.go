package controller

import (
	"slices"
	"strings"
	"testing"
	"time"

	"firedrill/model/config"
	"firedrill/model/wire"
)

// clusterOf is the body that asks for these machines as the members.
func clusterOf(hosts ...*host) string {
	c := &config.Cluster{Name: "cluster"}
	for _, h := range hosts {
		c.Nodes = append(c.Nodes, config.ClusterNode{Name: h.cfg.Name, IP: h.cfg.Address})
	}
	return string(config.Encode(c))
}

// settled waits until the cluster is what the configuration wants.
func (w *world) settled() {
	w.Helper()
	w.until("the change of the cluster is done", func() bool {
		return w.leader() != nil && w.leader().node.changeUnderWay() == "" && w.leader().node.replica.Settled()
	})
	w.pass(3 * time.Second)
}

// voters are the members as one machine sees them, by name.
func (h *host) voters() string {
	if h.node.replica == nil {
		return "none: its disk failed"
	}
	var names []string
	for _, m := range h.node.members() {
		names = append(names, strings.TrimPrefix(m.Name, "controller-"))
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// TestGrowAndShrink: from one node to three, a node replaced, and back to one; the configuration stays, and those who
// are removed are at factory default, each a cluster of its own.
func TestGrowAndShrink(t *testing.T) {
	w := newWorld(t, 1)
	w.must(request{method: "POST", path: "/api/pool", body: poolJSON})
	for range 3 {
		w.install(func(*Config) {})
	}
	h, first := w.hosts, w.hosts[0]
	for _, c := range []struct {
		name    string
		members []*host
		want    string
	}{
		{"grow", []*host{h[0], h[1], h[2]}, "1 2 3"},
		{"replace", []*host{h[0], h[1], h[3]}, "1 2 4"},
		{"dismantle", []*host{h[0]}, "1"},
	} {
		if r := w.ask(first, request{method: "PUT", path: "/api/cluster", body: clusterOf(c.members...), key: c.name}); r.Status != 202 {
			t.Fatalf("%s: %d %s", c.name, r.Status, r.Body)
		}
		w.until(c.name, func() bool { return first.node.changeUnderWay() == "" && first.voters() == c.want })
		w.pass(5 * time.Second)
		for _, m := range c.members {
			for _, n := range w.statusAt(m).Nodes {
				if n.Role == "CLUSTER_LEARNER" {
					t.Errorf("%s: at %s, %s still learns", c.name, m.cfg.Name, n.Name)
				}
			}
			if m.voters() != c.want {
				t.Errorf("%s: %s sees the members %s", c.name, m.cfg.Name, m.voters())
			}
			if r := w.ask(m, request{method: "GET", path: "/api/pool/web"}); r.Status != 200 {
				t.Errorf("%s: at %s the pool is %d", c.name, m.cfg.Name, r.Status)
			}
		}
	}
	for _, out := range h[1:] {
		if got := out.voters(); got != strings.TrimPrefix(out.cfg.Name, "controller-") {
			t.Errorf("%s, which was removed, has the members %q", out.cfg.Name, got)
		}
		if r := w.ask(out, request{method: "GET", path: "/api/pool"}); r.Status != 200 || string(r.Body) != `{"count":0,"results":[]}` {
			t.Errorf("%s, which was removed, has pools: %d %s", out.cfg.Name, r.Status, r.Body)
		}
	}
	if n := w.logged(EventClusterChanged); n != 3 {
		t.Errorf("%d changes in the event log", n)
	}
}

// TestAddressChanges: a member takes another address while it lives: it answers there, announces it, and votes on.
func TestAddressChanges(t *testing.T) {
	w := newWorld(t, 3)
	w.pass(3 * time.Second)
	moved, next := w.followers()[0], addressOfHost(40)
	body := strings.Replace(clusterOf(w.hosts...), moved.cfg.Address.String(), next.String(), 1)
	if r := w.ask(w.leader(), request{method: "PUT", path: "/api/cluster", body: body}); r.Status != 202 {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	w.until("it holds the new address", func() bool { return moved.addresses[next] })
	if moved.announced[next] == 0 {
		t.Error("it does not announce its new address")
	}
	w.settled()
	if s := w.statusAt(w.leader()); s.State != ClusterActive {
		t.Errorf("%+v", s)
	}
}

// TestRemovedIsNoThreat: a node that was installed as a member and is removed keeps neither the cluster IP nor its
// bootstrap list, also not after a restart.
func TestRemovedIsNoThreat(t *testing.T) {
	w := newWorld(t, 3)
	w.pass(3 * time.Second)
	l, out := w.leader(), w.followers()[0]
	body := strings.Replace(clusterOf(l, w.followers()[1]), "}]", `}],"virtual_ip":"`+virtual.String()+`"`, 1)
	if r := w.ask(l, request{method: "PUT", path: "/api/cluster", body: body}); r.Status != 202 {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	w.until("the node is a cluster of its own", func() bool { return out.node.ready })
	w.pass(3 * time.Second)
	check := func(when string) {
		t.Helper()
		if out.node.broken || !out.node.ready || out.voters() != strings.TrimPrefix(out.cfg.Name, "controller-") {
			t.Fatalf("%s: broken %t, ready %t, members %q", when, out.node.broken, out.node.ready, out.voters())
		}
		if got := w.holders(); len(got) != 1 || got[0] != l {
			t.Errorf("%s: %d hold the cluster IP", when, len(got))
		}
	}
	check("after the removal")
	out.crash()
	out.start()
	w.pass(5 * time.Second)
	check("after a restart")
}

// TestJoinRefusals: who cannot join says why, the caller is told, and nothing has changed on either side.
func TestJoinRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		set    func(*Config)
		before func(*world, *host)
		detail string
	}{
		{"another secret", func(cfg *Config) { cfg.Secret = "guess" }, nil, "secret is wrong"},
		{"another version", func(cfg *Config) { cfg.Version = "17.1" }, nil, "runs version 17.1, the cluster 16.2"},
		{"configuration of its own", func(*Config) {}, func(w *world, h *host) {
			if r := w.ask(h, request{method: "POST", path: "/api/pool", body: poolJSON}); r.Status != 201 {
				w.Fatalf("%v", r)
			}
		}, "has configuration (1 objects)"},
		{"nobody there", func(*Config) {}, func(_ *world, h *host) { h.cut = true }, "does not answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 1)
			one := w.hosts[0]
			two := w.install(c.set)
			w.pass(3 * time.Second)
			if c.before != nil {
				c.before(w, two)
			}
			was := two.node.identity
			r := w.ask(one, request{method: "PUT", path: "/api/cluster", body: clusterOf(one, two)})
			if p := problemOf(t, r); r.Status != 422 || !strings.Contains(p.Detail, c.detail) {
				t.Errorf("%d %s, want %s", r.Status, p.Detail, c.detail)
			}
			w.pass(3 * time.Second)
			if one.voters() != "1" || two.node.identity != was {
				t.Errorf("members %s, identity %+v was %+v", one.voters(), two.node.identity, was)
			}
		})
	}
}

// TestJoinRefusedByMember: a node that is in a cluster cannot be taken into another.
func TestJoinRefusedByMember(t *testing.T) {
	w := newWorld(t, 3)
	other := w.install(func(*Config) {})
	w.pass(3 * time.Second)
	r := w.ask(other, request{method: "PUT", path: "/api/cluster", body: clusterOf(other, w.hosts[0])})
	if p := problemOf(t, r); r.Status != 422 || !strings.Contains(p.Detail, "is a member of a cluster") {
		t.Errorf("%d %s", r.Status, p.Detail)
	}
}

// TestChangeRefusals: a change that cannot be made is refused before anything happens.
func TestChangeRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		body   func(w *world) string
		status uint32
		detail string
	}{
		{"no JSON", func(*world) string { return "[" }, 400, "Cluster"},
		{"no nodes", func(*world) string { return `{"name":"cluster","nodes":[]}` }, 400, "nodes"},
		{"another name", func(w *world) string { return strings.Replace(clusterOf(w.hosts...), `"cluster"`, `"c"`, 1) }, 400, "is called"},
		{"one address twice", func(w *world) string {
			return strings.Replace(clusterOf(w.hosts...), addressOfHost(2).String(), addressOfHost(1).String(), 1)
		}, 400, "used twice"},
		{"no shared subnet", func(w *world) string {
			return strings.Replace(clusterOf(w.hosts...), "]", `],"virtual_ip":"198.19.0.1"`, 1)
		}, 400, "share no cluster IP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 3)
			w.pass(3 * time.Second)
			r := w.ask(w.leader(), request{method: "PUT", path: "/api/cluster", body: c.body(w)})
			if p := problemOf(t, r); r.Status != c.status || !strings.Contains(p.Detail, c.detail) {
				t.Errorf("%d %s, want %d %s", r.Status, p.Detail, c.status, c.detail)
			}
		})
	}
}

// TestOneChangeAtATime: while nodes are asked to join, another change is refused, and the same one, repeated, waits for
// the same outcome.
func TestOneChangeAtATime(t *testing.T) {
	w := newWorld(t, 1)
	one, two, three := w.hosts[0], w.install(func(*Config) {}), w.install(func(*Config) {})
	w.pass(3 * time.Second)
	two.frozen = true
	first := w.post(one, request{method: "PUT", path: "/api/cluster", body: clusterOf(one, two, three), key: "a"})
	w.deliver()
	for _, key := range []string{"", "a", "b"} {
		if r := w.ask(one, request{method: "PUT", path: "/api/cluster", body: clusterOf(one), key: key}); r.Status != 409 || !strings.Contains(problemOf(t, r).Detail, "one change at a time") {
			t.Errorf("another change with the key %q: %v", key, r)
		}
	}
	second := w.post(one, request{method: "PUT", path: "/api/cluster", body: clusterOf(one, two, three), key: "a"})
	w.deliver()
	two.wake()
	w.until("the repeated request is answered", func() bool { return w.answer(second) != nil })
	if got := w.answer(second); got.Status != 202 || w.answer(first) != nil {
		t.Errorf("%v and %v", w.answer(first), got)
	}
	w.until("all three vote", func() bool { return one.voters() == "1 2 3" && one.node.changeUnderWay() == "" })
	third := w.ask(three, request{method: "PUT", path: "/api/cluster", body: clusterOf(one, two, three), key: "a"})
	if second := w.answer(second); third.Status != 202 || third.Etag != second.Etag {
		t.Errorf("repeated when it was done: %v, want %v", third, second)
	}
}

// TestNoQuorumAfterChange: a change that would leave no quorum is refused.
func TestNoQuorumAfterChange(t *testing.T) {
	w := newWorld(t, 3)
	w.pass(3 * time.Second)
	l, dead := w.leader(), w.followers()[0]
	dead.crash()
	w.pass(5 * time.Second)
	r := w.ask(l, request{method: "PUT", path: "/api/cluster", body: clusterOf(l, dead)})
	if p := problemOf(t, r); r.Status != 409 || !strings.Contains(p.Detail, "no quorum") {
		t.Errorf("%d %s", r.Status, p.Detail)
	}
}

// TestRecover: manual recovery is refused while there is nothing to recover, and without the caller's word; then it
// makes the survivor a cluster of one that holds what it held.
func TestRecover(t *testing.T) {
	const yes = `{"accept_data_loss":true}`
	w := newWorld(t, 3)
	w.must(request{method: "POST", path: "/api/pool", body: poolJSON})
	w.pass(3 * time.Second)
	survivor := w.followers()[0]
	ask := func(body string) *wire.HTTPResponse {
		return w.ask(survivor, request{method: "POST", path: "/api/cluster/recover", body: body})
	}
	if r := ask(yes); r.Status != 409 {
		t.Errorf("while the cluster is up: %v", r)
	}
	for _, h := range w.hosts {
		if h != survivor {
			h.crash()
		}
	}
	w.pass(5 * time.Second)
	for _, body := range []string{"", "{}", `{"accept_data_loss":false}`, "yes"} {
		if r := ask(body); r.Status != 400 || !strings.Contains(problemOf(t, r).Detail, "lost for good") {
			t.Errorf("%q: %v", body, r)
		}
	}
	if r := ask(yes); r.Status != 200 || !strings.Contains(string(r.Body), "lost for good") {
		t.Fatalf("%v", r)
	}
	w.until("the survivor leads", func() bool { return survivor.node.ready })
	w.pass(3 * time.Second)
	if r := w.ask(survivor, request{method: "GET", path: "/api/pool/web"}); r.Status != 200 {
		t.Errorf("the pool: %v", r)
	}
	if r := w.ask(survivor, request{method: "GET", path: "/api/cluster"}); strings.Count(string(r.Body), "controller-") != 1 {
		t.Errorf("the cluster: %s", r.Body)
	}
	if s := w.statusAt(survivor); s.State != ClusterNoHA {
		t.Errorf("status: %+v", s)
	}
	if w.logged(EventRecovered) != 1 {
		t.Error("the event log does not tell of it")
	}
	survivor.crash()
	survivor.start()
	w.until("it leads again", func() bool { return survivor.node.ready })
	if r := w.ask(survivor, request{method: "GET", path: "/api/pool/web"}); r.Status != 200 || survivor.node.identity.Recovered {
		t.Errorf("after a restart: %v, %+v", r, survivor.node.identity)
	}
}

// TestRecoverNothing: a node that has agreed to join, and was never contacted, has nothing to recover; it says so and
// lives on.
func TestRecoverNothing(t *testing.T) {
	w := newWorld(t, 1)
	two := w.install(func(*Config) {})
	w.pass(time.Second)
	two.node.Receive(addressOfHost(9), wire.Encode(&wire.Envelope_JoinRequest{JoinRequest: &wire.JoinRequest{
		Secret: testSecret, Version: "16.2", Id: 1 << 30, Name: two.cfg.Name, Address: two.cfg.Address.String(), Cluster: "elsewhere"}}))
	r := w.ask(two, request{method: "POST", path: "/api/cluster/recover", body: `{"accept_data_loss":true}`})
	if r.Status != 409 || two.node.broken {
		t.Errorf("%d %s, broken %t", r.Status, r.Body, two.node.broken)
	}
}
