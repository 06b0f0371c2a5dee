package checker

import (
	"time"

	"firedrill/checker/history"
	"firedrill/checker/words"
)

// checkOutageBound compares every outage with what the scenario allows, and the number of single lost probes. A service
// that the scenario switches off must be dark for as long as that, or somebody serves what should not be served.
func checkOutageBound(h *evidence) []Violation {
	if len(h.Header.Expect.Outages) == 0 {
		return nil
	}
	var out []Violation
	blips := make(map[string]int)
	for _, o := range h.outages {
		bound, ok := outageBound(h.Header.Expect, o.Service)
		if !ok {
			continue
		}
		if o.Blip {
			blips[o.Service]++
		}
		if bound.Blips != nil && o.Blip && blips[o.Service] == *bound.Blips+1 {
			out = append(out, violation(int64(o.Start), []string{o.Cause}, "%s lost more single probes than the %d that are allowed", o.Service, *bound.Blips))
		}
		if bound := bound.Max.Std(); o.Duration > bound {
			out = append(out, violation(int64(o.Start+bound), []string{o.Cause},
				"%s was dark for %s from %s on; at most %s are allowed", o.Service, longer(o.Duration, bound), words.Instant(o.Start), words.Duration(bound)))
		}
	}
	for _, b := range h.Header.Expect.Outages {
		least := b.Min.Std()
		if least == 0 {
			continue
		}
		if longest := h.silent(b.Service); longest < least {
			out = append(out, violation(int64(ends(h.History)), nil, "%s was dark for %s at most; it must be for at least %s, while it is switched off",
				b.Service, words.Duration(longest), words.Duration(least)))
		}
	}
	return out
}

// silent is the longest time for which a service did not answer, switched off or not.
func (e *evidence) silent(service string) (longest time.Duration) {
	for _, w := range e.watches {
		if w.service.Name != service {
			continue
		}
		w.off = nil
		for _, d := range w.dark(int64(ends(e.History))) {
			longest = max(longest, time.Duration(d.end-d.firstLost))
		}
	}
	return longest
}

// longer writes a time that is longer than its limit, also where the two read the same.
func longer(d, limit time.Duration) string {
	text := words.Duration(d)
	if text == words.Duration(limit) {
		return "a little over " + text
	}
	return text
}

// outageBound returns what the scenario allows a service, if it says anything: its own name goes before "*",
// which is every virtual service.
func outageBound(expect history.Expect, service string) (bound history.OutageBound, ok bool) {
	for _, b := range expect.Outages {
		if b.Service == service {
			return b, true
		}
		if b.Service == "*" && service != api {
			bound, ok = b, true
		}
	}
	return bound, ok
}
