package reports

import (
	"fmt"
	"io"
	"strings"
	"time"

	"firedrill/checker"
	"firedrill/checker/history"
	"firedrill/model"
)

// Narrate tells one run for a terminal: the faults and what the nodes made of them, in order, then every outage
// with its phases, then the verdict.
func Narrate(w io.Writer, h *history.History, r checker.Result, colour bool) error {
	p := newPaint(colour)
	var out strings.Builder
	fmt.Fprintf(&out, "%s, seed %d: %v simulated, %s operations, %s probes, trace %s\n\n",
		r.Scenario, r.Seed, r.Simulated, count(r.Operations), count(r.Probes), r.TraceHash)
	for i := range h.Events {
		if text := told(&h.Events[i]); text != "" {
			fmt.Fprintf(&out, "%12s  %s\n", clock(time.Duration(h.Events[i].Time)), text)
		}
	}
	for i := range r.Outages {
		o := &r.Outages[i]
		fmt.Fprintf(&out, "\n%s dark for %s from %s on: detect %s, decide %s, announce %s, converge %s\n    %s\n", o.Service, duration(o.Duration),
			clock(o.Start), duration(o.Phases.Detect), duration(o.Phases.Decide), duration(o.Phases.Announce), duration(o.Phases.Converge), o.Cause)
	}
	out.WriteString("\n")
	writeVerdict(&out, fmt.Sprintf("%s, seed %d", r.Scenario, r.Seed), r, p)
	_, err := io.WriteString(w, out.String())
	return err
}

// Verdict tells what came of judging one history, which subject names.
func Verdict(w io.Writer, subject string, r checker.Result, colour bool) error {
	var out strings.Builder
	writeVerdict(&out, subject, r, newPaint(colour))
	_, err := io.WriteString(w, out.String())
	return err
}

func writeVerdict(out *strings.Builder, subject string, r checker.Result, p paint) {
	fmt.Fprintf(out, "%s  %s: %s operations and %s probes judged, %d outages, %d violations\n",
		p.verdict(r.Verdict), subject, count(r.Operations), count(r.Probes), len(r.Outages), len(r.Violations))
	for _, v := range r.Violations {
		fmt.Fprintf(out, "  %s at %s: %s\n", v.Check, clock(v.At), v.Message)
		for _, d := range v.Details {
			fmt.Fprintf(out, "      %s\n", d)
		}
	}
}

// clock writes a time of the run so that times below each other line up.
func clock(t time.Duration) string { return fmt.Sprintf("%.6fs", t.Seconds()) }

// told is an event as a line of a story; "" for what happens all the time.
func told(e *history.Event) string {
	switch e.Type {
	case history.Fault:
		text := fmt.Sprintf("fault %s: %s at %s", e.Phase, e.Fault, e.Target)
		if whom := strings.Join(e.Resolved, ", "); whom != e.Target {
			text += " = " + whom
		}
		if e.Reason != "" {
			text += " (" + e.Reason + ")"
		}
		return text
	case history.NodeEv:
		switch model.EventKind(e.Event) {
		case model.EventApplied, model.EventConfigured, model.EventAddressAdded, model.EventAddressRemoved, model.EventAnnounced:
			return ""
		}
		words := []string{fmt.Sprintf("%-13s %s", e.Node, strings.ReplaceAll(e.Event, "_", " ")), e.Unit, e.Peer}
		if e.Term != 0 {
			words = append(words, fmt.Sprintf("term %d", e.Term))
		}
		if e.Detail != "" {
			words = append(words, "("+e.Detail+")")
		}
		return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
	}
	return ""
}
