package checker

import (
	"firedrill/checker/history"
	"firedrill/model"
)

// checkCommittedNeverLost follows the log of every controller by the indexes and running hashes of what it
// applied. At equal index all lives of all nodes must have applied the same commands; no node may skip or
// repeat one; and what a client was told is done, every later leader has.
func checkCommittedNeverLost(h *evidence) []Violation {
	c := commits{at: make(map[uint64]*history.Event), nodes: make(map[string]*commitLog)}
	for i := range h.Events {
		e := &h.Events[i]
		switch {
		case e.Type == history.Return && e.Outcome == history.OK && e.Index > 0:
			if c.acknowledged == nil || e.Index > c.acknowledged.Index {
				c.acknowledged = e
			}
		case e.Type == history.NodeEv && !h.elsewhere(e):
			c.follow(e)
		}
	}
	if a := c.acknowledged; a != nil && c.highest > 0 && a.Index > c.highest {
		c.report(int64(ends(h.History)), nil, "%s was told that its write at index %d is done, but nobody applied more than index %d",
			a.Client, a.Index, c.highest)
	}
	return c.violations
}

type commits struct {
	at           map[uint64]*history.Event // who first applied what at an index
	nodes        map[string]*commitLog
	acknowledged *history.Event // the return with the highest index so far
	highest      uint64         // index that anybody applied
	violations   []Violation
}

// commitLog is what one life of a node has applied.
type commitLog struct {
	known    bool // where it stands: false for a node whose start is not in the history
	last     uint64
	owed     *history.Event // the highest acknowledged write when it was elected
	reported bool           // one violation a life: what follows is its consequence
}

func (c *commits) follow(e *history.Event) {
	n := c.nodes[e.Node]
	if n == nil {
		n = &commitLog{}
		c.nodes[e.Node] = n
	}
	switch model.EventKind(e.Event) {
	case model.EventStarted, model.EventIdentity:
		*n = commitLog{known: true}
	case model.EventApplied:
		if n.known && e.Index != n.last+1 {
			c.blame(n, e, nil, "%s applied index %d after index %d; the next was %d", e.Node, e.Index, n.last, n.last+1)
		}
		c.advance(n, e)
	case model.EventRestored:
		if n.known && e.Index < n.last {
			c.blame(n, e, nil, "%s went back from index %d to a snapshot at index %d", e.Node, n.last, e.Index)
		}
		c.advance(n, e)
	case model.EventLeader:
		n.owed = c.acknowledged
	case model.EventReady:
		if n.owed != nil && n.last < n.owed.Index {
			c.blame(n, e, nil, "%s leads without index %d, which %s was told is done; it has applied up to %d",
				e.Node, n.owed.Index, n.owed.Client, n.last)
		}
	}
}

func (c *commits) advance(n *commitLog, e *history.Event) {
	n.known, n.last = true, e.Index
	c.highest = max(c.highest, e.Index)
	if e.Hash == 0 {
		return
	}
	first, seen := c.at[e.Index]
	switch {
	case !seen:
		c.at[e.Index] = e
	case first.Hash != e.Hash:
		c.blame(n, e, first, "%s and %s applied different commands up to index %d", first.Node, e.Node, e.Index)
	}
}

// blame reports a node, with the event of another that it contradicts.
func (c *commits) blame(n *commitLog, e, other *history.Event, format string, args ...any) {
	if n.reported {
		return
	}
	n.reported = true
	details := []string{describe(e)}
	if other != nil {
		details = []string{describe(other), describe(e)}
	}
	c.report(e.Time, details, format, args...)
}

func (c *commits) report(at int64, details []string, format string, args ...any) {
	c.violations = append(c.violations, violation(at, details, format, args...))
}
