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
	service  history.Service
	off      []off
	probes   []*history.Event
	darkness []darkness
}

// watched sorts the probes by service and client, as each first appears.
func watched(h *history.History) []watch {
	services := make(map[string]history.Service, len(h.Header.Services))
	for _, s := range h.Header.Services {
		services[s.Name] = s
	}
	type from struct {
		client string
		at     int
	}
	known := make(map[string][]from) // by service; few clients probe one service
	off := switchedOff(h)
	var out []watch
	for i := range h.Events {
		e := &h.Events[i]
		if e.Type != history.Probe {
			continue
		}
		clients := known[e.Service]
		n := slices.IndexFunc(clients, func(f from) bool { return f.client == e.Client })
		if n >= 0 {
			n = clients[n].at
		} else {
			n = len(out)
			known[e.Service] = append(clients, from{e.Client, n})
			s, ok := services[e.Service]
			if !ok {
				s = history.Service{Name: e.Service}
			}
			out = append(out, watch{service: s, off: off[e.Service]})
		}
		out[n].probes = append(out[n].probes, e)
	}
	for i := range out {
		slices.SortStableFunc(out[i].probes, func(a, b *history.Event) int { return cmp.Compare(a.Sent, b.Sent) })
		out[i].darkness = out[i].dark(int64(ends(h)))
	}
	return out
}

// darkness is a run of unanswered probes.
type darkness struct {
	answered  int64 // when the last answered probe before it left
	firstLost int64 // when its first unanswered probe left
	known     int64 // when the fate of that probe was known
	lastLost  int64
	lost      int   // probes
	end       int64 // when the next answer arrived, or the run ended
	ended     bool
}

// dark finds the times without answers, once the service has answered at all. What is lost before an answer
// has arrived belongs to the darkness that this answer ends: when it comes late, the later probes that are
// lost say more about the service than it does.
func (w *watch) dark(end int64) []darkness {
	var out []darkness
	var last *darkness
	answered := int64(-1)
	for _, p := range w.probes {
		switch {
		case p.OK:
			// Of answers that overtake one another, the first to arrive counts, not the first asked for.
			if last != nil && (!last.ended || p.Time < last.end) {
				last.end, last.ended = p.Time, true
			}
			answered = p.Sent
		case answered < 0:
		case w.isOff(p.Sent): // as if it had answered
			if last != nil && !last.ended {
				last.end, last.ended = p.Sent, true
			}
			answered = p.Sent
		case last != nil && (!last.ended || p.Sent < last.end):
			last.lastLost, last.end, last.ended = p.Sent, end, false
			last.lost++
		default:
			out = append(out, darkness{answered: answered, firstLost: p.Sent, known: p.Time, lastLost: p.Sent, lost: 1, end: end})
			last = &out[len(out)-1]
		}
	}
	return out
}

// isOff tells whether clients wanted the service to be off.
func (w *watch) isOff(t int64) bool {
	return slices.ContainsFunc(w.off, func(o off) bool { return o.from <= t && t < o.until })
}

// Outages measures every outage that a client saw, by start.
func Outages(h *history.History) []Outage { return gather(h).outages }

func (e *evidence) measure() []Outage {
	t := newTimeline(e)
	out := []Outage{}
	for i := range e.watches {
		w := &e.watches[i]
		end := int64(0) // of the outage before
		for _, d := range w.darkness {
			d.answered = max(d.answered, end)
			end = d.end
			out = append(out, t.outage(w, d))
		}
	}
	slices.SortStableFunc(out, func(a, b Outage) int { return cmp.Compare(a.Start, b.Start) })
	return out
}

func (t *timeline) outage(w *watch, d darkness) Outage {
	start := d.firstLost
	n := t.blame(w.service, d)
	if n != nil && n.at >= d.answered && n.at < d.firstLost {
		start = n.at
	}
	o := Outage{
		Service: w.service.Name, Fault: "none",
		Start: time.Duration(start), Duration: time.Duration(d.end - start), Ended: d.ended,
		AfterHeal: time.Duration(t.afterwards(w.service, start, d.end)),
	}
	if n != nil {
		o.Fault, o.Target, o.Healed = n.kind, n.target, n.over
	}
	bound, _ := outageBound(t.expect, w.service.Name)
	o.Bound = bound.Max.Std()
	m := t.marks(w.service, n, start, d.end)
	o.Blip = d.lost == 1 && d.ended && m.chosen == nil
	o.Phases = m.phases(start, d.end)
	o.Cause = t.cause(w.service, n, m, &o)
	return o
}
