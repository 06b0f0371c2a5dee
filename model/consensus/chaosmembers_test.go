package consensus

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// maxChaosMembers bounds how many replicas ever take part; the rest of an ID's life is on its disk.
const maxChaosMembers = 7

// TestChaosMembers is TestChaos with a cluster that begins with one replica and grows, shrinks and replaces: at most
// one leads in a term, nothing that was committed is lost, and all agree on who belongs to them.
func TestChaosMembers(t *testing.T) {
	seen := map[string]int{}
	for seed := range *chaosSeeds {
		c := &chaos{rng: rand.New(rand.NewPCG(seed, 1)), sequence: map[string]uint64{}, changes: true}
		c.cluster = newClusterOf(chaosFatal{t, seed, c}, 1+2*c.rng.IntN(2), 1+c.rng.Uint64N(8))
		for range 900 {
			c.act()
		}
		c.settle()
		for _, what := range []string{"leads", "took over a snapshot", "(learns)", "no member any more", "change", "transfer", "crashed"} {
			seen[what] += strings.Count(c.trace.String(), what)
		}
	}
	for what, n := range seen {
		if n == 0 && *chaosSeeds >= 20 {
			t.Errorf("it never happened that a replica %q: these drills are too tame", what)
		}
	}
	t.Log(seen)
}

// actOnMembers boots a replica, or asks one that may lead for a change or a transfer. Most are refused.
func (c *chaos) actOnMembers() {
	id := c.leading(1 + c.rng.Uint64N(uint64(len(c.members))))
	m := c.node(id)
	if m.replica == nil {
		return
	}
	other := 1 + c.rng.Uint64N(uint64(len(c.members)))
	var change Change
	switch c.rng.IntN(8) {
	case 0, 1:
		if len(c.members) == maxChaosMembers {
			return
		}
		change.Add = []Member{memberOf(c.boot(nil).id)}
	case 2:
		c.guarded(id, func() { c.transfer(id, other) })
		return
	case 3:
		change.Remove = []uint64{other}
	case 4:
		change.Update = []Member{{ID: other, Name: "new", Address: addressOf(other)}}
	default:
		change = c.mixed(m)
	}
	c.guarded(id, func() {
		if c.change(id, change) == nil {
			c.say(id, "change %+v", change)
		}
	})
}

// mixed promotes all learners, and sometimes removes a member in the same step.
func (c *chaos) mixed(m *member) (change Change) {
	for _, other := range m.replica.Members() {
		switch {
		case other.Learner && m.replica.CaughtUp(other.ID):
			change.Promote = append(change.Promote, other.ID)
		case c.rng.IntN(6) == 0:
			change.Remove = append(change.Remove, other.ID)
		}
	}
	return change
}

func (c *chaos) transfer(from, to uint64) {
	if c.node(from).replica.TransferLeadership(to) == nil {
		c.say(from, "transfer to %d", to)
	}
	c.ready(c.node(from))
}
