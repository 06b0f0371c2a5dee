package reports

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"firedrill/checker"
)

// Soak is what all runs of a soak came to, of which the results hold a sample only.
type Soak struct {
	Elapsed   time.Duration `json:"elapsed"` // real time
	Simulated time.Duration `json:"simulated"`
	Runs      int           `json:"runs"`
	Failed    int           `json:"failed"`
	Failures  []SoakFailure `json:"failures"` // each kind once
	Unlisted  int           `json:"unlisted"` // failed runs of kinds for which there was no room
	Met       []checker.Met `json:"met"`      // which faults met which states
}

// SoakFailure is one kind of failure: runs of one scenario that broke one check, and in the same words but for numbers.
type SoakFailure struct {
	Check string         `json:"check"`
	Cause string         `json:"cause"`
	Count int            `json:"count"`
	First checker.Result `json:"first"`
}

// soakRow is a kind of failure in the report.
type soakRow struct {
	Count, Scenario, Check, Message, Replay string
}

func (r *Results) soakRows(prefix string) []soakRow {
	var rows []soakRow
	if r.Soak == nil {
		return nil
	}
	for i := range r.Soak.Failures {
		f := &r.Soak.Failures[i]
		s := r.scenario(f.First.Scenario)
		rows = append(rows, soakRow{count(f.Count), f.First.Scenario, f.Check, firstMessage(&f.First), replayCommand(prefix, cmp.Or(s.Argument, s.Name), &f.First)})
	}
	return rows
}

// headline says how much was played, and of how much of it the rest of a report speaks.
func (s *Soak) headline(shown int) string {
	text := fmt.Sprintf("%s in %v, %v simulated, %s failed", plural(s.Runs, "run"), s.Elapsed.Round(time.Second), s.Simulated.Round(time.Second), count(s.Failed))
	if shown < s.Runs {
		text += fmt.Sprintf("; shown are %s: a sample by lot, the first of each kind of failure, and the longest outage of each scenario", count(shown))
	}
	return text + "."
}

// writeSoak tells it on a terminal.
func writeSoak(w io.Writer, r *Results, prefix string) error {
	if r.Soak == nil {
		return nil
	}
	if _, err := fmt.Fprintf(w, "Soak: %s\n", r.Soak.headline(len(r.Runs))); err != nil {
		return err
	}
	for _, row := range r.soakRows(prefix) {
		if _, err := fmt.Fprintf(w, "  %s times: %s, %s\n    %s\n", row.Count, row.Scenario, row.Message, row.Replay); err != nil {
			return err
		}
	}
	return nil
}
