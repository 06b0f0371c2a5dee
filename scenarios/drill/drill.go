// Package drill is the straight road from a scenario to a verdict: plan, play, judge. It is where scenarios,
// worlds and the checker meet; none of them knows this package.
package drill

import (
	"fmt"

	"firedrill/checker"
	"firedrill/checker/history"
	"firedrill/scenarios"
	"firedrill/sim"
)

// Play plays a scenario for one seed in the simulator, in this process, and judges what happened. It fails
// when the scenario cannot be planned or played; a run that breaks a promise is no error but a result.
// It must not run twice at the same time in one process: see [sim.Play].
func Play(s *scenarios.Scenario, seed uint64, opt sim.Options) (checker.Result, *history.History, error) {
	r, run, err := simulate(s, seed, opt)
	if err != nil {
		return r, nil, err
	}
	return r, run.History, nil
}

// simulate is [Play], with all that the simulator leaves.
func simulate(s *scenarios.Scenario, seed uint64, opt sim.Options) (checker.Result, *sim.Run, error) {
	plan, err := scenarios.NewPlan(s, seed)
	if err != nil {
		return checker.Result{}, nil, err
	}
	run, err := sim.Play(plan, seed, opt)
	if err != nil {
		return checker.Result{}, nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	r := checker.Judge(run.History)
	r.TraceHash, r.Events = run.TraceHash, run.Events
	return r, run, nil
}
