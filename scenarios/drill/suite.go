package drill

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"firedrill/checker"
	"firedrill/real"
	"firedrill/reports"
	"firedrill/scenarios"
	"firedrill/sim/pool"
)

// Suite is scenarios to be played for seeds, in worker processes.
type Suite struct {
	Scenarios []scenarios.Chosen
	Seeds     []uint64
	Shard     *reports.Shard                                   // the part to play; nil: everything
	Docker    *real.Docker                                     // plays on containers; nil: the simulator does, in worker processes
	Workers   int                                              // processes, or runs on containers, at once
	Command   []string                                         // starts a worker that calls [Work]
	Patience  time.Duration                                    // real time that one run may take
	Keep      func(scenario string, seed uint64) (path string) // where a history that is kept goes; nil: none is
	Progress  func(Progress)
	Keeping   func(failures int) // is told when an interrupted suite goes on to keep its failures; may be nil

	miscounted int // networks that stay behind, see [real.Docker.Close]
}

// Progress is how far a suite has come.
type Progress struct {
	Done, Total, Failed int
	Simulated           time.Duration
}

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
// that failed. They are played anew for it, in other processes, and must come out the same. Of runs on containers, which
// never come out the same, all are kept. Where some cannot be written, the error is an [Unkept], and the results are as
// good as ever.
//
// When ctx is cancelled, what was finished is returned along with the context's error; the failures among it are kept.
func (s *Suite) Run(ctx context.Context) ([]checker.Result, error) {
	jobs, err := s.jobs()
	if err != nil {
		return nil, err
	}
	results := make([]*checker.Result, len(jobs))
	progress := Progress{Total: len(jobs)}
	lost := &Unkept{}
	err = s.play(ctx, jobs, func(i int, r played) {
		results[i] = &r.Result
		lost.note(&r)
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
	var finished []job
	for i, r := range results {
		if r != nil {
			done, finished = append(done, *r), append(finished, jobs[i])
		}
	}
	switch {
	case err == nil && s.Docker != nil:
		return done, lost.problem()
	case s.Docker != nil, s.Keep == nil, err != nil && !errors.Is(err, context.Canceled):
		return done, err
	}
	return done, errors.Join(err, s.keep(ctx, finished, done))
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

// missing counts for each scenario the runs that were to be played and were not.
func (s *Suite) missing(runs []checker.Result) (map[string]int, error) {
	jobs, err := s.jobs()
	if err != nil {
		return nil, err
	}
	out := make(map[string]int)
	for _, j := range jobs {
		out[j.name]++
	}
	for i := range runs {
		out[runs[i].Scenario]--
	}
	return out, nil
}

// play runs the jobs, over worker processes or on containers, and hands on each result.
func (s *Suite) play(ctx context.Context, jobs []job, done func(i int, r played)) error {
	if s.Docker != nil {
		return s.playContainers(ctx, jobs, done)
	}
	p := pool.Pool{Command: s.Command, Workers: s.Workers, Patience: s.Patience}
	var failed error
	err := p.Run(ctx, len(jobs), func(i int) any { return jobs[i] }, func(i int, message json.RawMessage, err error) {
		var r played
		if err == nil {
			err = json.Unmarshal(message, &r)
		}
		var crash *pool.Crash
		switch {
		case errors.As(err, &crash):
			r = played{Result: broken(jobs[i], scenarios.WorldSim, crash.Why, crash.Stack), crashed: true}
		case err != nil:
			failed = errors.Join(failed, err)
			return
		}
		done(i, r)
	})
	return errors.Join(err, failed)
}

// broken is the result of a run that has none, with what was heard of it last.
func broken(j job, world, why, last string) checker.Result {
	v := checker.Violation{Check: checkRun, Message: why}
	if last != "" {
		v.Details = strings.Split(strings.TrimRight(last, "\n"), "\n")
	}
	return checker.Result{
		Scenario: j.name, World: world, Seed: j.Seed, Verdict: checker.Error,
		Violations: []checker.Violation{v}, Outages: []checker.Outage{},
	}
}
