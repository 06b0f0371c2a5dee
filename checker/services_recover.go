package checker

import (
	"math"
	"time"
)

// defaultRecoverWithin is [history.Expect].RecoverWithin where a scenario says nothing.
const defaultRecoverWithin = 5 * time.Second

// checkServicesRecover is the liveness half of the judgement: under faults only safety is demanded; once they
// are over, or have become permanent, every service must answer and go on answering. A single lost probe
// between answered ones is no outage in this sense: a lossy network loses one now and then.
func checkServicesRecover(h *evidence) []Violation {
	within := h.Header.Expect.RecoverWithin.Std()
	if within == 0 {
		within = defaultRecoverWithin
	}
	over := time.Duration(0)
	for _, f := range h.faults {
		last := f.begin
		if f.end != math.MaxInt64 {
			last = f.end
		}
		over = max(over, time.Duration(last))
	}
	deadline := int64(over + within)

	out, mute := h.neverAnswered()
	for i := range h.watches {
		w := &h.watches[i]
		dark := w.darkness
		if d, late := w.beginning(int64(ends(h.History))); late && !mute[w.service.Name] {
			dark = append([]darkness{d}, dark...)
		}
		for _, d := range dark {
			if d.lastLost > d.firstLost && d.lastLost >= deadline {
				out = append(out, violation(max(deadline, d.firstLost), nil,
					"%s was dark from %v to %v, though the last fault was over at %v and recovery is due within %v",
					w.service.Name, time.Duration(d.firstLost), time.Duration(d.end), over, within))
			}
		}
	}
	return out
}

// neverAnswered reports and lists the services, named by the header or probed, that never answered any client.
func (e *evidence) neverAnswered() ([]Violation, map[string]bool) {
	type count struct{ probes, answers int }
	counts := make(map[string]*count)
	var names []string
	know := func(name string) *count {
		if counts[name] == nil {
			counts[name] = &count{}
			names = append(names, name)
		}
		return counts[name]
	}
	for _, s := range e.Header.Services {
		know(s.Name)
	}
	for i := range e.watches {
		c := know(e.watches[i].service.Name)
		for _, p := range e.watches[i].probes {
			c.probes++
			if p.OK {
				c.answers++
			}
		}
	}
	var out []Violation
	mute := make(map[string]bool)
	for _, name := range names {
		if c := counts[name]; c.answers == 0 {
			mute[name] = true
			out = append(out, violation(int64(ends(e.History)), nil, "%s never answered; it was probed %d times", name, c.probes))
		}
	}
	return out, mute
}

// beginning is the time before the first answer, which is no outage, as the service has not been there yet; but
// it ends in time.
func (w *watch) beginning(end int64) (darkness, bool) {
	if w.probes[0].OK {
		return darkness{}, false
	}
	d := darkness{firstLost: w.probes[0].Sent, end: end}
	for _, p := range w.probes {
		if p.OK {
			d.end, d.ended = p.Time, true
			break
		}
		d.lastLost = p.Sent
	}
	return d, true
}
