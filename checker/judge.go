package checker

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/checker/words"
)

// Judge holds a history against every invariant and measures its outages. Equal histories get equal
// results. TraceHash and Events are the caller's to fill.
func Judge(h *history.History) Result {
	evidence := gather(h)
	r := Result{
		Scenario:   h.Header.Scenario,
		World:      h.Header.World,
		Seed:       h.Header.Seed,
		Machine:    h.Header.Machine,
		Verdict:    Pass,
		Simulated:  ends(h),
		Violations: []Violation{},
		Outages:    evidence.outages,
		Met:        evidence.coverage(),
		Takeovers:  evidence.takeovers(),
	}
	for i := range h.Events {
		switch h.Events[i].Type {
		case history.Call:
			r.Operations++
		case history.Probe:
			r.Probes++
		}
	}
	for _, inv := range Invariants {
		for _, v := range inv.Check(evidence) {
			v.Check = inv.Name
			r.Violations = append(r.Violations, v)
		}
	}
	slices.SortStableFunc(r.Violations, func(a, b Violation) int { return cmp.Compare(a.At, b.At) })
	if len(r.Violations) > 0 {
		r.Verdict = Fail
	}
	return r
}

// ends is when the record ends.
func ends(h *history.History) time.Duration {
	if len(h.Events) == 0 {
		return 0
	}
	return time.Duration(h.Events[len(h.Events)-1].Time)
}

// violation makes a Violation; [Judge] adds the name of the check.
func violation(at int64, details []string, format string, args ...any) Violation {
	return Violation{At: time.Duration(at), Message: fmt.Sprintf(format, args...), Details: details}
}

// describe writes a node event as a line for people.
func describe(e *history.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", words.Instant(time.Duration(e.Time)), e.Node, e.Event)
	for _, text := range []string{e.Unit, e.Peer} {
		if text != "" {
			b.WriteString(" " + text)
		}
	}
	for _, number := range []struct {
		name, format string
		value        uint64
	}{{"term", "%d", e.Term}, {"index", "%d", e.Index}, {"hash", "%016x", e.Hash}, {"state", "%016x", e.State}} {
		if number.value != 0 {
			fmt.Fprintf(&b, " "+number.name+" "+number.format, number.value)
		}
	}
	if e.Detail != "" {
		fmt.Fprintf(&b, " (%s)", e.Detail)
	}
	return b.String()
}
