package checker

import (
	"slices"
	"strings"

	"firedrill/checker/history"
	"firedrill/model"
)

// livesKept is of how many lives of an engine a controller keeps what it was sent.
const livesKept = 8

// askedSince tells of every reading of the analytics since when it may have been under way: since the oldest call that is
// open. A call whose outcome is unknown may have been taken up later.
func (h *evidence) askedSince() map[*history.Event]int64 {
	out := make(map[*history.Event]int64)
	open := make(map[string]int64) // by client
	for i := range h.Events {
		switch e := &h.Events[i]; {
		case e.Type == history.Call && strings.HasPrefix(e.Key, "GET /api/analytics/"):
			open[e.Client] = e.Time
		case e.Type == history.Return && e.Outcome != history.Unknown:
			delete(open, e.Client)
		case e.Type == history.NodeEv && is(e, model.EventMetricsRead):
			for _, t := range open {
				if since, known := out[e]; !known || t < since {
					out[e] = t
				}
			}
		}
	}
	return out
}

// unsaid: a member that was down all the time has not answered, which the reader must be told.
func (c *carriage) unsaid(read *history.Event) (Violation, bool) {
	since, known := c.asked[read]
	if !known {
		return Violation{}, false
	}
	said := strings.Split(read.Peer, ",")
	for _, name := range sortedKeys(c.controllers) {
		if c.controllers[name] && c.votes(name, since) && c.votes(name, read.Time) && c.isDown(name, since, read.Time) && !slices.Contains(said, name) {
			return violation(read.Time, []string{describe(read)}, "%s told a reader what %s has, and not that %s is missing", read.Node, read.Unit, name), true
		}
	}
	return Violation{}, false
}

// backwards: counters only grow, so that a complete answer to what was asked after another one says no less, as long as
// every controller keeps what it holds.
func (c *carriage) backwards(read *history.Event) (Violation, bool) {
	since, known := c.asked[read]
	if !known || read.Peer != "" || read.Detail != "" {
		return Violation{}, false
	}
	c.reads = append(c.reads, read)
	for _, former := range c.reads {
		if former.Unit != read.Unit || former.Time >= since || !c.keeps(former.Time, read.Time) {
			continue
		}
		if lack, is := countersOf(former).beyond(countersOf(read)); is {
			return violation(read.Time, []string{describe(former), describe(read)}, "%s told a reader that %s has less than was told before: %s",
				read.Node, read.Unit, strings.Replace(lack, "instead of", "before,", 1)), true
		}
	}
	return Violation{}, false
}

// votes tells whether a controller was a member of the cluster at a time. If nobody tells, it was.
func (c *carriage) votes(name string, t int64) bool {
	votes := true
	for _, e := range c.members {
		if e.Time <= t {
			votes = slices.Contains(strings.Fields(e.Unit), name)
		}
	}
	return votes
}

// isDown tells whether a node was down from one moment to another.
func (c *carriage) isDown(name string, from, until int64) bool {
	down := false
	for _, e := range c.stops {
		switch {
		case e.Node != name || e.Time > until:
		case e.Time <= from:
			down = is(e, model.EventStopped)
		default:
			return false
		}
	}
	return down
}

// keeps tells whether all controllers kept what they held: none has stopped or begun, and their members are the same.
func (c *carriage) keeps(from, until int64) bool {
	in := func(e *history.Event) bool { return e.Time >= from && e.Time <= until }
	return !slices.ContainsFunc(c.stops, func(e *history.Event) bool { return c.controllers[e.Node] && in(e) }) && !slices.ContainsFunc(c.members, in)
}

// outlives tells whether what a life that has ended is last said to have carried must be known yet: it had the time to be
// sent, nothing was in its way, and whoever got it keeps it.
func (c *carriage) outlives(l *carrier, last, read *history.Event) bool {
	lives := 0
	for _, o := range c.lives {
		if o.node == l.node && o.begin >= l.begin && o.begin <= read.Time {
			lives++
		}
	}
	return lives <= livesKept && c.keeps(last.Time, read.Time) && !slices.ContainsFunc(c.faults, func(f fault) bool {
		return f.begin <= last.Time+c.within && f.end >= last.Time
	})
}
