package checker

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/model"
)

// Met says that faults of a kind struck while the platform was in a state; a fault may meet several.
type Met struct {
	Fault string `json:"fault"`
	State string `json:"state"`
	Times int    `json:"times"`
}

// The states that a fault may meet. A run that only ever breaks what is at peace leaves out most of what can go wrong.
const (
	StatePeace     = "peace"         // nothing of the below
	StateElection  = "election"      // no leader is ready
	StateTakeover  = "takeover"      // engines notice that one is silent, and another takes over
	StateBoot      = "boot"          // a node has just started
	StateSnapshot  = "snapshot"      // a controller takes over a snapshot of the leader
	StateMembers   = "member change" // the cluster changes
	StatePlacement = "placement"     // services are placed anew
	StateRestore   = "restore"       // a backup is restored
	StateUpgrade   = "upgrade"       // the platform is upgraded
	StateOverlap   = "other fault"   // another fault is in force
)

// States lists them in the order in which people should read them.
var States = []string{StatePeace, StateOverlap, StateElection, StateTakeover, StateBoot, StateSnapshot, StateMembers, StatePlacement, StateRestore, StateUpgrade}

// around is how far from the one event that tells of a state the state reaches, either way.
const around = int64(250 * time.Millisecond)

// stretch is a time in which a state lasts.
type stretch struct {
	state      string
	begin, end int64
}

// coverage counts which faults met which states when they struck.
func (h *evidence) coverage() []Met {
	stretches := slices.Concat(h.elections(), h.upgrading(), h.moments())
	times := make(map[Met]int)
	for i := range h.faults {
		f := &h.faults[i]
		if f.kind == string(model.EventRestart) {
			continue // planned by the platform itself: no fault of the world
		}
		states := make(map[string]bool)
		for _, s := range stretches {
			if s.begin <= f.begin && f.begin <= s.end {
				states[s.state] = true
			}
		}
		for j := range h.faults {
			if o := &h.faults[j]; j != i && o.begin <= f.begin && f.begin < o.end {
				states[StateOverlap] = true
			}
		}
		if len(states) == 0 {
			states[StatePeace] = true
		}
		for s := range states {
			times[Met{Fault: f.kind, State: s}]++
		}
	}
	var out []Met
	for m, n := range times {
		m.Times = n
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b Met) int {
		return cmp.Or(strings.Compare(a.Fault, b.Fault), cmp.Compare(slices.Index(States, a.State), slices.Index(States, b.State)))
	})
	return out
}

// elections are the times without a leader that is ready.
func (h *evidence) elections() []stretch {
	var out []stretch
	leader, since := "", int64(0)
	for _, e := range h.told {
		switch model.EventKind(e.Event) {
		case model.EventReady:
			if leader == "" {
				out = append(out, stretch{state: StateElection, begin: since, end: e.Time})
			}
			leader = e.Node
		case model.EventSuspected, model.EventStopped, model.EventFollower, model.EventLeader:
			lost := e.Node == leader || h.controllers[e.Node] && model.EventKind(e.Event) == model.EventSuspected
			if leader != "" && lost {
				leader, since = "", e.Time
			}
		}
	}
	if leader == "" {
		out = append(out, stretch{state: StateElection, begin: since, end: int64(ends(h.History))})
	}
	return out
}

// upgrading are the times in which the platform is upgraded.
func (h *evidence) upgrading() []stretch {
	var out []stretch
	for _, u := range h.upgrades() {
		out = append(out, stretch{state: StateUpgrade, begin: u.began, end: u.ended})
	}
	return out
}

// moments are states that a single event tells of, and operations that last from a call to its return.
func (h *evidence) moments() []stretch {
	var out []stretch
	near := func(state string, e *history.Event) {
		out = append(out, stretch{state: state, begin: e.Time - around, end: e.Time + around})
	}
	started := make(map[string]int64)
	for _, e := range h.told {
		switch kind := model.EventKind(e.Event); {
		case kind == model.EventStarted:
			started[e.Node] = e.Time
			out = append(out, stretch{state: StateBoot, begin: e.Time, end: e.Time + 2*around})
		case kind == model.EventRestored && e.Time > started[e.Node]+around:
			near(StateSnapshot, e)
		case kind == model.EventMembers || kind == model.EventIdentity:
			near(StateMembers, e)
		case kind == model.EventPlaced:
			near(StatePlacement, e)
		case (kind == model.EventSuspected || kind == model.EventActive) && !h.controllers[e.Node]:
			near(StateTakeover, e)
		}
	}
	calls := make(map[string]int64)
	for i := range h.Events {
		e := &h.Events[i]
		switch {
		case e.Type == history.Call && e.Operation == history.OpRequest && strings.HasPrefix(e.Key, "POST /api/configuration/import"):
			calls[e.Client] = e.Time
		case e.Type == history.Return:
			if begin, ok := calls[e.Client]; ok {
				out = append(out, stretch{state: StateRestore, begin: begin, end: e.Time})
				delete(calls, e.Client)
			}
		}
	}
	return out
}
