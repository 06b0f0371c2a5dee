package sim

import "time"

const million = 1_000_000

// clock is a node's idea of time: monotonic time runs fast or slow by drift parts per million, the wall
// clock is off by a constant besides.
type clock struct {
	drift  int64 // parts per million
	offset time.Duration
	base   time.Duration // of the monotonic clock: what came of other rates
	origin int64         // true time at which the monotonic clock showed zero: when the machine was switched on
}

// epoch is the date on which every simulation begins.
var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// local converts a true time to what the node's monotonic clock shows.
func (c *clock) local(at int64) time.Duration {
	return c.base + time.Duration(scale(at-c.origin, million+c.drift, million))
}

// span converts a time on the node's clock to how long it truly takes, rounded up: a timer is never early, and never
// at the very moment at which it is set, where other effects of the same callback are still to come.
func (c *clock) span(d time.Duration) int64 {
	if d <= 0 {
		return 1
	}
	return scale(int64(d), million, million+c.drift) + 1
}

func (c *clock) wall(at int64) time.Time {
	return epoch.Add(time.Duration(scale(at, million+c.drift, million)) + c.offset)
}

// runAt changes the rate at a true time, at which both clocks show what they showed.
func (c *clock) runAt(drift int64, at int64) {
	local, wall := c.local(at), c.wall(at)
	c.drift = drift
	c.base += local - c.local(at)
	c.offset += wall.Sub(c.wall(at))
}

// scale returns v*num/den without overflow for times of many years.
func scale(v, num, den int64) int64 { return v/den*num + v%den*num/den }
