package engine

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"firedrill/model/config"
	"firedrill/model/wire"
)

// TestObey: whose word an engine takes, and of which configuration.
func TestObey(t *testing.T) {
	body := func(change func(*config.EngineConfig)) []byte {
		c := groupOf(1)
		c.Index = 7
		change(c)
		out, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	good := body(func(*config.EngineConfig) {})
	for _, c := range []struct {
		name string
		d    *wire.EngineDirective
		want uint64 // the index that it then runs
	}{
		{"the leader's", &wire.EngineDirective{Term: 5, ConfigIndex: 7, Config: good}, 7},
		{"a later leader's", &wire.EngineDirective{Term: 6, ConfigIndex: 7, Config: good}, 7},
		{"an earlier leader's", &wire.EngineDirective{Term: 4, ConfigIndex: 7, Config: good}, 1},
		{"another cluster's", &wire.EngineDirective{Term: 6, Cluster: "other", ConfigIndex: 7, Config: good}, 1},
		{"of another group", &wire.EngineDirective{Term: 5, ConfigIndex: 7, Config: body(func(c *config.EngineConfig) { c.Group.Name = "other" })}, 1},
		{"damaged", &wire.EngineDirective{Term: 5, ConfigIndex: 7, Config: good[1:]}, 1},
		{"an older one", &wire.EngineDirective{Term: 5, ConfigIndex: 1, Config: body(func(c *config.EngineConfig) { c.Index = 1; c.Services = nil })}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDuo(t, fastTimers(t))
			d.config, d.term = groupOf(1), 5
			a := d.station("a")
			a.start()
			d.deliver()
			a.node.Receive(leaderIP, wire.Encode(&wire.Envelope_EngineDirective{EngineDirective: c.d}))
			if got := a.node.config; got.Index != c.want || len(got.Services) != 1 || got.Group.Name != "g" {
				t.Errorf("it runs %+v, want index %d", got, c.want)
			}
		})
	}
}

// TestOrders: which orders restart an engine, and which are only answered.
func TestOrders(t *testing.T) {
	for _, c := range []struct {
		name     string
		order    func(o *wire.UpgradeOrder)
		restarts bool
		answers  int
	}{
		{"the leader's", func(*wire.UpgradeOrder) {}, true, 0},
		{"for an earlier life", func(o *wire.UpgradeOrder) { o.Life++ }, false, 1},
		{"for a build that is not there", func(o *wire.UpgradeOrder) { o.Version = "16.9" }, false, 1},
		{"a question", func(o *wire.UpgradeOrder) { o.Version = "" }, false, 1},
		{"an earlier leader's", func(o *wire.UpgradeOrder) { o.Term = 4 }, false, 0},
		{"another cluster's", func(o *wire.UpgradeOrder) { o.Cluster = "other" }, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDuo(t, fastTimers(t))
			d.config, d.term = groupOf(1), 5
			a := d.station("a")
			a.cfg.Version, a.cfg.Images = "16.2", []string{"16.2", "16.3"}
			a.start()
			d.deliver()
			o := &wire.UpgradeOrder{Term: 5, Version: "16.3", Life: a.node.pair.life}
			c.order(o)
			asker := mgmtIP(77)
			a.node.Receive(asker, wire.Encode(&wire.Envelope_UpgradeOrder{UpgradeOrder: o}))
			if got := a.restarts == "16.3"; got != c.restarts || a.sent[asker] != c.answers {
				t.Errorf("it restarts with %q and answers %d times", a.restarts, a.sent[asker])
			}
		})
	}
}

// TestHeadless: an engine that no controller answers says so once, runs on, and says when one answers again.
func TestHeadless(t *testing.T) {
	d := newDuo(t, fastTimers(t))
	d.config = groupOf(1)
	a := d.station("a")
	a.start()
	d.pass(time.Second)
	d.trace.Reset()
	d.away = true
	d.pass(10 * time.Second)
	if got := d.trace.String(); strings.Count(got, "headless") != 1 || !a.addresses[vip(0)] {
		t.Errorf("%q, holding %v", got, a.addresses)
	}
	d.away = false
	d.pass(time.Second)
	if got := d.trace.String(); strings.Count(got, "reattached") != 1 {
		t.Errorf("%q", got)
	}
}

// TestNonsense: what is no message, or is for somebody else, changes nothing.
func TestNonsense(t *testing.T) {
	d := newDuo(t, fastTimers(t))
	d.config = groupOf(1)
	a := d.station("a")
	a.start()
	d.pass(time.Second)
	before := d.trace.String() + d.holders()
	for _, msg := range [][]byte{nil, []byte("nonsense"), wire.Encode(&wire.Envelope_JoinRequest{JoinRequest: &wire.JoinRequest{}}),
		wire.Encode(&wire.Envelope_PeerHeartbeat{PeerHeartbeat: &wire.PeerHeartbeat{Engine: "c", Life: 1, Sequence: 1, Units: []*wire.UnitState{{Active: true, Epoch: 99}}}}),
		wire.Encode(&wire.Envelope_PeerHeartbeat{PeerHeartbeat: &wire.PeerHeartbeat{Engine: "b", Life: 1, Sequence: 1, Units: []*wire.UnitState{{Unit: 7, Active: true, Epoch: 99}}}})} {
		a.node.Receive(dataIP(1), msg)
		d.deliver()
	}
	if !a.addresses[vip(0)] || !strings.HasPrefix(before, d.trace.String()) {
		t.Errorf("%s, was %s", d.trace.String()+d.holders(), before)
	}
}
