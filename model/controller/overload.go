package controller

import (
	"time"

	"firedrill/model"
)

// overload is how a leader notices that it cannot keep up with its work, because its processor is slow, or its disk. Nobody
// else does: whatever it sends counts as a sign of life, while it answers what clients have long given up. So it watches its
// own clock. A node that was frozen is late once, and on time with the next tick.
type overload struct {
	due   time.Duration // when raft's clock should tick next
	since time.Duration // since when it has ticked a heartbeat late, or later, each time; 0: it has not
}

// ticked notes that the clock ticks, and when it should again.
func (o *overload) ticked(now, heartbeat, tick time.Duration) {
	if now-o.due <= heartbeat {
		o.since = 0
	}
	o.due = now + tick
}

// keepUp lets another controller lead when this one does and has been late for as long as a silent one counts as alive.
func (c *Controller) keepUp() {
	o, now := &c.overload, c.env.Now()
	if o.since == 0 && now-o.due > c.cfg.Timers.ControllerHeartbeat.Std() {
		o.since = now
	}
	switch {
	case o.since == 0:
		c.replica.Resume()
	case leads(c.status) && now-o.since > c.patience():
		c.resign()
	}
}

// resign gives the lead up, once.
func (c *Controller) resign() {
	if c.replica.Abdicated() || len(c.members()) == 1 {
		return
	}
	c.clusterIP.release() // before another may hold it
	to := c.nameOf(c.replica.Abdicate())
	c.env.Emit(model.Event{Kind: model.EventHandover, Unit: c.identity.Cluster, Peer: to, Term: c.status.Term, Detail: "this node cannot keep up"})
}
