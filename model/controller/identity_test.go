package controller

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"firedrill/model"
	"firedrill/model/consensus"
	"firedrill/model/disktest"
	"firedrill/model/wire"
)

// TestIdentityCrash: whenever the power fails, or the process dies, while a node takes another identity, it comes back
// as who it was, with all that it held, or as the new one, whole; never with the identity of one and the log of the
// other, and never as one that does not start.
func TestIdentityCrash(t *testing.T) {
	for _, c := range []struct {
		name string
		prep func(w *world) *host // whose identity changes
		do   func(w *world, h *host)
		old  string // what the old one holds
		next string // what the new one holds
	}{
		{"join", func(w *world) *host { return w.install(func(*Config) {}) }, func(w *world, h *host) {
			h.node.Receive(addressOfHost(9), wire.Encode(&wire.Envelope_JoinRequest{JoinRequest: &wire.JoinRequest{
				Secret: testSecret, Version: "16.2", Id: 1 << 30, Name: h.cfg.Name, Address: h.cfg.Address.String(), Cluster: "elsewhere"}}))
		}, "members 4, pools 0", "members none, pools 0"},
		{"reset", func(w *world) *host { return w.followers()[0] }, func(w *world, h *host) {
			h.node.resetDue = true
			h.node.Timer(timerTick)
		}, "members 1 2 3, pools 1", "members self, pools 0"},
		{"manual recovery", func(w *world) *host {
			h := w.followers()[0]
			for _, o := range w.hosts {
				if o != h {
					o.cut = true
				}
			}
			w.pass(5 * time.Second)
			return h
		}, func(w *world, h *host) {
			w.asked++
			h.node.Receive(clientIP, wire.Encode(&wire.Envelope_HttpRequest{HttpRequest: &wire.HTTPRequest{
				Id: w.asked, Method: "POST", Path: "/api/cluster/recover", Token: testToken, Body: []byte(`{"accept_data_loss":true}`)}}))
		}, "members 1 2 3, pools 1", "members self, pools 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			// With a snapshot after each entry, a node that is alone knows all of it to be committed.
			w := newWorld(t, 3, func(cfg *Config) { cfg.Timers.SnapshotEvery = 1 })
			w.must(request{method: "POST", path: "/api/pool", body: poolJSON})
			w.pass(3 * time.Second)
			h := c.prep(w)
			w.pass(3 * time.Second)
			number := strings.TrimPrefix(h.cfg.Name, "controller-")
			next := strings.Replace(c.next, "self", number, 1)
			before, cfg := h.node.identity, h.cfg
			var left []*disktest.Strict
			h.disk.Step = func() { left = append(append(left, h.disk.AfterPowerLoss()...), h.disk.AfterKill()) }
			c.do(w, h)
			h.disk.Step = func() {}
			after := h.node.identity
			if after.ID == before.ID || len(left) < 10 {
				t.Fatalf("nothing happened: %+v, %d crashes", after, len(left))
			}
			left = append(left, h.disk.AfterPowerLoss()...)
			seen := map[string]bool{}
			for i, disk := range left {
				got, is := reborn(t, cfg, disk)
				seen[is] = true
				want := c.old
				if got.ID != before.ID {
					want = next
					if c.name == "reset" && got.Cluster == before.Cluster || got.Joined != after.Joined {
						t.Errorf("crash %d of %d: half new: %+v", i, len(left), got)
					}
				}
				if is != want {
					t.Fatalf("crash %d of %d: came back as %+v with %s, want %s", i, len(left), got, is, want)
				}
				if i == len(left)-1 && got.ID != after.ID {
					t.Errorf("at the end it is %+v, not %+v", got, after)
				}
			}
			if len(seen) < 2 {
				t.Errorf("no crash came before or after: %v", seen)
			}
		})
	}
}

// reborn starts a controller on what a crash left, alone, and tells who it is and what it holds.
func reborn(t *testing.T, cfg Config, disk *disktest.Strict) (identity, string) {
	t.Helper()
	w := &world{TB: t}
	h := &host{w: w, cfg: cfg, disk: disk, random: newRandom(7)}
	w.hosts = []*host{h}
	h.start()
	w.pass(2 * time.Second)
	if h.node.broken {
		t.Fatalf("it does not start: %v", h.events)
	}
	members := h.voters()
	if members == "" {
		members = "none"
	}
	return h.node.identity, fmt.Sprintf("members %s, pools %d", members, len(h.node.machine.List("Pool")))
}

// TestDiskErrorPasses: a controller begins anew where its disk refused, and not where it lied.
func TestDiskErrorPasses(t *testing.T) {
	for err, want := range map[error]bool{model.ErrDiskIO: true, model.ErrDiskFull: true, model.ErrDamaged: false, consensus.ErrCorrupt: false, consensus.ErrNewer: false} {
		w := newWorld(t, 3)
		w.pass(3 * time.Second)
		l := w.leader()
		l.restarts = "none"
		l.node.fail(fmt.Errorf("the log: %w", err))
		l.node.ready = false // for the harness: it leads no more
		if got := l.restarts == ""; got != want {
			t.Errorf("%v: it begins anew: %v", err, got)
		}
	}
}

// TestDiskError: a controller whose disk fails says so, gives up the cluster IP, and never speaks again.
func TestDiskError(t *testing.T) {
	w := newWorld(t, 3)
	w.pass(3 * time.Second)
	l := w.leader()
	l.disk.Step = func() { panic("a disk that fails is not written to") }
	l.node.fail(model.ErrDiskIO)
	l.node.ready = false // for the harness: it leads no more
	if l.addresses[virtual] || w.happened(model.EventDiskError, "") != 1 {
		t.Errorf("addresses %v", l.addresses)
	}
	sent := len(w.queue)
	l.node.Receive(clientIP, wire.Encode(&wire.Envelope_HttpRequest{HttpRequest: &wire.HTTPRequest{Id: 1, Method: "GET", Path: "/api/cluster/status"}}))
	l.node.Timer(timerTick)
	if len(w.queue) != sent {
		t.Error("it still sends")
	}
	w.until("another leads", func() bool { return w.leader() != nil })
}
