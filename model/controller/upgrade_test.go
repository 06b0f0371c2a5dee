package controller

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/consensus"
	"firedrill/model/release"
	"firedrill/model/wire"
)

// TestReadOnly: what clients want of the configuration waits for the end of an upgrade; what controllers write does not.
func TestReadOnly(t *testing.T) {
	pool := func(do wire.Operation) *wire.Request {
		return &wire.Request{Operation: do, Kind: "Pool", Name: "a", Body: []byte(`{"name":"a","servers":[]}`)}
	}
	cluster := &wire.Request{Operation: wire.Operation_CREATE, Kind: "Cluster", Name: "cluster",
		Body: []byte(`{"name":"cluster","nodes":[{"name":"n","ip":"198.18.0.11"}]}`)}
	group := &wire.Request{Operation: wire.Operation_CREATE, Kind: "ServiceEngineGroup", Name: "g", Body: []byte(`{"name":"g","ha_mode":"HA_MODE_SHARED"}`)}
	engine := &wire.Request{Operation: wire.Operation_CREATE, Kind: "ServiceEngine", Name: "e",
		Body: []byte(`{"name":"e","se_group_ref":"g","mgmt_ip":"198.18.0.101","data_ip":"198.18.1.101"}`)}
	event := &wire.Request{Operation: wire.Operation_EVENT, Body: []byte(`{"event_id":"X"}`)}
	open := &wire.Request{Operation: wire.Operation_OPEN}
	restore := &wire.Request{Operation: wire.Operation_RESTORE, Body: config.EncodeItems(nil)}
	for _, state := range []config.UpgradeState{"", config.UpgradeControllers, config.UpgradeSuspended, config.RollbackControllers, config.UpgradeAborting,
		config.UpgradeCompleted, config.UpgradeRolledBack, config.UpgradeAborted} {
		t.Run(string(state), func(t *testing.T) {
			m := newMachine(release.Newest)
			index := uint64(0)
			apply := func(r *wire.Request) wire.Status {
				index++
				var out wire.Response
				decodeResult(m.Apply(index, encodeCommand(r)), &out)
				return out.Status
			}
			apply(group)
			apply(pool(wire.Operation_CREATE))
			if state != "" {
				u := &config.Upgrade{Name: upgradeKey.Name, State: state, From: "16.2", To: "16.3"}
				if s := apply(&wire.Request{Operation: wire.Operation_CREATE, Kind: "Upgrade", Name: u.Name, Body: config.Encode(u)}); s != wire.Status_OK {
					t.Fatal(s)
				}
			}
			waits := (&config.Upgrade{State: state}).Active() && state != ""
			for _, r := range []*wire.Request{pool(wire.Operation_UPDATE), pool(wire.Operation_DELETE), pool(wire.Operation_CREATE), cluster, restore} {
				if s := apply(r); (s == wire.Status_READ_ONLY) != waits {
					t.Errorf("%s %s: %s", r.Operation, r.Kind, s)
				}
			}
			for _, r := range []*wire.Request{event, open} {
				if s := apply(r); s != wire.Status_OK {
					t.Errorf("%s: %s", r.Operation, s)
				}
			}
			if s := apply(engine); s == wire.Status_READ_ONLY {
				t.Errorf("an engine that registers: %s", s)
			}
			fresh := newMachine(release.Newest)
			if err := fresh.Restore(m.Snapshot()); err != nil || fresh.upgrade.Active() != m.upgrade.Active() || fresh.upgradeAt != m.upgradeAt {
				t.Errorf("after a snapshot the upgrade is %v at %d, was %v at %d (%v)", fresh.upgrade, fresh.upgradeAt, m.upgrade, m.upgradeAt, err)
			}
		})
	}
}

