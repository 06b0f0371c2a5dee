package checker

import (
	"cmp"
	"slices"
	"time"

	"firedrill/checker/history"
)

// watch is one client's probes of one service, in the order in which they left. Probes overlap while a service
// is dark, so that their fates are known in another order.
type watch struct {
	service history.Service
	probes  []*history.Event
}

// watched sorts the probes by service and client, as each first appears.
func watched(h *history.History) []watch {
	services := make(map[string]history.Service, len(h.Header.Services))
	for _, s := range h.Header.Services {
		services[s.Name] = s
	}
	type id struct{ service, client string }
	at := make(map[id]int)
	var out []watch
	for i := range h.Events {
		e := &h.Events[i]
		if e.Type != history.Probe {
			continue
		}
		key := id{e.Service, e.Client}
		n, seen := at[key]
		if !seen {
			n = len(out)
			at[key] = n
			s, ok := services[e.Service]
			if !ok {
				s = history.Service{Name: e.Service}
			}
			out = append(out, watch{service: s})
		}
		out[n].probes = append(out[n].probes, e)
	}
	for i := range out {
		slices.SortStableFunc(out[i].probes, func(a, b *history.Event) int { return cmp.Compare(a.Sent, b.Sent) })
	}
	return out
}

// darkness is a run of unanswered probes.
type darkness struct {
	answered  int64 // when the last answered probe before it left
	firstLost int64 // when its first unanswered probe left
	known     int64 // when the fate of that probe was known
	lastLost  int64
	end       int64 // when the next answer arrived, or the last fate was known
	ended     bool
}

// dark finds the times without answers, once the service has answered at all. An answer that comes late, when
// later probes are lost already, makes one darkness of two.
func (w *watch) dark() []darkness {
	var out []darkness
	var now *darkness // not ended
	answered := int64(-1)
	for _, p := range w.probes {
		switch {
		case p.OK && now != nil:
			now.end, now.ended = max(now.end, p.Time), true
			now, answered = nil, p.Sent
		case p.OK:
			answered = p.Sent
		case answered < 0:
		case now != nil:
			now.lastLost, now.end = p.Sent, max(now.end, p.Time)
		case len(out) > 0 && p.Sent < out[len(out)-1].end:
			now = &out[len(out)-1]
			now.lastLost, now.end, now.ended = p.Sent, max(now.end, p.Time), false
		default:
			out = append(out, darkness{answered: answered, firstLost: p.Sent, known: p.Time, lastLost: p.Sent, end: p.Time})
			now = &out[len(out)-1]
		}
	}
	return out
}

// Outages measures every outage that a client saw, by start.
func Outages(h *history.History) []Outage {
	t := newTimeline(h)
	out := []Outage{}
	for _, w := range watched(h) {
		end := int64(0) // of the outage before
		for _, d := range w.dark() {
			if !d.ended {
				d.end = int64(ends(h))
			}
			d.answered = max(d.answered, end)
			end = d.end
			out = append(out, t.outage(&w, d))
		}
	}
	slices.SortStableFunc(out, func(a, b Outage) int { return cmp.Compare(a.Start, b.Start) })
	return out
}

func (t *timeline) outage(w *watch, d darkness) Outage {
	start := d.firstLost
	f := t.blame(w.service, d)
	if f != nil && f.begin >= d.answered {
		start = f.begin
	}
	o := Outage{
		Service: w.service.Name, Fault: "none",
		Start: time.Duration(start), Duration: time.Duration(d.end - start), Ended: d.ended,
	}
	if f != nil {
		o.Fault, o.Target = f.kind, f.target
	}
	o.Bound, _ = outageBound(t.h, w.service.Name)
	m := t.marks(w.service, f, start, d.end)
	o.Phases = m.phases(start, d.end)
	o.Cause = t.cause(w.service, f, m, &o)
	return o
}

// blame finds the fault behind a darkness: the latest one before the first lost probe left, or else the first
// one that struck while that probe was under way.
func (t *timeline) blame(s history.Service, d darkness) *fault {
	var found *fault
	for i := range t.faults {
		f := &t.faults[i]
		if f.begin > d.known || f.begin > d.firstLost && found != nil && found.begin >= d.answered {
			break
		}
		if f.reaches(carries(s)) {
			found = f
		}
	}
	return found
}
