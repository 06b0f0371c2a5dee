package controller

import (
	"testing"
	"time"

	"firedrill/model/config"
)

// holders are the machines that answer for the cluster IP at this moment, frozen ones among them.
func (w *world) holders() []*host {
	var out []*host
	for _, h := range w.hosts {
		if h.addresses[virtual] {
			out = append(out, h)
		}
	}
	return out
}

// TestClusterIP: the leader alone answers for the cluster IP, whatever becomes of it, and it says so to its neighbours.
func TestClusterIP(t *testing.T) {
	for _, c := range []struct {
		name    string
		happens func(*host)
		keeps   bool // the old leader cannot give it up: its process stands still
	}{
		{"the leader loses its power", (*host).crash, false},
		{"the leader is cut off", func(h *host) { h.cut = true }, false},
		{"the leader stands still", func(h *host) { h.frozen = true }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 3)
			w.pass(5 * time.Second)
			old := w.leader()
			if got := w.holders(); len(got) != 1 || got[0] != old || old.announced[virtual] < old.cfg.Timers.GARPCount {
				t.Fatalf("holders: %v, announced %d times", got, old.announced[virtual])
			}
			c.happens(old)
			next := (*host)(nil)
			for end := w.now + 10*time.Second; w.now < end; w.pass(time.Millisecond) {
				for _, h := range w.holders() {
					if h != old {
						next = h
					}
				}
				if next != nil && old.addresses[virtual] && !c.keeps {
					t.Fatal("two hold the cluster IP")
				}
			}
			if next == nil || next != w.leader() || next.announced[virtual] < next.cfg.Timers.GARPCount {
				t.Fatalf("the next leader does not hold it: %v", next)
			}
			// The old one comes back, and does not disturb.
			switch {
			case old.node == nil:
				old.start()
			case old.frozen:
				old.wake()
				w.deliver()
				if old.addresses[virtual] {
					t.Error("it woke, and still holds what another has")
				}
			}
			old.cut = false
			for end := w.now + 5*time.Second; w.now < end; w.pass(time.Millisecond) {
				if got := w.holders(); len(got) != 1 || got[0] != next {
					t.Fatalf("%d hold it after the return", len(got))
				}
			}
		})
	}
}

// TestClusterIPNeedsLease: a leader that nobody answers gives the address up by its own clock, before it is deposed and
// before another can be elected.
func TestClusterIPNeedsLease(t *testing.T) {
	w := newWorld(t, 3)
	w.pass(5 * time.Second)
	l := w.leader()
	for _, f := range w.followers() {
		f.frozen = true
	}
	start := w.now
	for l.addresses[virtual] {
		w.pass(time.Millisecond)
		if w.now-start > time.Minute {
			t.Fatal("held for a minute without an answer")
		}
	}
	if held := w.now - start; held > l.node.patience() {
		t.Errorf("held for %v, longer than an election timeout of %v", held, l.node.patience())
	}
}

// TestClusterIPMoves: a change of the configuration moves the address, and takes it away.
func TestClusterIPMoves(t *testing.T) {
	w := newWorld(t, 3)
	w.pass(5 * time.Second)
	l := w.leader()
	e, _ := l.node.machine.Get(clusterKey)
	cluster := *e.Object.(*config.Cluster)
	other := addressOfHost(80)
	cluster.VirtualIP = other
	if r := w.must(request{method: "PUT", path: "/api/cluster", body: string(config.Encode(&cluster))}); r.Status != 202 {
		t.Fatalf("%v", r)
	}
	w.pass(time.Second)
	if l.addresses[virtual] || !l.addresses[other] || l.announced[other] < l.cfg.Timers.GARPCount {
		t.Errorf("after the move: %v", l.addresses)
	}
	cluster.VirtualIP = w.hosts[0].cfg.Address
	if r := w.ask(l, request{method: "PUT", path: "/api/cluster", body: string(config.Encode(&cluster))}); r.Status != 400 {
		t.Errorf("the address of a node is taken: %v", r)
	}
}
