package reports

import (
	"fmt"
	"slices"
	"time"

	"firedrill/checker"
	"firedrill/checker/history"
)

// maxStrips is how many services a strip shows; the dark ones go first.
const maxStrips = 30

// strip is the availability of every service over one run: a row a service, marked where it was dark.
type strip struct {
	Seed   uint64
	Rows   []stripRow
	Blows  []span // when faults were in force, where a history tells
	To     string
	More   int // services that are not shown; none of them was dark, if there is room for all that were
	Failed bool
}

type stripRow struct {
	Service string
	Dark    []span
	Total   string
}

// span is a time as a part of the run, in percent.
type span struct {
	Left, Width float64
	Title       string
}

func newStrip(g *group, run *checker.Result, h *history.History) *strip {
	if run.Simulated <= 0 {
		return nil
	}
	s := &strip{Seed: run.Seed, To: duration(run.Simulated), Failed: run.Verdict != checker.Pass}
	for _, service := range g.watched(run) {
		row := stripRow{Service: service}
		total := time.Duration(0)
		for i := range run.Outages {
			if o := &run.Outages[i]; o.Service == service {
				total += o.Duration
				row.Dark = append(row.Dark, spanOf(o.Start, o.Start+o.Duration, run.Simulated, fmt.Sprintf("%s dark for %s from %s on", service, duration(o.Duration), duration(o.Start))))
			}
		}
		row.Total = "never dark"
		if total > 0 {
			row.Total = duration(total)
		}
		s.Rows = append(s.Rows, row)
	}
	slices.SortStableFunc(s.Rows, func(a, b stripRow) int { return min(1, len(b.Dark)) - min(1, len(a.Dark)) })
	if extra := len(s.Rows) - maxStrips; extra > 0 {
		s.Rows, s.More = s.Rows[:maxStrips], extra
	}
	if h != nil {
		s.Blows = blows(h, run.Simulated)
	}
	return s
}

// watched lists the services of a scenario, those of its groups first, and whatever else was dark.
func (g *group) watched(run *checker.Result) []string {
	var out []string
	for _, group := range g.info.Groups {
		out = append(out, group.Services...)
	}
	for i := range run.Outages {
		out = append(out, run.Outages[i].Service)
	}
	var once []string
	for _, service := range append(out, api) {
		if !slices.Contains(once, service) {
			once = append(once, service)
		}
	}
	return once
}

// blows are the times from the beginning of each fault to its end, or the end of the run.
func blows(h *history.History, length time.Duration) []span {
	var out []span
	for i := range h.Events {
		begin := &h.Events[i]
		if begin.Type != history.Fault || begin.Phase != history.Begin {
			continue
		}
		to := length
		for j := range h.Events[i:] {
			if end := &h.Events[i+j]; end.Type == history.Fault && end.Phase == history.Finish && end.Step == begin.Step {
				to = time.Duration(end.Time)
				break
			}
		}
		out = append(out, spanOf(time.Duration(begin.Time), to, length, faultText(begin)))
	}
	return out
}

func spanOf(from, to, length time.Duration, title string) span {
	percent := func(t time.Duration) float64 {
		return float64(int(1e4*float64(max(0, min(t, length)))/float64(length)+0.5)) / 100
	}
	left := percent(from)
	return span{Left: left, Width: max(0, float64(int(100*(percent(to)-left)+0.5))/100), Title: title}
}
