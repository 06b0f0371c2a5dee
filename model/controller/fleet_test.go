package controller

import (
	"encoding/json"
	"testing"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/wire"
)

// report sends an engine's heartbeat to a controller and returns the directive that answers it; nil: none did.
func (w *world) report(to *host, engine string, index uint64) *wire.EngineDirective {
	w.Helper()
	w.mail = nil
	w.queue = append(w.queue, packet{engineIP, to.cfg.Address, wire.Encode(&wire.Envelope_EngineReport{EngineReport: &wire.EngineReport{
		Engine: engine, Group: "g", Management: engineIP.String(), Data: "198.18.1.101", ConfigIndex: index}})})
	w.deliver()
	var out *wire.EngineDirective
	for _, p := range w.mail {
		if body, err := wire.Decode(p.data); err == nil && p.to == engineIP {
			if d, ok := body.(*wire.Envelope_EngineDirective); ok {
				out = d.EngineDirective
			}
		}
	}
	return out
}

const groupJSON = `{"name":"g","ha_mode":"HA_MODE_LEGACY_ACTIVE_STANDBY"}`

// downs are the engines that leaders have declared dead, by the events of all machines.
func (w *world) downs() int {
	n := 0
	for _, h := range w.hosts {
		for _, e := range h.events {
			if e.Kind == model.EventEngineDn {
				n++
			}
		}
	}
	return n
}

// TestEngineDeclaredDead: a silent engine is dead when its patience is over and not before; a leader that is new, or was
// frozen, has heard nobody for reasons of its own, and gives everybody time.
func TestEngineDeclaredDead(t *testing.T) {
	for _, c := range []struct {
		name    string
		happens func(*world)
	}{
		{"silence", func(w *world) { w.pass(1900 * time.Millisecond) }},
		{"a new leader", func(w *world) {
			w.leader().crash()
			w.until("another leads", func() bool { return w.leader() != nil })
			w.report(w.leader(), "other", 0)
			w.pass(1500 * time.Millisecond)
		}},
		{"a leader that led before, and heard the engine then", func(w *world) {
			old := w.leader()
			hand := func(to *host) {
				w.pass(time.Second)
				if err := w.leader().node.replica.TransferLeadership(to.node.id); err != nil {
					w.Fatal(err)
				}
				w.until("the other leads", func() bool { return w.leader() == to })
			}
			hand(w.followers()[0])
			w.report(w.leader(), "engine-1", 0)
			w.pass(time.Second)
			w.report(w.leader(), "engine-1", 0)
			hand(old)
			w.pass(time.Second)
		}},
		{"a leader that was frozen for less than its peers' patience", func(w *world) {
			l := w.leader()
			w.pass(1700 * time.Millisecond)
			l.frozen = true
			w.pass(400 * time.Millisecond)
			l.wake()
			w.pass(50 * time.Millisecond)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 3)
			w.must(request{method: "POST", path: "/api/serviceenginegroup", body: groupJSON})
			w.report(w.leader(), "engine-1", 0)
			c.happens(w)
			if w.downs() != 0 {
				t.Error("declared dead too soon")
			}
			w.report(w.leader(), "engine-1", 0)
			w.pass(2500 * time.Millisecond)
			if w.downs() == 0 || w.logged(EventSEDown) == 0 {
				t.Errorf("declared dead %d times, in the event log %d times", w.downs(), w.logged(EventSEDown))
			}
			w.report(w.leader(), "engine-1", 0)
			w.pass(time.Second)
			if w.logged(EventSEUp) == 0 {
				t.Error("its return is not in the event log")
			}
		})
	}
}

// TestConfigForEngines: the leader registers an engine and gives it what it lacks, once; a change goes to it, unasked; a
// follower tells it nothing.
func TestConfigForEngines(t *testing.T) {
	w := newWorld(t, 3)
	w.must(request{method: "POST", path: "/api/serviceenginegroup", body: groupJSON})
	w.must(request{method: "POST", path: "/api/pool", body: poolJSON})
	w.must(request{method: "POST", path: "/api/virtualservice", body: `{"name":"shop","vip":"198.18.2.1","port":80,"pool_ref":"web","se_group_ref":"g"}`})
	if d := w.report(w.followers()[0], "engine-1", 0); d != nil {
		t.Errorf("a follower answers %v", d)
	}
	w.report(w.leader(), "engine-1", 0)
	d := w.report(w.leader(), "engine-1", 0)
	var c config.EngineConfig
	if err := json.Unmarshal(d.GetConfig(), &c); err != nil || len(c.Services) != 1 || len(c.Pools) != 1 || len(c.Engines) != 1 || c.Group.Name != "g" || c.Index != d.ConfigIndex {
		t.Fatalf("%v: %+v", err, c)
	}
	if len(d.Controllers) != 3 || len(d.Collectors) != 3 || d.Leader != w.leader().cfg.Name {
		t.Errorf("%v", d)
	}
	if again := w.report(w.leader(), "engine-1", c.Index); len(again.GetConfig()) != 0 {
		t.Error("it is sent what it has")
	}
	w.mail = nil
	w.must(request{method: "PUT", path: "/api/pool/web", body: `{"name":"web","description":"new","servers":[]}`})
	w.pass(2 * burst)
	pushed := 0
	for _, p := range w.mail {
		if p.to == engineIP {
			pushed++
		}
	}
	if pushed != 1 {
		t.Errorf("a change is pushed %d times", pushed)
	}
	w.mail = nil
	w.must(request{method: "POST", path: "/api/pool", body: `{"name":"unused","servers":[]}`})
	for _, p := range w.mail {
		if p.to == engineIP {
			t.Error("what does not concern it is pushed")
		}
	}
}
