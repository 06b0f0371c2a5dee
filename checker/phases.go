package checker

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/checker/words"
	"firedrill/model"
)

// timeline is what is needed of a history to explain an outage: its faults, and the node events that mark the
// steps of a failover.
type timeline struct {
	expect history.Expect
	faults []fault
	turns  []turn // of the faults
	nodes  map[string]history.Node
	events []*history.Event // suspected, leader, ready, active, announced, started, stopped; by time
}

func newTimeline(h *evidence) *timeline {
	t := &timeline{expect: h.Header.Expect, faults: h.faults, turns: turns(h.faults), nodes: make(map[string]history.Node, len(h.Header.Nodes))}
	for _, n := range h.Header.Nodes {
		t.nodes[n.Name] = n
	}
	for _, e := range h.told {
		switch model.EventKind(e.Event) {
		case model.EventSuspected, model.EventLeader, model.EventReady, model.EventActive, model.EventAnnounced, model.EventStarted, model.EventStopped:
			t.events = append(t.events, e)
		}
	}
	return t
}

// marks are the steps of the failover that ended an outage; nil where the history shows none.
type marks struct{ suspected, chosen, announced *history.Event }

// marks finds, from start to end: the successor that was chosen last, the first survivor that suspected before
// that, and the successor's first announcement after it. Nodes that a fault struck do not detect it.
func (t *timeline) marks(s history.Service, n *turn, start, end int64) marks {
	first := sort.Search(len(t.events), func(i int) bool { return t.events[i].Time >= start })
	last := sort.Search(len(t.events), func(i int) bool { return t.events[i].Time > end })
	window := t.events[first:last]

	var m marks
	for _, e := range window {
		if is(e, chosenBy(s)) && t.related(s, e) {
			m.chosen = e
		}
	}
	after := start
	for _, e := range window {
		if m.chosen != nil && e.Time > m.chosen.Time {
			break
		}
		if is(e, model.EventSuspected) && t.related(s, e) && (n == nil || n.over || !n.struckNode(e.Node)) {
			m.suspected, after = e, e.Time
			break
		}
	}
	if m.chosen != nil {
		after = m.chosen.Time
	}
	for _, e := range window {
		if e.Time < after || m.chosen != nil && e.Node != m.chosen.Node {
			continue
		}
		if is(e, announcedBy(s)) && t.related(s, e) && (s.Name == api || e.Unit == s.Address) {
			m.announced = e
			break
		}
	}
	return m
}

func (f *fault) struckNode(name string) bool {
	return slices.ContainsFunc(f.struck, func(n history.Node) bool { return n.Name == name })
}

func is(e *history.Event, kind model.EventKind) bool { return e.Event == string(kind) }

func chosenBy(s history.Service) model.EventKind {
	if s.Name == api {
		return model.EventLeader
	}
	return model.EventActive
}

func announcedBy(s history.Service) model.EventKind {
	if s.Name == api {
		return model.EventReady
	}
	return model.EventAnnounced
}

// related tells whether the node that speaks is one that could carry the service. The units of engines and the
// terms of controllers tell the two apart where the header does not.
func (t *timeline) related(s history.Service, e *history.Event) bool {
	n, known := t.nodes[e.Node]
	switch {
	case !known:
		return (s.Name == api) == (e.Unit == "")
	case s.Name == api:
		return n.Role == "controller"
	}
	return n.Role == "engine" && (s.Group == "" || n.Group == s.Group)
}

// phases splits the time from start to end at the marks.
func (m marks) phases(start, end int64) Phases {
	at := start
	until := func(e *history.Event) time.Duration {
		if e == nil {
			return 0
		}
		took := e.Time - at
		at = e.Time
		return time.Duration(took)
	}
	return Phases{Detect: until(m.suspected), Decide: until(m.chosen), Announce: until(m.announced), Converge: time.Duration(end - at)}
}

// cause tells the outage in one line.
func (t *timeline) cause(s history.Service, n *turn, m marks, o *Outage) string {
	var said []string
	if m.suspected != nil {
		said = append(said, fmt.Sprintf("%s suspected it %s", m.suspected.Node, after(o.Phases.Detect)))
	}
	if m.chosen != nil {
		did := "took over " + s.Address
		if s.Name == api {
			did = "was elected"
		}
		said = append(said, fmt.Sprintf("%s %s %s", m.chosen.Node, strings.TrimSpace(did), after(o.Phases.Decide)))
	}
	if m.announced != nil {
		did := "announced " + s.Address
		if s.Name == api {
			did = "was ready"
		}
		said = append(said, fmt.Sprintf("%s %s %s", m.announced.Node, did, after(o.Phases.Announce)))
	}
	if o.Ended {
		said = append(said, fmt.Sprintf("clients were answered %s", after(o.Phases.Converge)))
	} else {
		said = append(said, "clients were not answered again")
	}
	text := t.blow(n) + "; " + strings.Join(said, ", ")
	if o.Outlasted() {
		text += fmt.Sprintf("; dark for %s, of which %s after the fault was over", words.Duration(o.Duration), words.Duration(o.AfterHeal))
	}
	return text
}

// blow says what the fault or its end did, in the words of the world where a node stopped or started.
func (t *timeline) blow(n *turn) string {
	if n == nil {
		return "no fault before it"
	}
	kind := model.EventStopped
	if n.over {
		kind = model.EventStarted
	}
	var did []string
	first := sort.Search(len(t.events), func(i int) bool { return t.events[i].Time >= n.at })
	for _, e := range t.events[first:] {
		if e.Time > n.at {
			break
		}
		if is(e, kind) && n.struckNode(e.Node) {
			did = append(did, e.Node+" "+stoppedOrStarted(e))
		}
	}
	at := n.kind + " at " + strings.Join(n.named, ", ")
	switch {
	case len(did) > 0:
		return strings.Join(did, ", ")
	case n.over:
		return at + " healed"
	}
	return at
}

func stoppedOrStarted(e *history.Event) string {
	if is(e, model.EventStarted) {
		return "started again"
	}
	return cmp.Or(e.Detail, "stopped")
}

// after writes a time for people.
func after(d time.Duration) string {
	if d == 0 {
		return "at once"
	}
	return "after " + words.Duration(d)
}
