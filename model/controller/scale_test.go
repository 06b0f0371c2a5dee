package controller

import (
	"slices"
	"strings"
	"testing"
	"time"

	"firedrill/model/config"
	"firedrill/model/placement"
)

// TestCarryOut: what a list becomes on its way to a goal, step by step. A list in capitals is an engine that reports that
// it carries the service; dead engines are those after a bar.
func TestCarryOut(t *testing.T) {
	for _, c := range []struct {
		name, dead string
		limit      int
		now, goals []string // by service
		steps      []string // all lists after each step, in which every listed engine comes to carry the service
	}{
		{"a service that runs nowhere waits for nothing", "", 2, []string{""}, []string{"a b"}, []string{"a b"}},
		{"nor one whose engines are dead", "a", 2, []string{"a"}, []string{"b"}, []string{"b"}},
		{"a scale-out is one step", "", 2, []string{"a"}, []string{"a b"}, []string{"a b"}},
		{"and so is a scale-in", "", 2, []string{"a b c"}, []string{"a c"}, []string{"a c"}},
		{"a move is two: make, then break", "", 2, []string{"a"}, []string{"b"}, []string{"a b", "b"}},
		{"the new engine takes the address last, until it is known", "", 2, []string{"a b"}, []string{"c b"}, []string{"b a c", "c b"}},
		{"a dead engine leaves at once", "a", 2, []string{"a b"}, []string{"b c"}, []string{"b c"}},
		{"a move waits for a slot", "", 1, []string{"a", "b"}, []string{"b", "c"}, []string{"a; b c", "a; c", "a b; c", "b; c"}},
		{"of a ring one is let through", "", 1, []string{"a", "b"}, []string{"b", "a"}, []string{"a b; b", "b; b", "b; b a", "b; a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := &placementInput{group: &config.ServiceEngineGroup{Name: "g", HAMode: config.HAModeShared, MaxVSPerSE: c.limit}}
			for _, e := range []string{"a", "b", "c"} {
				state := placement.EngineUp
				if strings.Contains(c.dead, e) {
					state = placement.EngineDown
				}
				in.engines = append(in.engines, placement.Engine{Name: e, State: state})
			}
			goals := make([]goal, len(c.goals))
			for i := range goals {
				goals[i] = goal{vip: string(rune('0' + i)), engines: strings.Fields(c.goals[i]), now: strings.Fields(c.now[i])}
			}
			in.carries = func(engine, vip string) bool { return slices.Contains(goals[vip[0]-'0'].now, engine) }
			for n, want := range append(c.steps, c.steps[len(c.steps)-1]) {
				var lists []string
				for i, p := range in.carryOut(goals) {
					lists = append(lists, strings.Join(p.Engines, " "))
					goals[i].now = p.Engines
					if !slices.Equal(p.Goal(), goals[i].engines) {
						t.Errorf("step %d: the goal became %v", n, p.Goal())
					}
				}
				if got := strings.Join(lists, "; "); got != want {
					t.Errorf("step %d: %q, want %q", n, got, want)
				}
			}
		})
	}
}

// TestOrders: what an operator may ask for, and what is refused and why.
func TestOrders(t *testing.T) {
	const shop = "/api/virtualservice/a/"
	for _, c := range []struct {
		name, action, body string
		before             string // an action that was carried out first
		want               string // how it is placed then, or part of why it is refused
	}{
		{"the leader chooses", "scaleout", "", "", "a=e1,e2 b=e2"},
		{"a named engine", "scaleout", `{"to_se_ref":"e2"}`, "", "a=e1,e2 b=e2"},
		{"the leader chooses who goes", "scalein", "", "scaleout", "a=e1 b=e2"},
		{"a named engine goes, be it the primary", "scalein", `{"from_se_ref":"e1"}`, "scaleout", "a=e2 b=e2"},
		{"a move", "migrate", `{"to_se_ref":"e2"}`, "", "a=e2 b=e2"},
		{"there is no such engine", "migrate", `{"to_se_ref":"e9"}`, "", "there is no engine e9"},
		{"it is there already", "migrate", `{"to_se_ref":"e1"}`, "", "a is on e1 already"},
		{"it is not there", "migrate", `{"from_se_ref":"e2","to_se_ref":"e2"}`, "", "a is not on e2"},
		{"whither", "migrate", "", "", "to_se_ref: missing"},
		{"as few as may be", "scalein", "", "", "min_scaleout_per_vs of herd allows no fewer"},
		{"as many as may be", "scaleout", "", "scaleout", "max_scaleout_per_vs of herd allows no more"},
		{"a scale-in adds nothing", "scalein", `{"to_se_ref":"e2"}`, "scaleout", "to_se_ref: a scale-in adds no engine"},
		{"a scale-out takes nothing", "scaleout", `{"from_se_ref":"e1"}`, "", "from_se_ref: a scale-out takes no engine away"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHerd(t, "a b")
			group := h.must(request{method: "GET", path: "/api/serviceenginegroup/herd"})
			h.must(request{method: "PUT", path: "/api/serviceenginegroup/herd", ifMatch: group.Etag,
				body: `{"name":"herd","ha_mode":"HA_MODE_SHARED","max_vs_per_se":2,"max_scaleout_per_vs":2}`})
			if c.before != "" {
				h.must(request{method: "POST", path: shop + c.before})
				h.graze(time.Second)
			}
			answer := h.ask(h.leader(), request{method: "POST", path: shop + c.action, body: c.body})
			if strings.Contains(c.want, "=") != (answer.Status == 202) {
				t.Fatalf("%d %s", answer.Status, answer.Body)
			}
			h.graze(time.Second)
			if got := h.placed(); answer.Status == 202 && got != c.want {
				t.Errorf("placed as %s, want %s", got, c.want)
			}
			if answer.Status != 202 && !strings.Contains(string(answer.Body), c.want) {
				t.Errorf("refused: %s; want %s", answer.Body, c.want)
			}
		})
	}
}

// TestOrderOnce: an order that is repeated with its key, because the answer was lost, is carried out once.
func TestOrderOnce(t *testing.T) {
	h := newHerd(t, "a b")
	for range 3 {
		h.must(request{method: "POST", path: "/api/virtualservice/a/scaleout", key: "once"})
	}
	var scale []string
	for _, p := range h.leader().node.machine.List(config.KindPlacement) {
		for _, s := range p.Object.(*config.Placement).Services {
			scale = append(scale, string(rune('0'+s.Scale)))
		}
	}
	if got := strings.Join(scale, " "); got != "2 0" {
		t.Errorf("scales: %s", got)
	}
}
