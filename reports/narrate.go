package reports

import (
	"fmt"
	"io"
	"strings"
	"time"

	"firedrill/checker"
	"firedrill/checker/history"
	"firedrill/checker/words"
	"firedrill/model"
)

// Narrate tells one run for a terminal: the faults and what the nodes made of them, in order, then every outage
// with its phases, then the verdict.
func Narrate(w io.Writer, h *history.History, r checker.Result, colour bool) error {
	p := newPaint(colour)
	var out strings.Builder
	fmt.Fprintf(&out, "%s, seed %d: %s simulated, %s, %s, trace %s\n\n",
		r.Scenario, r.Seed, duration(r.Simulated), plural(r.Operations, "operation"), plural(r.Probes, "probe"), r.TraceHash)
	for i := range h.Events {
		if text := told(&h.Events[i]); text != "" {
			fmt.Fprintf(&out, "%12s  %s\n", words.Instant(time.Duration(h.Events[i].Time)), text)
		}
	}
	for i := range r.Outages {
		o := &r.Outages[i]
		fmt.Fprintf(&out, "\n%s dark for %s from %s on%s: %s\n    %s\n", o.Service, duration(o.Duration), words.Instant(o.Start), blipMark(o), split(o), o.Cause)
	}
	out.WriteString("\n")
	writeVerdict(&out, fmt.Sprintf("%s, seed %d", r.Scenario, r.Seed), r, p)
	_, err := io.WriteString(w, out.String())
	return err
}

func blipMark(o *checker.Outage) string {
	if o.Blip {
		return " (a blip: one lost probe)"
	}
	return ""
}

// split tells how long each phase of an outage took.
func split(o *checker.Outage) string {
	var out []string
	labels := phaseLabels(o.Service)
	for i, took := range lengths(o.Phases) {
		out = append(out, labels[i]+" "+duration(took))
	}
	return strings.Join(out, ", ")
}

// Verdict tells what came of judging one history, which subject names.
func Verdict(w io.Writer, subject string, r checker.Result, colour bool) error {
	var out strings.Builder
	writeVerdict(&out, subject, r, newPaint(colour))
	_, err := io.WriteString(w, out.String())
	return err
}

// counted says how often services were dark, and what was broken.
func counted(r checker.Result) string {
	blips := 0
	for i := range r.Outages {
		if r.Outages[i].Blip {
			blips++
		}
	}
	return plural(len(r.Outages)-blips, "outage") + ", " + plural(blips, "blip") + ", " + plural(len(r.Violations), "violation")
}

func writeVerdict(out *strings.Builder, subject string, r checker.Result, p paint) {
	fmt.Fprintf(out, "%s  %s: %s and %s judged, %s\n", p.verdict(r.Verdict), subject, plural(r.Operations, "operation"), plural(r.Probes, "probe"), counted(r))
	for _, v := range r.Violations {
		fmt.Fprintf(out, "  %s at %s: %s\n", v.Check, words.Instant(v.At), v.Message)
		for _, d := range v.Details {
			fmt.Fprintf(out, "      %s\n", d)
		}
	}
}

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
