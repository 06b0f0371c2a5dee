package sim

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestClockRates: however the rate of a clock changes, it never jumps, and what has passed on it between two changes is
// what its rate makes of the true time.
func TestClockRates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := clock{drift: rapid.Int64Range(-50, 50).Draw(t, "drift"), origin: -rapid.Int64Range(0, int64(longestUptime)).Draw(t, "uptime")}
		at := int64(0)
		for range rapid.IntRange(1, 5).Draw(t, "changes") {
			local, wall := c.local(at), c.wall(at)
			c.runAt(rapid.Int64Range(-million/2, million/2).Draw(t, "rate"), at)
			if c.local(at) != local || !c.wall(at).Equal(wall) {
				t.Fatalf("at %d it showed %v and %v, and with another rate %v and %v", at, local, wall, c.local(at), c.wall(at))
			}
			passed := rapid.Int64Range(0, int64(time.Hour)).Draw(t, "passed")
			at += passed
			want := time.Duration(scale(passed, million+c.drift, million))
			for what, got := range map[string]time.Duration{"monotonic": c.local(at) - local, "wall": c.wall(at).Sub(wall)} {
				if d := got - want; d < -1 || d > 1 {
					t.Fatalf("the %s clock went on by %v, want %v", what, got, want)
				}
			}
		}
	})
}

// TestTimersOfSkewedClock: a timer fires when its time has passed on the machine's own clock, whatever became of its rate.
func TestTimersOfSkewedClock(t *testing.T) {
	for _, share := range []int64{-million / 2, -million / 10, million / 10, million / 2} {
		w := &World{}
		m := &machine{w: w}
		m.SetTimer(1, time.Second)
		w.now = int64(400 * time.Millisecond)
		heal := skew([]*machine{m}, share)
		w.now += int64(200 * time.Millisecond)
		heal()
		var fired time.Duration
		for {
			at, e, ok := w.queue.pop()
			if !ok {
				break
			}
			if e.gen == m.timer(1).gen {
				w.now = at
				fired = m.Now()
			}
		}
		if late := fired - time.Second; late < 0 || late > time.Microsecond {
			t.Errorf("with a clock that is off by %d parts per million for a while, a timer of 1s fires at %v", share, fired)
		}
	}
}
