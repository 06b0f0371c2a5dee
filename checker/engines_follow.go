package checker

import (
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/checker/words"
	"firedrill/model"
	"firedrill/model/config"
)

// checkEnginesFollow: what a client was told is changed gets into force. Every engine whose group serves what has changed
// runs it recover_within later, or so long after the last of the faults that may have been in the way.
func checkEnginesFollow(h *evidence) []Violation {
	var out []Violation
	changes := h.groupChanges()
	for _, n := range h.Header.Nodes {
		if n.Role != "engine" || len(changes) == 0 {
			continue
		}
		life := h.engineLife(n.Name)
		for _, c := range changes {
			if c.group != "" && c.group != n.Group || !life.up(c.due-int64(h.recoverWithin()), c.due) || h.struckForGood(n.Name, c.due) {
				continue
			}
			// One that has none yet may not have been heard before; whether its services come up is judged elsewhere.
			if runs := life.runs(c.due); runs > 0 && runs < c.index {
				out = append(out, violation(c.due, nil, "%s runs the configuration of index %d, %s after %s was told that %s is changed at index %d",
					n.Name, runs, words.Duration(time.Duration(c.due-c.at)), c.client, c.what, c.index))
				break // what follows is the same
			}
		}
	}
	return out
}

// groupChange is an acknowledged change of something that the engines of a group need.
type groupChange struct {
	group        string // "": all
	client, what string
	index        uint64 // in the log
	at, due      int64
}

// groupChanges lists those of a history that are due before its end.
func (h *evidence) groupChanges() []groupChange {
	var out []groupChange
	asked := make(map[string]*history.Event) // by client: the call under way
	alone := h.alone()
	for i := range h.Events {
		e := &h.Events[i]
		if e.Type == history.Call {
			asked[e.Client] = e
		}
		call := asked[e.Client]
		if e.Type != history.Return || e.Outcome != history.OK || e.Version == 0 || call == nil || !changes(call) || alone(e) {
			continue
		}
		due := h.quietFrom(e.Time)
		if due >= int64(ends(h.History)) {
			continue
		}
		what, _ := changed(call)
		for _, group := range h.groupsOf(what) {
			out = append(out, groupChange{group: group, client: e.Client, what: call.Key, index: e.Version, at: e.Time, due: due})
		}
	}
	return out
}

// alone tells whether a controller that answered is a cluster of its own, which engines do not follow.
func (h *evidence) alone() func(*history.Event) bool {
	own := make(map[string][]*history.Event)
	for _, e := range h.told {
		if is(e, model.EventIdentity) {
			own[e.Node] = append(own[e.Node], e)
		}
	}
	return func(answer *history.Event) bool {
		alone := false
		for _, e := range own[answer.By] {
			if e.Time <= answer.Time {
				alone = e.Unit != ""
			}
		}
		return alone
	}
}

// groupsOf are the groups that serve an object: those of the services that use it, "" for all of them.
func (h *evidence) groupsOf(what string) []string {
	kind, name, _ := strings.Cut(what, "/")
	if what == "" {
		return []string{""}
	}
	var out []string
	for _, s := range h.Header.Services {
		uses := false
		switch config.Kind(kind) {
		case config.KindServiceEngineGroup:
			uses = s.Group == name
		case config.KindVirtualService:
			uses = s.Name == name
		case config.KindPool:
			uses = s.Pool != nil && s.Pool.Name == name
		case config.KindHealthMonitor:
			uses = s.Pool != nil && s.Pool.Monitor == name
		}
		if uses && s.Group != "" && !slices.Contains(out, s.Group) {
			out = append(out, s.Group)
		}
	}
	return out
}

// quietFrom is the first time after t by which nothing has been in the way for recover_within. A fault that lasts may be
// in the way for good, unless it strikes engines alone.
func (h *evidence) quietFrom(t int64) int64 {
	within := int64(h.recoverWithin())
	due := t + within
	for again := true; again; {
		again = false
		for i := range h.faults {
			f := &h.faults[i]
			if f.end == math.MaxInt64 && f.begin <= due && f.inTheWay() {
				return math.MaxInt64
			}
			if f.begin <= due && f.end != math.MaxInt64 && f.end+within > due {
				due, again = f.end+within, true
			}
		}
	}
	return due
}

// inTheWay tells whether the fault may keep the leader from reaching engines that it does not strike.
func (f *fault) inTheWay() bool {
	return f.reaches(func(n history.Node) bool { return n.Role != "engine" }) || slices.Contains(networkFaults, f.kind)
}

// struckForGood tells whether a fault that lasts has struck the node by then.
func (h *evidence) struckForGood(node string, t int64) bool {
	return slices.ContainsFunc(h.faults, func(f fault) bool { return f.end == math.MaxInt64 && f.begin <= t && f.struckNode(node) })
}

// engineLife is when an engine started, stopped, and came to run which configuration.
type engineLife []*history.Event

func (h *evidence) engineLife(name string) engineLife {
	var out engineLife
	for _, e := range h.told {
		if e.Node == name && (is(e, model.EventStarted) || is(e, model.EventStopped) || is(e, model.EventConfigured)) {
			out = append(out, e)
		}
	}
	return out
}

// up tells whether the engine is up all the time from one moment to another.
func (l engineLife) up(from, to int64) bool {
	up := false
	for _, e := range l {
		switch {
		case e.Time > to:
			return up
		case is(e, model.EventStarted):
			up = e.Time <= from
		case is(e, model.EventStopped):
			up = false
		}
	}
	return up
}

// runs is the index of the configuration that the engine runs at a time.
func (l engineLife) runs(t int64) uint64 {
	until := sort.Search(len(l), func(i int) bool { return l[i].Time > t })
	for _, e := range slices.Backward(l[:until]) {
		if is(e, model.EventConfigured) {
			return e.Index
		}
	}
	return 0
}
