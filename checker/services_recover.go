package checker

import (
	"cmp"
	"math"
	"time"

	"firedrill/checker/words"
)

// defaultRecoverWithin is [history.Expect].RecoverWithin where a scenario says nothing.
const defaultRecoverWithin = 5 * time.Second

// checkServicesRecover is the liveness half of the judgement: under faults only safety is demanded; once they
// are over, or have become permanent, every service must answer and go on answering. A single lost probe
// between answered ones is no outage in this sense: a lossy network loses one now and then.
func checkServicesRecover(h *evidence) []Violation {
	over, within := h.lastFaultOver(), h.recoverWithin()
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
					"%s was dark from %s to %s, though the last fault was over at %s and recovery is due within %s",
					w.service.Name, words.Instant(time.Duration(d.firstLost)), words.Instant(time.Duration(d.end)), words.Instant(over), words.Duration(within)))
			}
		}
	}
	return out
}

func (e *evidence) recoverWithin() time.Duration {
	return cmp.Or(e.Header.Expect.RecoverWithin.Std(), defaultRecoverWithin)
}

// lastFaultOver is when the last fault was over, or had become permanent.
func (e *evidence) lastFaultOver() time.Duration {
	over := int64(0)
	for _, f := range e.faults {
		last := f.begin
		if f.end != math.MaxInt64 {
			last = f.end
		}
		over = max(over, last)
	}
	return time.Duration(over)
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
