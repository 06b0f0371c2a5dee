package drill

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"firedrill/checker"
	"firedrill/checker/history"
	"firedrill/checker/words"
	"firedrill/real"
	"firedrill/scenarios"
)

// openDocker finds the container engine; where there is none, the program ends with the status of that.
func openDocker(ctx context.Context) (*real.Docker, error) {
	d, err := real.Open(ctx)
	return d, worldEnds(err)
}

// worldEnds gives the error of a world that is not to be had its exit status.
func worldEnds(err error) error {
	if errors.As(err, new(real.Unavailable)) {
		return Ended{StatusUnavailable, err.Error()}
	}
	return err
}

// PlayReal plays a scenario for one seed on containers and judges what happened.
func PlayReal(ctx context.Context, d *real.Docker, s *scenarios.Scenario, seed uint64, opt real.Options) (checker.Result, *history.History, error) {
	plan, err := scenarios.NewPlan(s, seed)
	if err != nil {
		return checker.Result{}, nil, err
	}
	h, err := d.Play(ctx, plan, seed, opt)
	if err != nil {
		return checker.Result{}, nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	return checker.Judge(h), h, nil
}

// playContainers plays the jobs on containers, some at a time, and hands on each result. Every history is kept: no run can be
// played again. A run that breaks costs only itself; a world that is not to be had ends it all.
func (s *Suite) playContainers(ctx context.Context, jobs []job, done func(i int, r played)) error {
	var mu sync.Mutex
	err := eachOf(ctx, s.Workers, len(jobs), func(ctx context.Context, i int) error {
		r, err := s.playContainer(ctx, jobs[i])
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		done(i, r)
		return nil
	})
	miscounted, unclosed := s.Docker.Close()
	s.miscounted += miscounted
	return errors.Join(err, unclosed)
}

func (s *Suite) playContainer(ctx context.Context, j job) (played, error) {
	scenario, err := scenarios.Parse(j.File, []byte(j.Scenario))
	if err != nil {
		return played{}, err
	}
	patience := s.Patience + scenario.Duration.Std()
	within, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no result within %v", patience.Round(time.Second)))
	defer cancel()
	result, h, err := PlayReal(within, s.Docker, scenario, j.Seed, real.Options{})
	switch {
	case ctx.Err() != nil:
		return played{}, context.Cause(ctx)
	case errors.As(err, new(real.Unavailable)):
		return played{}, worldEnds(err)
	case err != nil:
		why, rest, _ := strings.Cut(err.Error(), "\n")
		return played{Result: broken(j, scenarios.WorldReal, why, rest), crashed: true}, nil
	}
	r := played{Result: result}
	if problem := keepHistory(h, result, s.Keep(result.Scenario, result.Seed)); problem != nil {
		r.Unkept = problem.Error()
	}
	return r, nil
}

// Down removes what live clusters and killed runs have left on this machine's container engine.
func Down(ctx context.Context, t Terminal) error {
	n, err := real.Down(ctx)
	if err != nil {
		return worldEnds(err)
	}
	_, err = fmt.Fprintf(t.Out, "removed %s\n", words.Plural(n, "container"))
	return err
}
