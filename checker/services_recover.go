package checker

import (
	"math"
	"time"

	"firedrill/checker/history"
)

// defaultRecoverWithin is [history.Expect].RecoverWithin where a scenario says nothing.
const defaultRecoverWithin = 5 * time.Second

// checkServicesRecover is the liveness half of the judgement: under faults only safety is demanded; once they
// are over, or have become permanent, every service must answer and go on answering. A single lost probe
// between answered ones is no outage in this sense: a lossy network loses one now and then.
func checkServicesRecover(h *history.History) []Violation {
	within := h.Header.Expect.RecoverWithin.Std()
	if within == 0 {
		within = defaultRecoverWithin
	}
	over := time.Duration(0)
	for _, f := range faults(h) {
		last := f.begin
		if f.end != math.MaxInt64 {
			last = f.end
		}
		over = max(over, time.Duration(last))
	}
	deadline := int64(over + within)

	var out []Violation
	watches := watched(h)
	for _, s := range h.Header.Services {
		out = append(out, neverAnswered(h, s, watches)...)
	}
	for i := range watches {
		for _, d := range watches[i].dark() {
			if d.lastLost > d.firstLost && d.lastLost >= deadline {
				out = append(out, violation(max(deadline, d.firstLost), nil,
					"%s was dark from %v to %v, though the last fault was over at %v and recovery is due within %v",
					watches[i].service.Name, time.Duration(d.firstLost), time.Duration(d.end), over, within))
			}
		}
	}
	return out
}

func neverAnswered(h *history.History, s history.Service, watches []watch) []Violation {
	probes := 0
	for i := range watches {
		if watches[i].service.Name != s.Name {
			continue
		}
		for _, p := range watches[i].probes {
			if p.OK {
				return nil
			}
		}
		probes += len(watches[i].probes)
	}
	return []Violation{violation(int64(ends(h)), nil, "%s never answered; it was probed %d times", s.Name, probes)}
}
