package consensus

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// leaseDrill is a cluster in true time. Each replica has its own clock, with another origin in each of its lives,
// which runs fast or slow; its ticks come late, and sometimes it is paused.
type leaseDrill struct {
	*chaos
	time   time.Duration // the true one
	clocks map[uint64]*clock
	held   int            // moments at which somebody held a lease
	holder map[uint64]int // by replica
}

type clock struct {
	origin, nextTick, pausedUntil time.Duration
	ppm                           int64 // fast or slow
}

const drillDrift = 50_000 // one in twenty: more than any real clock, so that it matters

// TestLease: at no true time do two replicas hold a valid lease, whatever is lost, late, repeated, paused,
// partitioned, restarted, transferred and changed.
func TestLease(t *testing.T) {
	held, holders := 0, 0
	for seed := range *chaosSeeds / 3 {
		d := &leaseDrill{clocks: map[uint64]*clock{}, holder: map[uint64]int{}}
		d.chaos = &chaos{rng: rand.New(rand.NewPCG(seed, 2)), sequence: map[string]uint64{}, changes: true}
		d.cluster = newClusterOf(chaosFatal{t, seed, d.chaos}, 3, 20)
		for _, m := range d.members {
			m.drift = drillDrift
			d.die(m.id)
		}
		for range 30 {
			for range 100 {
				d.trouble()
				d.step()
			}
			d.plot()
		}
		held, holders = held+d.held, holders+len(d.holder)
	}
	t.Logf("a lease was held at %d moments, by %d replicas", held, holders)
	if drills := int(*chaosSeeds / 3); held < drills*1000 || holders < 2*drills {
		t.Error("these drills are too tame")
	}
}

func (d *leaseDrill) clock(id uint64) *clock {
	if d.clocks[id] == nil {
		d.reboot(id)
	}
	return d.clocks[id]
}

// reboot gives a replica a new clock.
func (d *leaseDrill) reboot(id uint64) {
	c := &clock{origin: time.Duration(d.rng.Int64N(int64(time.Hour))) - d.time, ppm: d.rng.Int64N(2*drillDrift+1) - drillDrift}
	if d.rng.IntN(3) == 0 {
		c.ppm = []int64{-drillDrift, drillDrift}[d.rng.IntN(2)]
	}
	d.clocks[id] = c
	d.set(id)
	c.nextTick = d.node(id).now + tickInterval
}

func (d *leaseDrill) set(id uint64) {
	c := d.clock(id)
	now := c.origin + d.time + d.time/1_000_000*time.Duration(c.ppm)
	d.node(id).now = max(d.node(id).now, now)
}

// pass lets some time go by, and replicas tick and come back.
func (d *leaseDrill) pass() {
	d.time += time.Duration(d.rng.Int64N(int64(tickInterval / 2)))
	for _, m := range d.members {
		c := d.clock(m.id)
		if m.replica == nil {
			if d.rng.IntN(12) == 0 {
				m.now = longAgo
				d.reboot(m.id)
				m.drift = drillDrift
				d.guarded(m.id, func() { d.restart(m.id) })
			}
			continue
		}
		d.set(m.id)
		if d.paused(m.id) || m.now < c.nextTick {
			continue
		}
		c.nextTick = m.now + tickInterval
		if d.rng.IntN(10) == 0 {
			c.nextTick += time.Duration(d.rng.Int64N(int64(tickInterval)))
		}
		d.guarded(m.id, func() { m.replica.Tick(); d.ready(m) })
	}
}

func (d *leaseDrill) paused(id uint64) bool { return d.time < d.clock(id).pausedUntil }

// trouble does at most one thing.
func (d *leaseDrill) trouble() {
	m := d.members[d.rng.IntN(len(d.members))]
	other := d.members[d.rng.IntN(len(d.members))]
	switch what := d.rng.IntN(400); {
	case what < 4:
		d.cut[link{m.id, other.id}] = true
	case what < 6:
		for _, o := range d.members {
			d.cut[link{m.id, o.id}], d.cut[link{o.id, m.id}] = true, true
		}
	case what < 14:
		clear(d.cut)
	case what < 17:
		d.clock(m.id).pausedUntil = d.time + time.Duration(d.rng.Int64N(int64(20*tickInterval)))
	case m.replica == nil || d.paused(m.id):
	case what < 20:
		d.die(m.id)
	case what < 40:
		id := d.leading(m.id)
		if l := d.node(id); l.replica != nil && !d.paused(id) {
			d.guarded(id, func() { d.transfer(id, other.id) })
		}
	case what < 60:
		if id := d.leading(m.id); d.node(id).replica != nil && !d.paused(id) {
			d.changeSome(id)
		}
	case what < 70:
		m.replica.Campaign()
		d.guarded(m.id, func() { d.ready(m) })
	case what < 90:
		m.replica.RenewLease()
		d.guarded(m.id, func() { d.ready(m) })
	}
}

