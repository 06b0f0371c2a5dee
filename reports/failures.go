package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"firedrill/checker"
)

// A page with more than this is not read but searched, and for that there is results.json.
const (
	maxFailures   = 100 // runs
	maxViolations = 8   // of a run
	maxDetails    = 400 // lines of a violation; a stack is longer than a list of events
)

// failure is a run that did not hold.
type failure struct {
	ID, Label  string // of the scenario
	Seed       uint64
	Verdict    checker.Verdict
	Replay     string
	History    string // a path, or nothing
	NoHistory  string // why there is none
	Picture    string // of the operations: a path, or nothing
	Violations []broken
	More       int // violations that are not listed
}

// broken is one violation.
type broken struct {
	Check, At, Message string
	Why                string // the only detail, short enough to be read at once
	Details            string
	DetailsName        string // of a list that opens
}

// failures lists the runs that did not hold. Where there are too many, every scenario keeps its first ones: the
// hundredth seed of one bug must not hide the first of another.
func failures(all []*group, o Options) (listed []failure, more int) {
	total, deepest := 0, 0
	for _, g := range all {
		total += len(g.failed)
		deepest = max(deepest, len(g.failed))
	}
	each := make([]int, len(all))
	left := maxFailures
	for depth := range deepest {
		for i, g := range all {
			if depth < len(g.failed) && left > 0 {
				each[i]++
				left--
			}
		}
	}
	for i, g := range all {
		kept := false // the history of a failure before this one
		for _, run := range g.failed[:each[i]] {
			f := newFailure(g, run, o)
			if f.History == "" && kept {
				f.NoHistory = "no history: only a scenario's first failures keep one; add --history FILE for this one's"
			}
			kept = kept || f.History != ""
			listed = append(listed, f)
		}
	}
	return listed, total - len(listed)
}

func newFailure(g *group, run *checker.Result, o Options) failure {
	f := failure{ID: g.id, Label: g.label(), Seed: run.Seed, Verdict: run.Verdict, Replay: replayCommand(o.Prefix, g.argument(), run), History: o.link(run)}
	if run.Broke(checker.CheckLinearizable) {
		f.Picture = o.linked(OperationsPicture(HistoryPath(run.World, run.Scenario, run.Seed)))
	}
	for i, v := range run.Violations {
		if i == maxViolations {
			f.More = len(run.Violations) - i
			break
		}
		f.Violations = append(f.Violations, newBroken(v, run.Verdict))
	}
	if len(run.Violations) == 0 {
		f.Violations = []broken{{Check: string(run.Verdict), Message: "the run says no more than that"}}
	}
	return f
}

func newBroken(v checker.Violation, verdict checker.Verdict) broken {
	b := broken{Check: v.Check, Message: v.Message, At: "at " + duration(v.At)}
	if verdict == checker.Error {
		b.At = ""
	}
	details := v.Details
	if extra := len(details) - maxDetails; extra > 0 {
		details = append(slices.Clone(details[:maxDetails]), fmt.Sprintf("and %d more lines in results.json", extra))
	}
	b.Details = strings.Join(details, "\n")
	switch {
	case len(details) == 0:
	case len(details) == 1:
		b.Why, b.Details = b.Details, ""
	case verdict == checker.Error:
		b.DetailsName = "Stack"
	default:
		b.DetailsName = count(len(v.Details)) + " events that show it"
	}
	return b
}

// link is the path of a run's history, if it is there.
func (o Options) link(run *checker.Result) string {
	return o.linked(HistoryPath(run.World, run.Scenario, run.Seed))
}

// linked is a path, if there is a file.
func (o Options) linked(path string) string {
	if o.Linked == nil || !o.Linked(path) {
		return ""
	}
	return path
}

// firstMessage is what a list with one line a run says.
func firstMessage(run *checker.Result) string {
	if len(run.Violations) == 0 {
		return string(run.Verdict)
	}
	v := run.Violations[0]
	text := cmp.Or(v.Check, string(run.Verdict)) + ": " + v.Message
	if more := len(run.Violations) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}