// TestSnapshotFormat: a snapshot is of the oldest format that has all that is in it, and an older build refuses a newer one.
func TestSnapshotFormat(t *testing.T) {
	m, old := newMachine(release.FormatBuilds), newMachine(release.FormatFirst)
	event := encodeCommand(&wire.Request{Operation: wire.Operation_EVENT, Body: []byte(`{"event_id":"X"}`)})
	m.Apply(1, event)
	if err := old.Restore(m.Snapshot()); err != nil || old.Hash() != m.Hash() {
		t.Fatalf("what the first format can say: %v", err)
	}
	m.Apply(2, append(event, marshal(&wire.Command{Version: 2, Build: "16.3"})...))
	if got := m.events.list[1].Build; got != "16.3" {
		t.Errorf("the event was written by %q", got)
	}
	hash := old.Hash()
	if err := old.Restore(m.Snapshot()); !errors.Is(err, consensus.ErrNewer) || old.Hash() != hash {
		t.Errorf("a newer snapshot: %v, want %v", err, consensus.ErrNewer)
	}
	fresh := newMachine(release.FormatBuilds)
	if err := fresh.Restore(m.Snapshot()); err != nil || string(fresh.Snapshot()) != string(m.Snapshot()) {
		t.Errorf("its own snapshot: %v", err)
	}
}

// supervise starts every process again that has asked for it, and lets time pass until the upgrade has come to a state.
func (w *world) supervise(state config.UpgradeState, watch func()) {
	w.Helper()
	for end := w.now + time.Minute; ; w.pass(10 * time.Millisecond) {
		for _, h := range w.hosts {
			if h.restarts != "" {
				h.cfg.Version, h.restarts = h.restarts, ""
				h.start()
			}
		}
		watch()
		if l := w.leader(); l != nil && l.node.machine.upgrade != nil && l.node.machine.upgrade.State == state {
			return
		}
		if w.now > end {
			w.Fatalf("after a minute the upgrade has not come to %s", state)
		}
	}
}

// TestControllersRolling upgrades a cluster, which writes the first format until all is done, back and there again. A
// build of the version before does not start on what the new one has written.
func TestControllersRolling(t *testing.T) {
	w := newWorld(t, 3, func(cfg *Config) { cfg.Images = []string{"16.2", "16.3"} })
	w.pass(3 * time.Second)
	// Whoever restarts is alone in that, and none of them leads.
	calm := func() {
		away := 0
		for _, h := range w.hosts {
			if h.node.broken && h.restarts == "" {
				t.Fatalf("%s is broken: %v", h.cfg.Name, h.events[len(h.events)-1])
			}
			if h.restarts != "" || h.node.nodes.state != StateReady {
				away++
			}
			if h.node.ready && h.restarts != "" {
				t.Errorf("%s restarts while it leads", h.cfg.Name)
			}
		}
		if away > 1 {
			t.Errorf("at %v %d controllers are away", w.now, away)
		}
	}
	formats := func(want release.Format) {
		t.Helper()
		for _, h := range w.hosts {
			if named := h.node.machine.events.named; named != (want >= release.FormatBuilds) {
				t.Errorf("the log of %s names builds: %t", h.cfg.Name, named)
			}
		}
	}
	versions := func(want string) {
		t.Helper()
		var status upgradeStatus
		if err := json.Unmarshal(w.must(request{method: "GET", path: "/api/upgrade"}).Body, &status); err != nil {
			t.Fatal(err)
		}
		for _, n := range status.Nodes {
			if n.Version != want {
				t.Errorf("%s runs %s, want %s", n.Name, n.Version, want)
			}
		}
	}
	event := func(id string) {
		t.Helper()
		if log := w.must(request{method: "GET", path: "/api/events"}).Body; !strings.Contains(string(log), id) {
			t.Errorf("%s is not in the event log", id)
		}
	}
	begin := request{method: "POST", path: "/api/upgrade", body: `{"version":"16.3"}`, key: "begin"}

	w.must(begin)
	w.must(begin) // the answer may have been lost
	if r := w.ask(w.leader(), request{method: "POST", path: "/api/cloud", body: `{"name":"c","access":"NO_ACCESS"}`}); r.Status != 409 || !strings.Contains(string(r.Body), "read-only") {
		t.Errorf("a change while the platform is upgraded: %d %s", r.Status, r.Body)
	}
	w.supervise(config.UpgradeEngines, calm)
	formats(release.FormatFirst)
	w.must(request{method: "POST", path: "/api/upgrade/rollback"})
	w.supervise(config.UpgradeRolledBack, calm)
	versions("16.2")
	event(EventUpgradeRolledBack)
	formats(release.FormatFirst)
	w.must(request{method: "POST", path: "/api/cloud", body: `{"name":"c","access":"NO_ACCESS"}`})

	begin.key = "again"
	w.must(begin)
	w.supervise(config.UpgradeCompleted, calm)
	versions("16.3")
	event(EventUpgradeCompleted)
	w.must(request{method: "DELETE", path: "/api/cloud/c"})
	w.pass(time.Second)
	formats(release.FormatFirst) // nothing but configuration was written since
	w.leader().node.log(EventSEUp, "x", "")
	w.pass(time.Second)
	formats(release.FormatBuilds)

	back := w.followers()[0]
	back.crash()
	back.cfg.Version = "16.2"
	back.start()
	if last := back.events[len(back.events)-1]; !back.node.broken || last.Kind != model.EventRefused {
		t.Errorf("an older build starts on a newer log: %v", last)
	}
}

