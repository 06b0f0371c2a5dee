package controller

import (
	"fmt"
	"slices"
	"strings"

	"firedrill/model"
)

// Describe implements [model.Describer].
func (c *Controller) Describe() []model.Fact {
	var f model.Facts
	f.Add("version", "%s", c.cfg.Version)
	if c.broken {
		f.Add("state", "broken: its disk failed, or holds what it cannot read")
	}
	if c.replica == nil {
		return f
	}
	now, s := c.env.Now(), c.replica.Status()
	f.Add("role", "%v%s", s.Role, c.readiness())
	f.Add("term", "%d", s.Term)
	f.Add("leader", "%s", orNobody(c.nameOf(s.Leader)))
	f.Add("log", "committed %d, applied %d", s.Committed, s.Applied)
	f.Add("members", "%s", c.describeMembers())
	if until, ok := c.replica.LeaseUntil(); ok {
		f.Move("lease", "ends %s", model.In(now, until))
	}
	if held := c.clusterIP.held; held.IsValid() {
		f.Add("cluster IP", "%v", held)
	}
	f.Add("state", "%s", c.nodes.state)
	c.describePeers(&f)
	if c.ready {
		c.describeLeader(&f)
	}
	return f
}

// readiness tells how far a leader is.
func (c *Controller) readiness() string {
	switch {
	case !leads(c.status):
		return ""
	case c.ready:
		return ", serves the API"
	case c.warm:
		return ", learns what was committed before"
	}
	return ", warm start"
}

func (c *Controller) describeMembers() string {
	var out []string
	for _, m := range c.members() {
		text := m.Name
		if m.Learner {
			text += " (learner)"
		}
		out = append(out, text)
	}
	return orNobody(strings.Join(out, " "))
}

// describePeers tells what this node has heard of the other controllers.
func (c *Controller) describePeers(f *model.Facts) {
	for _, p := range c.nodes.peers {
		if m, member := c.member(p.id); member && p.id != c.id {
			f.Add("peer "+m.Name, "%s, applied %d", p.report.State, p.report.Applied)
			f.Move("peer "+m.Name+" heard", "%s", model.Ago(c.env.Now(), p.heard))
		}
	}
}

// describeLeader tells what only the leader knows: the engines, and what is under way.
func (c *Controller) describeLeader(f *model.Facts) {
	now := c.env.Now()
	f.Add("writes", "format %d", c.format)
	if change := c.changeUnderWay(); change != "" {
		f.Add("change", "%s", change)
	}
	if n := len(c.writes); n > 0 {
		f.Add("writes under way", "%d", n)
	}
	if c.upgrade.waits != "" {
		f.Add("upgrade", "waits: %s", c.upgrade.waits)
	}
	for _, e := range c.fleet.engines {
		f.Add("engine "+e.name, "%s", e.describe())
		if e.met {
			f.Move("engine "+e.name+" heard", "%s", model.Ago(now, e.heard))
		}
	}
}

// describe tells how the leader sees an engine.
func (e *engineView) describe() string {
	state := []string{"up"}
	switch {
	case e.down:
		state[0] = "down"
	case !e.met:
		state[0] = "not heard yet"
	}
	if e.stranded {
		state = append(state, "has lost its data network")
	}
	if e.flawed {
		state = append(state, "failed lately")
	}
	if e.report != nil {
		state = append(state, fmt.Sprintf("runs configuration %d", e.report.ConfigIndex))
	}
	return strings.Join(slices.Concat([]string{"group " + e.group}, state), ", ")
}

func orNobody(text string) string {
	if text == "" {
		return "nobody"
	}
	return text
}
