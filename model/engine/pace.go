package engine

import (
	"time"

	"firedrill/model/config"
)

// Every heartbeat says when the next one is due, and whoever hears it waits accordingly: engines take up another
// dp_hb_frequency at different times, one of them perhaps much later.

// pace is how often heartbeats go.
type pace struct {
	every time.Duration
	left  int // heartbeats at this pace, before the next pace begins
}

// beat sends the heartbeats that are due, and plans the next.
func (e *Engine) beat() {
	e.lastBeat = e.env.Now()
	e.duty.beat()
	every := e.heartbeat()
	if e.former.left > 0 {
		e.former.left--
		every = min(every, e.former.every)
	}
	e.env.SetTimer(timerHeartbeat, every)
}

// heartbeat is the pace of the configuration, which heartbeats announce.
func (e *Engine) heartbeat() time.Duration {
	if e.config != nil && e.config.Group.HBFrequency > 0 {
		return e.config.Group.HBFrequency.Std()
	}
	return e.cfg.Timers.DPHeartbeat.Std()
}

// changePace goes from the pace of an earlier configuration to that of the present one. A faster one begins at once. A
// slower one is announced first, as often as heartbeats may get lost without harm.
func (e *Engine) changePace(before *config.EngineConfig, every time.Duration) {
	switch {
	case e.heartbeat() < every:
		e.former = pace{}
		e.beat()
	case e.heartbeat() > every && before != nil:
		if e.former.left == 0 {
			e.former.every = every
		}
		e.former.left = e.beatsMissed()
	}
}

// beatsMissed is how many heartbeats in a row must be missing before their sender counts as dead.
func (e *Engine) beatsMissed() int {
	if n := e.config.Group.HBTimeoutCount; n > 0 {
		return n
	}
	return e.cfg.Timers.DPFailedHeartbeats
}

// patience is how long a silent engine counts as alive that has said how often it is to be heard; zero: as this one is.
func (e *Engine) patience(every time.Duration) time.Duration {
	if every == 0 {
		every = e.heartbeat()
	}
	return time.Duration(e.beatsMissed()) * every
}
