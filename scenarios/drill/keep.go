package drill

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"firedrill/checker"
	"firedrill/checker/history"
	"firedrill/reports"
)

// keptFailures is how many failing histories of one scenario are kept: they tend to tell one story.
const keptFailures = 3

// Unkept is the error of a suite whose results are complete, but of which some histories could not be written.
type Unkept struct{ Problems []string }

func (u *Unkept) Error() string {
	text := u.Problems[0]
	if more := len(u.Problems) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// keep plays the runs again that are worth a history. The results hold what the first time gave; a run that
// comes out otherwise is an error of the worst kind, and its result says so. Failures go first, and are kept although
// somebody interrupts: they are what the suite is played for.
func (s *Suite) keep(ctx context.Context, jobs []job, results []checker.Result) error {
	var failures, others []int
	for _, i := range worthKeeping(results) {
		if results[i].Verdict == checker.Fail {
			failures = append(failures, i)
		} else {
			others = append(others, i)
		}
	}
	if ctx.Err() != nil && len(failures) > 0 && s.Keeping != nil {
		s.Keeping(len(failures))
	}
	lost := &Unkept{}
	err := s.again(context.WithoutCancel(ctx), jobs, results, failures, lost)
	if err == nil && ctx.Err() == nil {
		err = s.again(ctx, jobs, results, others, lost)
	}
	if err == nil {
		return lost.problem()
	}
	return err
}

// note remembers that the history of a run could not be kept.
func (u *Unkept) note(r *played) {
	if r.Unkept != "" {
		u.Problems = append(u.Problems, fmt.Sprintf("the history of %s, seed %d, could not be kept: %s", r.Scenario, r.Seed, strings.TrimSpace(r.Unkept)))
	}
}

// problem is the error, if there is one.
func (u *Unkept) problem() error {
	if len(u.Problems) == 0 {
		return nil
	}
	slices.Sort(u.Problems)
	return u
}

// again plays some of the runs a second time, and keeps their histories.
func (s *Suite) again(ctx context.Context, jobs []job, results []checker.Result, which []int, lost *Unkept) error {
	second := make([]job, len(which))
	for n, i := range which {
		second[n] = jobs[i]
		second[n].Keep = s.Keep(results[i].Scenario, results[i].Seed)
	}
	return s.play(ctx, second, func(n int, r played) {
		first := &results[which[n]]
		switch {
		case r.crashed:
			v := r.Violations[0]
			v.Message = "it was played a second time, to keep its history, and broke: " + v.Message
			first.Verdict, first.Violations = checker.Error, append(first.Violations, v)
		case r.TraceHash != first.TraceHash || r.Verdict != first.Verdict:
			first.Verdict = checker.Error
			first.Violations = append(first.Violations, checker.Violation{
				Check:   checkDeterministic,
				Message: fmt.Sprintf("the same plan and seed played differently a second time: trace %s, then %s", first.TraceHash, r.TraceHash),
			})
		default:
			lost.note(&r)
		}
	})
}

// keepHistory writes a history and, where it is not linearizable, Porcupine's picture of it beside it.
func keepHistory(h *history.History, r checker.Result, path string) error {
	err := h.WriteFile(path)
	if err == nil && r.Broke(checker.CheckLinearizable) {
		err = checker.Visualize(h, reports.OperationsPicture(path))
	}
	return err
}

// worthKeeping picks, for each scenario, the runs with the longest outage of a virtual service and of the API, or
// the first run where there was none; and the first failures.
func worthKeeping(results []checker.Result) []int {
	var out []int
	for start := 0; start < len(results); {
		end := start
		for end < len(results) && results[end].Scenario == results[start].Scenario {
			end++
		}
		out = append(out, worthKeepingOf(results[start:end], start)...)
		start = end
	}
	return out
}

func worthKeepingOf(results []checker.Result, offset int) []int {
	worst := map[bool]int{false: 0, true: 0} // by whether it is the API that was dark
	longest := map[bool]time.Duration{}
	var keep []int
	for i := range results {
		if results[i].Verdict == checker.Fail && len(keep) < keptFailures {
			keep = append(keep, i)
		}
		for _, o := range results[i].Outages {
			if api := o.Service == "api"; o.Duration > longest[api] {
				longest[api], worst[api] = o.Duration, i
			}
		}
	}
	keep = append(keep, worst[false], worst[true])
	slices.Sort(keep)
	keep = slices.Compact(keep)
	keep = slices.DeleteFunc(keep, func(i int) bool { return results[i].Verdict == checker.Error })
	for n := range keep {
		keep[n] += offset
	}
	return keep
}