// TestUpgradeRefused: nothing is started that cannot be.
func TestUpgradeRefused(t *testing.T) {
	w := newWorld(t, 3, func(cfg *Config) {
		cfg.Images = []string{"16.1", "16.2", "16.3", "16.4", "17.1"}
		if cfg.Name == "controller-2" {
			cfg.Images = []string{"16.2", "16.2.1"}
		}
	})
	w.pass(3 * time.Second)
	for _, c := range []struct {
		body   string
		status uint32
		detail string
	}{
		{`{}`, 400, "the body must be"},
		{`{"version":"newest"}`, 400, "not a version"},
		{`{"version":"17.1"}`, 422, "too far"},
		{`{"version":"16.4"}`, 422, "too far"},
		{`{"version":"16.1"}`, 422, "no upgrade"},
		{`{"version":"16.3"}`, 422, "controller-2 has no build"},
		{`{"version":"16.2"}`, 409, "already"},
	} {
		r := w.ask(w.leader(), request{method: "POST", path: "/api/upgrade", body: c.body})
		if r.Status != c.status || !strings.Contains(string(r.Body), c.detail) {
			t.Errorf("%s: %d %s", c.body, r.Status, r.Body)
		}
	}
	w.followers()[0].crash()
	w.pass(2 * time.Second)
	if r := w.ask(w.leader(), request{method: "POST", path: "/api/upgrade", body: `{"version":"16.2.1"}`}); r.Status != 409 || !strings.Contains(string(r.Body), "not ready") {
		t.Errorf("with a controller down: %d %s", r.Status, r.Body)
	}
	for _, path := range []string{"rollback", "abort"} {
		if r := w.ask(w.leader(), request{method: "POST", path: "/api/upgrade/" + path}); r.Status != 409 {
			t.Errorf("%s of nothing: %d", path, r.Status)
		}
	}
	for _, h := range w.hosts {
		if h.restarts != "" || h.node != nil && h.node.machine.upgrade != nil {
			t.Errorf("%s has begun with it", h.cfg.Name)
		}
	}
}

// TestOrdersAreForOneLife: an order that comes twice, late, or from a leader that has been replaced restarts nobody.
func TestOrdersAreForOneLife(t *testing.T) {
	w := newWorld(t, 3, func(cfg *Config) { cfg.Images = []string{"16.2", "16.3"} })
	w.pass(time.Second)
	f := w.followers()[0]
	term, life := f.node.status.Term, f.node.upgrade.life
	for i, o := range []*wire.UpgradeOrder{
		{Term: term, Version: "16.3", Life: life + 1},
		{Term: term - 1, Version: "16.3", Life: life},
		{Term: term, Version: "16.9", Life: life},
		{Term: term, Version: "16.3", Life: life, Cluster: "another"},
		{Term: term, Life: life},
		{Term: term, Version: "16.3", Life: life},
	} {
		f.node.Receive(w.leader().cfg.Address, wire.Encode(&wire.Envelope_UpgradeOrder{UpgradeOrder: o}))
		if got, want := f.restarts, map[bool]string{true: "16.3"}[i == 5]; got != want {
			t.Fatalf("%s: restarts with %q, want %q", fmt.Sprint(o), got, want)
		}
	}
}
