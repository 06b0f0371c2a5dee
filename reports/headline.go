package reports

import (
	"fmt"
	"time"

	"firedrill/checker"
)

// tally counts scenarios. One that was played in both worlds is one scenario.
type tally struct {
	scenarios, both, bad, absent, partial int
	runs, failed                          []*checker.Result
	missing                               int // runs
}

func newTally(all []*group) tally {
	var t tally
	by := make(map[string][]*group)
	for _, g := range all {
		t.runs, t.failed = append(t.runs, g.runs...), append(t.failed, g.failed...)
		by[g.info.Name] = append(by[g.info.Name], g)
	}
	for _, worlds := range by {
		t.add(worlds)
	}
	return t
}

// add counts one scenario, by what it came to in each world.
func (t *tally) add(worlds []*group) {
	runs, failed := 0, 0
	for _, g := range worlds {
		runs, failed = runs+len(g.runs), failed+len(g.failed)
	}
	missing := worlds[0].info.Missing
	t.scenarios++
	t.missing += missing
	if len(worlds) > 1 {
		t.both++
	}
	switch {
	case runs == 0:
		t.absent++
	case missing > 0:
		t.partial++
	}
	if failed > 0 {
		t.bad++
	}
}

// headline is the answer to the first question.
func headline(all []*group) (checker.Verdict, string) {
	t := newTally(all)
	verdict := verdictOf(t.runs)
	if verdict == checker.Pass && t.missing > 0 {
		verdict = partlyRun
	}
	if len(t.runs) == 0 {
		return verdict, "Nothing was run."
	}
	text := t.outcome()
	if t.partial > 0 {
		text += fmt.Sprintf(" %s played in part only.", plural(t.partial, "scenario"))
	}
	if t.absent > 0 {
		text += fmt.Sprintf(" %s not run.", plural(t.absent, "scenario"))
	}
	if t.missing > 0 {
		text += fmt.Sprintf(" %s missing.", plural(t.missing, "run"))
	}
	return verdict, text
}

// outcome says how many of those that were played held.
func (t tally) outcome() string {
	switch whole := t.scenarios - t.absent - t.partial; {
	case len(t.failed) > 0:
		return fmt.Sprintf("%d of %s, %d of %s did not hold.", t.bad, plural(t.scenarios-t.absent, "scenario"), len(t.failed), plural(len(t.runs), "run"))
	case t.partial > 0:
		return fmt.Sprintf("What was played held: %s.", plural(len(t.runs), "run"))
	case whole == 1:
		return fmt.Sprintf("1 scenario held in %s.", plural(len(t.runs), "run"))
	default:
		return fmt.Sprintf("All %s held in %s.", plural(whole, "scenario"), plural(len(t.runs), "run"))
	}
}

// played says how many scenarios there are, and how many of them were played in both worlds.
func (t tally) played() string {
	text := plural(t.scenarios, "scenario")
	if t.both > 0 {
		text += fmt.Sprintf(", %d of them in both worlds", t.both)
	}
	return text
}

// facts are the counts without which no verdict means anything.
func facts(r *Results, all []*group) []string {
	var simulated time.Duration
	var operations, probes, outages, blips int
	var events uint64
	seeds := make(map[uint64]bool)
	for i := range r.Runs {
		run := &r.Runs[i]
		simulated += run.Simulated
		operations += run.Operations
		probes += run.Probes
		for j := range run.Outages {
			if run.Outages[j].Blip {
				blips++
			} else {
				outages++
			}
		}
		events += run.Events
		seeds[run.Seed] = true
	}
	out := []string{
		newTally(all).played(), plural(len(seeds), "seed"), plural(len(r.Runs), "run"), duration(simulated) + " by the world's clock",
		plural(operations, "operation") + " checked", plural(probes, "probe"), plural(outages, "outage"), plural(blips, "blip"),
	}
	if events > 0 {
		out = append(out, count(events)+" events")
	}
	if r.Shard != nil {
		out = append(out, "shard "+r.Shard.String())
	}
	return out
}
