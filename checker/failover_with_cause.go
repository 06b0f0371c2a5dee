package checker

import (
	"slices"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/checker/words"
	"firedrill/model"
)

// recently is how long ago an engine may have yielded for a takeover to count as one from it.
const recently = int64(10 * time.Second)

// checkFailoverWithCause wants a fault behind every takeover, which is how timers too short for the network
// show. No cause is needed for the first activation, after the other stopped, and for a handover: the
// other let go, and nobody suspected anybody.
func checkFailoverWithCause(h *evidence) []Violation {
	c := causes{faults: h.faults, groups: make(map[string]string), units: make(map[string][]*tenant)}
	for _, n := range h.Header.Nodes {
		c.groups[n.Name] = n.Group
	}
	for _, e := range h.told {
		c.follow(e)
	}
	return c.violations
}

type causes struct {
	faults     []fault
	groups     map[string]string    // of engines
	units      map[string][]*tenant // the engines that were ever seen with a unit
	leader     string               // who was elected last
	orphaned   bool                 // that leader has stopped since
	violations []Violation
}

// tenant is what one engine has to do with one unit.
type tenant struct {
	node      string
	active    bool
	yielded   int64 // when it gave the unit up by itself; -1: it did not
	suspected int64 // when it last missed its peer; -1: never
}

func (c *causes) tenant(e *history.Event) *tenant {
	for _, t := range c.units[e.Unit] {
		if t.node == e.Node {
			return t
		}
	}
	t := &tenant{node: e.Node, yielded: -1, suspected: -1}
	c.units[e.Unit] = append(c.units[e.Unit], t)
	return t
}

func (c *causes) follow(e *history.Event) {
	switch model.EventKind(e.Event) {
	case model.EventLeader:
		if c.leader != "" && !c.orphaned && !c.felt(e.Time, isController) {
			c.violations = append(c.violations, violation(e.Time, []string{describe(e)},
				"%s was elected after %s, with no fault among the controllers within %s", e.Node, c.leader, words.Duration(time.Duration(aftermath))))
		}
		c.leader, c.orphaned = e.Node, false
	case model.EventSuspected:
		if e.Unit != "" {
			c.tenant(e).suspected = e.Time
		}
	case model.EventActive:
		t := c.tenant(e)
		c.tookOver(e, t)
		for _, other := range c.units[e.Unit] {
			other.yielded = -1 // who yielded has found somebody
		}
		t.active = true
	case model.EventStandby:
		t := c.tenant(e)
		t.active, t.yielded = false, -1
		if !slices.ContainsFunc(c.units[e.Unit], func(other *tenant) bool { return other.active }) {
			t.yielded = e.Time // somebody has to take it
		}
	case model.EventYields: // the other is asked to take over
		t := c.tenant(e)
		t.active, t.yielded = false, e.Time
	case model.EventHandover:
		c.orphaned = c.orphaned || e.Node == c.leader
	case model.EventStarted, model.EventStopped:
		c.orphaned = c.orphaned || e.Node == c.leader
		c.stopped(e.Node)
	}
}

// stopped forgets what the engine was; the order of the units does not matter.
func (c *causes) stopped(node string) {
	for _, tenants := range c.units {
		for _, t := range tenants {
			if t.node == node {
				*t = tenant{node: node, yielded: -1, suspected: -1}
			}
		}
	}
}

func (c *causes) tookOver(e *history.Event, self *tenant) {
	group, known := c.groups[e.Node]
	if !known {
		group, _, _ = strings.Cut(e.Unit, "/")
	}
	for _, other := range c.units[e.Unit] {
		if other == self || !from(other, self, e.Time) || c.felt(e.Time, isEngineOf(group)) {
			continue
		}
		c.violations = append(c.violations, violation(e.Time, []string{describe(e)},
			"%s took %s over from %s, with no fault among the engines of %s within %s",
			e.Node, e.Unit, other.node, group, words.Duration(time.Duration(aftermath))))
	}
}

// from tells whether the other was pushed aside: it was active, or it had yielded and was then suspected.
func from(other, self *tenant, t int64) bool {
	yielded := other.yielded >= 0 && t-other.yielded <= recently
	return other.active || yielded && self.suspected >= other.yielded
}

func (c *causes) felt(t int64, like func(history.Node) bool) bool {
	return slices.ContainsFunc(c.faults, func(f fault) bool { return f.felt(t) && f.reaches(like) })
}