func (d *leaseDrill) step() {
	d.pass()
	d.deliverSome()
	d.look()
}

// plot aims at a leader who holds a lease. One voter has not heard it for long and would lead instead; then the leader
// is cut off from all, and everything is tried that may make the others forget it.
func (d *leaseDrill) plot() {
	clear(d.cut)
	for range 60 { // let there be a leader
		d.step()
	}
	m := d.leader()
	if m == nil {
		return
	}
	leader, rival := m.id, 1+d.rng.Uint64N(uint64(len(d.members)))
	d.part(leader, rival)
	late := d.hold(leader, rival)
	for range 20 + d.rng.IntN(60) {
		d.step()
	}
	if d.rng.IntN(2) == 0 {
		d.queue = append(d.queue, late...)
	}
	for _, other := range d.members {
		d.part(leader, other.id)
		if other.id != leader && other.replica != nil && d.rng.IntN(3) == 0 {
			d.die(other.id)
			other.now = longAgo
			d.reboot(other.id)
			d.guarded(other.id, func() { d.restart(other.id) })
		}
	}
	for range 40 {
		for _, other := range d.members {
			if other.id != leader && other.replica != nil && d.rng.IntN(3) == 0 {
				other.replica.Campaign()
				d.guarded(other.id, func() { d.ready(other) })
			}
		}
		d.step()
	}
	clear(d.cut)
}

// hold begins a transfer of which the messages are kept back, and returns them.
func (d *leaseDrill) hold(leader, rival uint64) []envelope {
	m := d.node(leader)
	if m.replica == nil || d.rng.IntN(2) == 0 {
		return nil
	}
	before := len(d.queue)
	to := 1 + d.rng.Uint64N(uint64(len(d.members)))
	if d.rng.IntN(2) == 0 {
		to = rival
	}
	d.guarded(leader, func() { d.transfer(leader, to) })
	late := slices.Clone(d.queue[before:])
	d.queue = d.queue[:before]
	return late
}

func (d *leaseDrill) part(a, b uint64) { d.cut[link{a, b}], d.cut[link{b, a}] = true, true }

// changeSome keeps about three voters.
func (d *leaseDrill) changeSome(id uint64) {
	m := d.node(id)
	members := m.replica.Members()
	var change Change
	if len(members) < 5 && len(d.members) < 9 && d.rng.IntN(2) == 0 {
		change.Add = []Member{memberOf(d.boot(nil).id)}
		d.members[len(d.members)-1].drift = drillDrift
	}
	for _, other := range members {
		if other.Learner && m.replica.CaughtUp(other.ID) {
			change.Promote = append(change.Promote, other.ID)
		} else if len(members) > 3 && d.rng.IntN(3) == 0 {
			change.Remove = append(change.Remove, other.ID)
		}
	}
	d.guarded(id, func() {
		if d.change(id, change) == nil {
			d.say(id, "change %+v", change)
		}
	})
}

// deliverSome takes what is on its way: most arrives, some is lost, repeated, or late, even very late.
func (d *leaseDrill) deliverSome() {
	for i := 0; i < len(d.queue); {
		to := d.at(d.queue[i].address)
		switch p := d.rng.IntN(100); {
		case p < 2:
			d.queue = slices.Delete(d.queue, i, i+1)
		case p < 30 || to != nil && to.replica != nil && d.paused(to.id):
			i++
		default:
			if p < 32 {
				d.queue = append(d.queue, d.queue[i])
			}
			d.guarded(d.queue[i].to, func() { d.deliverAt(i) })
		}
		if len(d.queue) > 3000 {
			d.queue = d.queue[:0]
		}
	}
}

// look asks every replica, also one that is paused: what it holds by its clock it may act on when it wakes.
func (d *leaseDrill) look() {
	var holders []uint64
	for _, m := range d.members {
		if m.replica == nil {
			continue
		}
		d.set(m.id)
		if until, ok := m.replica.LeaseUntil(); ok && m.now < until {
			holders = append(holders, m.id)
		}
	}
	if len(holders) > 1 {
		d.testing.Fatalf("at %v %v hold a lease", d.time, holders)
	}
	for _, id := range holders {
		d.held++
		d.holder[id]++
	}
}
