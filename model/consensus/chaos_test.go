package consensus

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var chaosSeeds = flag.Uint64("chaos-seeds", 150, "how many seeds TestChaos plays")

// chaos drives a cluster through whatever a world may do to it. What must hold is asserted by the cluster.
type chaos struct {
	*cluster
	rng      *rand.Rand
	sequence map[string]uint64 // the last of each client
	changes  bool              // the members change, too
}

// TestChaos: whatever is lost, repeated, reordered and crashed, and however the power fails, replicas agree, a
// command is applied once, a read misses nothing that was acknowledged, and once all is healed every replica
// has caught up and no read is left hanging. Its choices are drawn evenly, which rapid's are not: elections
// need long runs of ordinary steps.
func TestChaos(t *testing.T) {
	seen := map[string]int{}
	for seed := range *chaosSeeds {
		c := &chaos{rng: rand.New(rand.NewPCG(seed, 0)), sequence: map[string]uint64{}}
		c.cluster = newCluster(chaosFatal{t, seed, c}, 1+c.rng.Uint64N(8))
		for range 600 {
			c.act()
		}
		c.settle()
		for _, what := range []string{"leads", "took over a snapshot", "(again)", "read", "is lost"} {
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

// chaosFatal reports a failure with what led to it.
type chaosFatal struct {
	t    *testing.T
	seed uint64
	c    *chaos
}

func (f chaosFatal) Fatalf(format string, args ...any) {
	f.t.Fatalf("seed %d: %s\nafter\n%s", f.seed, fmt.Sprintf(format, args...), f.c.trace.String())
}

func (c *chaos) act() {
	if c.changes && c.rng.IntN(12) == 0 {
		c.actOnMembers()
		return
	}
	size := uint64(len(c.members))
	id := 1 + c.rng.Uint64N(size)
	up := c.node(id).replica != nil
	switch what := c.rng.IntN(100); {
	case what < 50:
		c.message()
	case what < 52:
		c.cut[link{id, 1 + c.rng.Uint64N(size)}] = true
	case what < 54:
		for to := range size {
			c.cut[link{id, to + 1}], c.cut[link{to + 1, id}] = true, true
		}
	case what < 56:
		clear(c.cut)
	case !up:
		c.guarded(id, func() { c.restart(id) })
	case what < 76:
		c.guarded(id, func() { c.tick(id) })
	case what < 98:
		c.client(c.leading(id))
	default:
		c.fail(id)
	}
}

// leading is often one that leads, or believes so.
func (c *chaos) leading(id uint64) uint64 {
	for _, m := range c.members {
		if m.replica != nil && m.replica.Status().Role == Leader && c.rng.IntN(2) == 0 {
			return m.id
		}
	}
	return id
}

// message delivers, repeats or loses some of what is on its way, mostly in order.
func (c *chaos) message() {
	for range 1 + c.rng.IntN(8) {
		if len(c.queue) == 0 {
			return
		}
		i := c.rng.IntN(min(3, len(c.queue)))
		switch c.rng.IntN(30) {
		case 0:
			c.queue = slices.Delete(c.queue, i, i+1)
		case 1:
			c.queue = append(c.queue, c.queue[i]) // once more, late
		default:
			c.guarded(c.queue[i].to, func() { c.deliverAt(i) })
		}
	}
}

// client reads, proposes the next command of a client, or the last once more.
func (c *chaos) client(id uint64) {
	if c.rng.IntN(3) == 0 {
		c.guarded(id, func() { _, _ = c.read(id) }) // refused by all but a leader
		return
	}
	name := []string{"a", "b", "c"}[c.rng.IntN(3)]
	if c.sequence[name] == 0 || c.rng.IntN(2) == 0 {
		c.sequence[name]++
	}
	n := c.sequence[name]
	c.guarded(id, func() { _ = c.propose(id, name, n, fmt.Sprintf("%s=%d", name, n)) })
}

// fail ends a replica between two steps, or sets its disk to fail at an operation to come.
func (c *chaos) fail(id uint64) {
	left := c.rng.IntN(20)
	if left == 0 {
		c.die(id)
		return
	}
	c.node(id).disk.Step = func() {
		if left--; left == 0 {
			panic(powerFailure{})
		}
	}
}

type powerFailure struct{}

// guarded does something to a replica, which may fail in the middle.
func (c *chaos) guarded(id uint64, what func()) {
	defer func() {
		switch r := recover(); r {
		case nil:
		case powerFailure{}:
			c.die(id)
		default:
			panic(r)
		}
	}()
	what()
}

// die leaves of the disk what a kill or a power failure may leave.
func (c *chaos) die(id uint64) {
	disk := c.crash(id)
	if c.rng.IntN(2) == 0 {
		left := disk.AfterPowerLoss()
		c.node(id).disk = left[c.rng.IntN(len(left))]
	}
	c.say(id, "crashed")
}

// settle ends all trouble, and wants agreement and every read answered.
func (c *chaos) settle() {
	for _, m := range c.members {
		m.disk.Step = func() {}
	}
	c.calm()
	for range 12 { // longer than an election takes
		for _, m := range c.members {
			c.tick(m.id)
		}
		c.deliver()
	}
	if len(c.asked) > 0 {
		c.testing.Fatalf("reads %v were neither answered nor lost", c.asked)
	}
}
