package engine

import (
	"fmt"
	"strings"

	"firedrill/model"
)

// Describe implements [model.Describer].
func (e *Engine) Describe() []model.Fact {
	var f model.Facts
	f.Add("version", "%s", e.cfg.Version)
	f.Add("group", "%s", e.cfg.Group)
	if e.env == nil {
		return f
	}
	if e.config == nil {
		f.Add("configuration", "none yet")
	} else {
		f.Add("configuration", "%d, %s", e.config.Index, e.config.Group.HAMode)
	}
	obeys := fmt.Sprintf("the leader of term %d", e.term)
	if e.headless {
		obeys += ", headless"
	}
	f.Add("obeys", "%s", obeys)
	f.Move("leader heard", "%s", model.Ago(e.env.Now(), e.lastAnswered))
	e.duty.describe(&f)
	for _, g := range e.gateways.list {
		f.Add(fmt.Sprintf("gateway %v", g.address), "%s", either(g.lost, "lost", "answers"))
	}
	e.health.describe(&f)
	return f
}

func either(yes bool, this, that string) string {
	if yes {
		return this
	}
	return that
}

// describe implements [duty].
func (p *pair) describe(f *model.Facts) {
	now := p.engine.env.Now()
	if p.peer != nil {
		standing := "not heard yet"
		switch {
		case p.relay:
			standing = "lives, by the leader's word alone"
		case p.heard && now-p.lastDirect > p.patienceDirect():
			standing = "silent"
		case p.heard:
			standing = "alive"
		}
		f.Add("peer "+p.peer.Name, "%s", standing)
		if p.heard {
			f.Move("peer "+p.peer.Name+" heard", "%s", model.Ago(now, p.lastDirect))
		}
	}
	for _, u := range p.units {
		f.Add("unit "+p.label(u), "%s", u.describe())
	}
}

func (u *unit) describe() string {
	out := []string{either(u.active, "active", "standby"), fmt.Sprintf("epoch %d", u.epoch)}
	for _, also := range []struct {
		so   bool
		text string
	}{{u.preferred, "belongs here"}, {u.wanted, "asks for it"}, {u.peerActive, "the peer serves it"}} {
		if also.so {
			out = append(out, also.text)
		}
	}
	return strings.Join(out, ", ")
}

// describe implements [duty].
func (t *team) describe(f *model.Facts) {
	now := t.engine.env.Now()
	if now < t.listens {
		f.Add("team", "only listens")
	}
	for _, m := range t.mates {
		standing := either(m.alive(now), "alive", "silent")
		if m.relay {
			standing += ", by the leader's word alone"
		}
		f.Add("peer "+m.Name, "%s", standing)
		if m.heard {
			f.Move("peer "+m.Name+" heard", "%s", model.Ago(now, m.last))
		}
	}
	for _, s := range t.shares {
		f.Add("address "+s.text, "%s", t.describeShare(s))
	}
}

func (t *team) describeShare(s *share) string {
	out := []string{fmt.Sprintf("epoch %d", s.epoch), "on " + strings.Join(s.candidates, " ")}
	if s.held {
		out = append([]string{"held"}, out...)
	}
	for _, also := range []struct {
		so   bool
		text string
	}{{s.wanted, "asks for it"}, {s.waiting, "waits to take it"}, {s.lingers, "handed over a moment ago"}, {s.drains, "drains"}} {
		if also.so {
			out = append(out, also.text)
		}
	}
	return strings.Join(out, ", ")
}

// describe tells which servers pass their monitors.
func (h *health) describe(f *model.Facts) {
	for _, t := range h.targets {
		state := either(t.up, "up", "down")
		if !t.known {
			state += ", not checked yet"
		}
		if t.against > 0 {
			state += fmt.Sprintf(", %d answers against it", t.against)
		}
		f.Add(fmt.Sprintf("server %v by %s/%s", t.server, t.pool, t.monitor.Name), "%s", state)
	}
}
