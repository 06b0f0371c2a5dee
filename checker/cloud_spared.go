package checker

import (
	"slices"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/checker/words"
	"firedrill/model"
)

// checkCloudSpared holds a leader to a pace: a cloud shuts out who asks too much. It asks for the same thing again once
// it has waited for an answer (api_attempt), and what failed is tried again ever more slowly: after two heartbeats of
// engines, then twice as long each time, up to max_se_spawn_interval_delay.
func checkCloudSpared(h *evidence) []Violation {
	if h.Header.Timers == nil {
		return nil
	}
	c := cloudCalls{h: h, asked: make(map[request][]*history.Event), began: make(map[string]int64), groups: make(map[string]string), failures: make(map[string]*failing)}
	for _, e := range h.told {
		c.follow(e)
	}
	return c.violations
}

// request is something that a leader asks a cloud for.
type request struct {
	cloud, operation, engine string
	term                     uint64
}

// failing is how often in a row engines of a group could not be made.
type failing struct {
	times int
	last  *history.Event
}

type cloudCalls struct {
	h          *evidence
	asked      map[request][]*history.Event
	began      map[string]int64    // engines that are being made, since when
	groups     map[string]string   // of engines that were asked for
	failures   map[string]*failing // by group
	violations []Violation
}

func (c *cloudCalls) follow(e *history.Event) {
	switch model.EventKind(e.Event) {
	case model.EventLeader:
		clear(c.failures) // a new leader knows of none
	case model.EventEnginesKnown:
		for _, name := range strings.Fields(e.Peer) {
			if _, making := c.began[name]; making && !slices.Contains(strings.Fields(e.Detail), name) {
				delete(c.began, name)
				delete(c.failures, c.groups[name])
			}
		}
	case model.EventLogged:
		switch e.Unit {
		case "SE_CREATING":
			c.began[e.Peer] = e.Time
		case "SE_CREATE_FAILED":
			c.failed(e)
		}
	case model.EventAsked:
		c.ask(e)
	}
}

func (c *cloudCalls) failed(e *history.Event) {
	group := c.groups[e.Peer]
	delete(c.began, e.Peer)
	if c.failures[group] == nil {
		c.failures[group] = &failing{}
	}
	c.failures[group].times++
	c.failures[group].last = e
}

func (c *cloudCalls) ask(e *history.Event) {
	r := request{e.Node, e.Unit, e.Peer, e.Term}
	earlier := c.asked[r]
	if slices.ContainsFunc(earlier, func(o *history.Event) bool { return o.Index == e.Index }) {
		return // it came twice
	}
	c.asked[r] = append(earlier, e)
	// Twice may be, of a leader that has taken up something new; three times is a storm.
	if n := len(earlier); n >= 2 {
		pace, took := c.h.Header.Timers.APIAttempt.Std(), time.Duration(e.Time-earlier[n-2].Time)
		if took < pace-pace/10 && !c.bunched(earlier[n-2].Time, e.Time) {
			c.violations = append(c.violations, violation(e.Time, []string{describe(earlier[n-2]), describe(earlier[n-1]), describe(e)},
				"%s was asked three times within %s to %s; a leader waits %s for an answer", e.Node, words.Duration(took), strings.TrimSpace(e.Unit+" "+e.Peer), words.Duration(pace)))
			c.asked[r] = nil
		}
	}
	if e.Unit == "create" && len(earlier) == 0 {
		c.groups[e.Peer] = e.Detail
		c.retry(e)
	}
}

// retry judges the first request for an engine, after others of its group that could not be made. That these failed was
// known before it was logged, so that half of the time is asked for.
func (c *cloudCalls) retry(e *history.Event) {
	f, began := c.failures[e.Detail], c.began[e.Peer]
	if f == nil || began < f.last.Time {
		return
	}
	t := c.h.Header.Timers
	wait := min(2*t.SEHeartbeat.Std()<<min(f.times-1, 20), t.MaxSESpawnDelay.Std())
	if took := time.Duration(began - f.last.Time); took < wait/2 && !c.bunched(f.last.Time, began) {
		c.violations = append(c.violations, violation(began, []string{describe(f.last), describe(e)},
			"%s is to be made %s after %s could not be; after %s in a row a leader waits %s", e.Peer, words.Duration(took), f.last.Peer, words.Times(f.times), words.Duration(wait)))
	}
}

// steadyFaults change what a cloud is asked, and not when it comes.
var steadyFaults = []string{"no-capacity", "boot-failure", "slow-boot", "partition-one-way", "host-maintenance", "false-host-report", string(model.EventRestart)}

// bunched tells whether requests may have come together that were sent apart: to a cloud that could not be found, too,
// they come as soon as it is.
func (c *cloudCalls) bunched(from, until int64) bool {
	const settles = int64(time.Second)
	return slices.ContainsFunc(c.h.faults, func(f fault) bool {
		return f.begin <= until && (f.end >= from || from-f.end < settles) && !slices.Contains(steadyFaults, f.kind) &&
			f.reaches(func(n history.Node) bool { return n.Role == "cloud" || n.Role == "controller" || n.Role == "gateway" })
	})
}
