package drill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"firedrill/checker"
	"firedrill/reports"
	"firedrill/scenarios"
	"firedrill/sim/pool"
)

// Suite is scenarios to be played for seeds, in worker processes.
type Suite struct {
	Scenarios []scenarios.Chosen
	Seeds     []uint64
	Shard     *reports.Shard                                   // the part to play; nil: everything
	Workers   int                                              // processes at once
	Command   []string                                         // starts a worker that calls [Work]
	Patience  time.Duration                                    // real time that one run may take
	Keep      func(scenario string, seed uint64) (path string) // where a history that is kept goes; nil: none is
	Progress  func(Progress)
}

// Progress is how far a suite has come.
type Progress struct {
	Done, Total, Failed int
	Simulated           time.Duration
}

// keptFailures is how many failing histories of one scenario are kept: they tend to tell one story.
const keptFailures = 3

// checkRun is what a violation names when the run itself broke; checkDeterministic when it played differently
// the second time.
const (
	checkRun           = "run"
	checkDeterministic = "deterministic"
)

// Run plays everything and returns the results by scenario and seed, in the order asked for, whatever the
// number of workers. A run whose worker panics or hangs costs only itself: its verdict is [checker.Error].
//
// Histories are kept of the runs that people will want to look at: those with the worst outages, and the first
// that failed. They are played anew for it, in other processes, and must come out the same.
//
// When ctx is cancelled, what was finished is returned along with the context's error.
func (s *Suite) Run(ctx context.Context) ([]checker.Result, error) {
	jobs, err := s.jobs()
	if err != nil {
		return nil, err
	}
	results := make([]*checker.Result, len(jobs))
	progress := Progress{Total: len(jobs)}
	err = s.play(ctx, jobs, func(i int, r checker.Result) {
		results[i] = &r
		progress.Done++
		progress.Simulated += r.Simulated
		if r.Verdict != checker.Pass {
			progress.Failed++
		}
		if s.Progress != nil {
			s.Progress(progress)
		}
	})
	var done []checker.Result
	var played []job
	for i, r := range results {
		if r != nil {
			done, played = append(done, *r), append(played, jobs[i])
		}
	}
	if err != nil {
		return done, err
	}
	if s.Keep == nil {
		return done, nil
	}
	return done, s.keep(ctx, played, done)
}

// Size is how many runs there are to play.
func (s *Suite) Size() int { return len(shard(make([]job, len(s.Scenarios)*len(s.Seeds)), s.Shard)) }

func (s *Suite) jobs() ([]job, error) {
	var jobs []job
	for _, c := range s.Scenarios {
		text, err := scenarios.Marshal(c.Scenario)
		if err != nil {
			return nil, err
		}
		for _, seed := range s.Seeds {
			jobs = append(jobs, job{File: c.Argument, Scenario: string(text), Seed: seed, name: c.Name})
		}
	}
	return shard(jobs, s.Shard), nil
}

// play runs the jobs over worker processes and hands on each result.
func (s *Suite) play(ctx context.Context, jobs []job, done func(i int, r checker.Result)) error {
	p := pool.Pool{Command: s.Command, Workers: s.Workers, Patience: s.Patience}
	var broken error
	err := p.Run(ctx, len(jobs), func(i int) any { return jobs[i] }, func(i int, message json.RawMessage, err error) {
		var r checker.Result
		if err == nil {
			err = json.Unmarshal(message, &r)
		}
		var crash *pool.Crash
		switch {
		case errors.As(err, &crash):
			r = crashed(jobs[i], crash)
		case err != nil:
			broken = errors.Join(broken, err)
			return
		}
		done(i, r)
	})
	return errors.Join(err, broken)
}

// crashed is the result of a run that has none.
func crashed(j job, crash *pool.Crash) checker.Result {
	v := checker.Violation{Check: checkRun, Message: crash.Why}
	if crash.Stack != "" {
		v.Details = strings.Split(strings.TrimRight(crash.Stack, "\n"), "\n")
	}
	return checker.Result{
		Scenario: j.name, World: scenarios.WorldSim, Seed: j.Seed, Verdict: checker.Error,
		Violations: []checker.Violation{v}, Outages: []checker.Outage{},
	}
}

// keep plays the runs again that are worth a history. The results hold what the first time gave; a run that
// comes out otherwise is an error of the worst kind, and its result says so.
func (s *Suite) keep(ctx context.Context, jobs []job, results []checker.Result) error {
	which := worthKeeping(results)
	again := make([]job, len(which))
	for n, i := range which {
		again[n] = jobs[i]
		again[n].Keep = s.Keep(results[i].Scenario, results[i].Seed)
	}
	return s.play(ctx, again, func(n int, r checker.Result) {
		first := &results[which[n]]
		if r.TraceHash == first.TraceHash && r.Verdict == first.Verdict {
			return
		}
		first.Verdict = checker.Error
		first.Violations = append(first.Violations, checker.Violation{
			Check:   checkDeterministic,
			Message: fmt.Sprintf("the same plan and seed played differently a second time: trace %s, then %s", first.TraceHash, r.TraceHash),
		})
	})
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
