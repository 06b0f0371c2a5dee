package controller

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"firedrill/model/config"
	"firedrill/model/wire"
)

// herd is a few engines of an elastic group that only report.
type herd struct {
	*world
	quiet  map[string]bool // neither report nor answer
	silent map[string]bool // their peers do not hear them on the data network
	cutOff map[string]bool // reach no server
	read   int             // how much of the mail has been read
}

func herdIP(engine string) netip.Addr { return netip.MustParseAddr("198.18.1." + engine[1:]) }

// newHerd makes a cluster, a group with some services of which an engine carries two, and the engines e1 and e2.
func newHerd(t *testing.T, services string) *herd {
	h := &herd{world: newWorld(t, 3), quiet: map[string]bool{}, silent: map[string]bool{}, cutOff: map[string]bool{}}
	h.must(request{method: "POST", path: "/api/serviceenginegroup", body: `{"name":"herd","ha_mode":"HA_MODE_SHARED","max_vs_per_se":2}`})
	h.must(request{method: "POST", path: "/api/pool", body: `{"name":"web","servers":[]}`})
	for i, name := range strings.Fields(services) {
		h.must(request{method: "POST", path: "/api/virtualservice",
			body: `{"name":"` + name + `","vip":"198.18.2.` + string(rune('1'+i)) + `","port":80,"pool_ref":"web","se_group_ref":"herd"}`})
	}
	h.graze(3 * time.Second)
	return h
}

// graze lets time go by, in which engines report to all controllers and answer questions.
func (h *herd) graze(d time.Duration) {
	for end := h.now + d; h.now < end; h.pass(10 * time.Millisecond) {
		for ; h.read < len(h.mail); h.read++ {
			body, err := wire.Decode(h.mail[h.read].data)
			if d, ok := body.(*wire.Envelope_EngineDirective); err == nil && ok && d.EngineDirective.Ask {
				h.report("e" + strings.TrimPrefix(h.mail[h.read].to.String(), "198.18.1."))
			}
		}
		if h.now%(250*time.Millisecond) == 0 {
			h.report("e1")
			h.report("e2")
		}
	}
}

func (h *herd) report(engine string) {
	if h.quiet[engine] {
		return
	}
	r := &wire.EngineReport{Engine: engine, Group: "herd", Management: herdIP(engine).String(), Data: "198.19.0." + engine[1:]}
	r.Reach = wire.Reach_REACH_SOME
	if h.cutOff[engine] {
		r.Reach = wire.Reach_REACH_NONE
	}
	if leader := h.leader(); leader != nil {
		entry, _ := leader.node.machine.Get(config.Key{Kind: config.KindPlacement, Name: "herd"})
		placement, _ := entry.Object.(*config.Placement)
		for i := 0; placement != nil && i < len(placement.Services); i++ {
			s := placement.Services[i]
			if vs, ok := leader.node.machine.Get(config.Key{Kind: config.KindVirtualService, Name: s.Service}); ok && slices.Contains(s.Engines, engine) {
				r.Units = append(r.Units, &wire.UnitState{Address: vs.Object.(*config.VirtualService).VIP.String(), Active: s.Engines[0] == engine})
			}
		}
	}
	for _, other := range []string{"e1", "e2"} {
		switch {
		case other == engine:
		case h.silent[other]:
			r.Silent = append(r.Silent, other)
		default:
			r.Hears = append(r.Hears, other)
		}
	}
	for _, c := range h.hosts {
		h.queue = append(h.queue, packet{herdIP(engine), c.cfg.Address, wire.Encode(&wire.Envelope_EngineReport{EngineReport: r})})
	}
}

// placed is the placement, such as "a=e1 b=e2".
func (h *herd) placed() string {
	var p config.Placement
	if err := json.Unmarshal(h.must(request{method: "GET", path: "/api/placement/herd"}).Body, &p); err != nil {
		h.Fatal(err)
	}
	var out []string
	for _, s := range p.Services {
		out = append(out, s.Service+"="+strings.Join(s.Engines, ","))
	}
	return strings.Join(out, " ")
}

// TestPlacing: what moves when engines fall silent, and what does not.
func TestPlacing(t *testing.T) {
	const services, spread = "a b", "a=e1 b=e2"
	for _, c := range []struct {
		name, services string
		do             func(h *herd)
		want           string
		waits          int
	}{
		{"engines that come one after the other share the load", services, func(*herd) {}, spread, 0},
		{"one that is heard by nobody is dead at once", services, func(h *herd) {
			h.quiet["e1"], h.silent["e1"] = true, true
			h.graze(700 * time.Millisecond)
		}, "a=e2 b=e2", 0},
		{"one that answers lives, whatever its peers say", services, func(h *herd) {
			h.silent["e1"] = true
			h.graze(5 * time.Second)
		}, spread, 0},
		{"one that its peers hear lives, whatever the leader hears", services, func(h *herd) {
			h.quiet["e1"] = true
			h.graze(5 * time.Second)
		}, spread, 0},
		{"one that reaches no server is as good as dead, though it answers", services, func(h *herd) {
			h.cutOff["e1"], h.silent["e1"] = true, true
			h.graze(700 * time.Millisecond)
		}, "a=e2 b=e2", 0},
		{"one that its peers hear has its data network", services, func(h *herd) {
			h.cutOff["e1"] = true
			h.graze(time.Second)
			h.cutOff["e2"] = true
			h.graze(time.Second)
		}, spread, 0},
		{"nothing moves back", services, func(h *herd) {
			h.quiet["e1"], h.silent["e1"] = true, true
			h.graze(time.Second)
			clear(h.quiet)
			clear(h.silent)
			h.graze(3 * time.Second)
		}, "a=e2 b=e2", 0},
		{"without a free slot services wait where they were", "a b c d", func(h *herd) {
			h.quiet["e1"], h.silent["e1"] = true, true
			h.graze(3 * time.Second)
		}, "a=e1 b=e2 c=e1 d=e2", 2},
		{"a new leader finds dead who died with the old one", services, func(h *herd) {
			h.quiet["e1"], h.silent["e1"] = true, true
			h.leader().crash()
			h.graze(6 * time.Second)
		}, "a=e2 b=e2", 0},
		{"a new leader moves nothing without need", services, func(h *herd) {
			h.leader().crash()
			h.graze(6 * time.Second)
		}, spread, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHerd(t, c.services)
			c.do(h)
			if got := h.placed(); got != c.want {
				t.Errorf("placed as %s, want %s", got, c.want)
			}
			waits := 0
			for _, e := range h.leader().node.machine.events.list {
				if e.ID == EventVSWaits {
					waits++
				}
			}
			if waits != c.waits {
				t.Errorf("%d services were said to wait, want %d", waits, c.waits)
			}
		})
	}
}

// TestPlacementsEnd: a service that is deleted leaves the placement, and a group that is deleted takes it along.
func TestPlacementsEnd(t *testing.T) {
	h := newHerd(t, "a b")
	h.must(request{method: "DELETE", path: "/api/virtualservice/b"})
	h.graze(time.Second)
	if got := h.placed(); got != "a=e1" {
		t.Errorf("placed as %s", got)
	}
}
