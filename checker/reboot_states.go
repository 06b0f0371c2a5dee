package checker

import (
	"slices"
	"time"

	"firedrill/checker/history"
	"firedrill/checker/words"
	"firedrill/model"
)

// rebootStates are what a controller passes through when it starts, in this order ("Cluster Changes Following Avi
// Controller Reboot").
var rebootStates = []string{"Restoring", "Waiting for Service Engines", "Copying DB from leader", "Ready"}

// checkRebootStates follows every life of every controller: it tells each state at most once, none after a later one,
// and is ready recover_within after it began and the last fault was over, if it lives that long. A history in which
// no controller tells its states says nothing of them.
func checkRebootStates(h *evidence) []Violation {
	r := reboots{over: int64(h.lastFaultOver()), within: int64(h.recoverWithin()), lives: make(map[string]*reboot)}
	told := false
	for _, e := range h.told {
		if model.EventKind(e.Event) == model.EventNodeState {
			told = true
		}
		if h.controllers[e.Node] || model.EventKind(e.Event) == model.EventNodeState {
			r.follow(e)
		}
	}
	if !told {
		return nil
	}
	for _, n := range h.Header.Nodes {
		r.end(n.Name, int64(ends(h.History)))
	}
	return r.violations
}

type reboots struct {
	over, within int64
	lives        map[string]*reboot // by controller
	violations   []Violation
}

// reboot is one life of a controller, as far as it has come.
type reboot struct {
	begin  int64
	begun  bool // false: nobody told of its beginning
	last   *history.Event
	broken bool
}

func (r *reboots) follow(e *history.Event) {
	switch model.EventKind(e.Event) {
	case model.EventStarted, model.EventIdentity:
		r.end(e.Node, e.Time)
		r.lives[e.Node] = &reboot{begin: e.Time, begun: true}
	case model.EventStopped, model.EventDiskError: // without its disk it stays down
		r.end(e.Node, e.Time)
		delete(r.lives, e.Node)
	case model.EventNodeState:
		if r.lives[e.Node] == nil {
			r.lives[e.Node] = &reboot{}
		}
		r.arrive(r.lives[e.Node], e)
	}
}

// arrive takes the life to its next state, which may be told late but not out of order. States that are not of a
// reboot are for the reader.
func (r *reboots) arrive(l *reboot, e *history.Event) {
	at := slices.Index(rebootStates, e.Unit)
	if at < 0 {
		return
	}
	before := l.last
	l.last = e
	if before == nil || slices.Index(rebootStates, before.Unit) < at || l.broken {
		return
	}
	l.broken = true
	r.violations = append(r.violations, violation(e.Time, []string{describe(before), describe(e)},
		"%s came to the state %q after it had been in %q", e.Node, e.Unit, before.Unit))
}

// end looks at a life when it is over, or the run is.
func (r *reboots) end(node string, t int64) {
	l := r.lives[node]
	if l == nil || !l.begun || l.broken {
		return
	}
	due := max(l.begin, r.over) + r.within
	state, since := rebootStates[0], l.begin
	if l.last != nil {
		state, since = l.last.Unit, l.last.Time
	}
	if t < due || state == "Ready" && since <= due {
		return
	}
	r.violations = append(r.violations, violation(due, nil, "%s was in the state %q still %s after its start and the last fault; it should have been ready",
		node, state, words.Duration(time.Duration(r.within))))
}
