package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"firedrill/checker/history"
)

// Around an outage, this much is shown of what the nodes did, in at most so many lines.
const (
	margin   = time.Second
	maxLines = 60
	maxLanes = 12
)

// line is one event near an outage.
type line struct {
	At     time.Duration // since the outage began
	Offset string
	Lane   string // the node, or "fault"
	Text   string
	Kind   string  // fault, suspected, chosen, announced or other: what colours it
	Left   float64 // where it lies in its lane, in percent
}

// lane is one row of the swimlanes.
type lane struct {
	Name string
	Dots []line
}

// story is what happened around one outage.
type story struct {
	Lines     []line
	Lanes     []lane
	From, To  string  // the ends of the lanes
	Begin     float64 // of the outage, in percent of a lane
	Width     float64
	LeftOut   int // lines beyond the cap
	Routine   int // events that tell nothing of a failover
	LanesLeft int
	Phases    []phase // whose ends are coloured, for the legend
}

// tell picks from a history the faults and node events from a second before the outage to a second after it.
func tell(h *history.History, o outage) *story {
	from, to := o.Start-margin, o.Start+o.Duration+margin
	s := &story{From: offset(-margin), To: offset(o.Duration + margin)}
	labels := phaseLabels(o.Service)
	for i, name := range phaseNames[:3] { // the end of the last one is that of the outage
		s.Phases = append(s.Phases, phase{Name: name, Label: labels[i]})
	}
	percent := func(t time.Duration) float64 {
		p := 100 * float64(t-from) / float64(to-from)
		return float64(int(p*100+0.5)) / 100
	}
	s.Begin = percent(o.Start)
	s.Width = percent(o.Start+o.Duration) - s.Begin

	for i := range h.Events {
		e := &h.Events[i]
		at := time.Duration(e.Time)
		if e.Type != history.NodeEv && e.Type != history.Fault || at < from || at > to {
			continue
		}
		if routine(e) {
			s.Routine++
			continue
		}
		s.add(e, at-o.Start, percent(at))
	}
	if extra := len(s.Lines) - maxLines; extra > 0 {
		s.Lines, s.LeftOut = s.Lines[:maxLines], extra
	}
	s.sortLanes()
	return s
}

// routine tells whether an event belongs to everyday work: it would bury the failover.
func routine(e *history.Event) bool {
	return e.Type == history.NodeEv && (e.Event == "applied" || e.Event == "configured")
}

func (s *story) add(e *history.Event, at time.Duration, left float64) {
	l := line{At: at, Offset: offset(at), Left: left}
	if e.Type == history.Fault {
		l.Lane, l.Text, l.Kind = "fault", faultText(e), "fault"
	} else {
		l.Lane, l.Text, l.Kind = e.Node, nodeText(e), kindOf(e.Event)
	}
	s.Lines = append(s.Lines, l)
	n := slices.IndexFunc(s.Lanes, func(have lane) bool { return have.Name == l.Lane })
	if n < 0 {
		n = len(s.Lanes)
		s.Lanes = append(s.Lanes, lane{Name: l.Lane})
	}
	s.Lanes[n].Dots = append(s.Lanes[n].Dots, l)
}

// sortLanes puts faults first, then nodes by name, and leaves out what is too much.
func (s *story) sortLanes() {
	slices.SortStableFunc(s.Lanes, func(a, b lane) int {
		if (a.Name == "fault") != (b.Name == "fault") {
			if a.Name == "fault" {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	if extra := len(s.Lanes) - maxLanes; extra > 0 {
		s.Lanes, s.LanesLeft = s.Lanes[:maxLanes], extra
	}
}

func kindOf(event string) string {
	switch event {
	case "suspected":
		return "detect"
	case "leader", "active":
		return "decide"
	case "ready", "announced":
		return "announce"
	case "started", "stopped":
		return "fault"
	}
	return "other"
}

func faultText(e *history.Event) string {
	text := e.Fault
	if e.Phase == history.Finish {
		text += " ends"
	}
	if e.Target != "" {
		text += " at " + e.Target
	}
	if len(e.Resolved) > 0 {
		text += ": " + strings.Join(e.Resolved, ", ")
	}
	return join(text, e.Reason, e.Detail)
}

// nodeText writes a node event as a sentence without its subject. Kinds that it does not know are written
// as they are.
func nodeText(e *history.Event) string {
	switch e.Event {
	case "suspected":
		return join("suspects "+cmp.Or(e.Peer, e.Unit, "its peer"), e.Detail)
	case "leader":
		return join(fmt.Sprintf("was elected in term %d", e.Term), e.Detail)
	case "follower":
		if e.Peer == "" {
			return join(fmt.Sprintf("leads no more, term %d", e.Term), e.Detail)
		}
		return join(fmt.Sprintf("follows %s in term %d", e.Peer, e.Term), e.Detail)
	case "ready":
		return join("answers the API", e.Detail)
	case "active":
		return join(fmt.Sprintf("serves %s, epoch %d", e.Unit, e.Term), e.Detail)
	case "standby":
		return join("gave up "+e.Unit, e.Detail)
	case "announced":
		return join("announced "+e.Unit, e.Detail)
	case "address_added":
		return join("holds "+e.Unit, e.Detail)
	case "address_removed":
		return join("holds "+e.Unit+" no more", e.Detail)
	case "arbitrate":
		return join("tells "+e.Peer+" to yield "+e.Unit, e.Detail)
	case "engine_up":
		return join("hears "+e.Peer, e.Detail)
	case "engine_down":
		return join("hears "+e.Peer+" no more", e.Detail)
	}
	return join(strings.ReplaceAll(strings.Join(strings.Fields(e.Event+" "+e.Unit+" "+e.Peer), " "), "_", " "), e.Detail)
}

// join puts remarks behind a text.
func join(text string, remarks ...string) string {
	for _, r := range remarks {
		if r != "" {
			text += "; " + r
		}
	}
	return text
}
