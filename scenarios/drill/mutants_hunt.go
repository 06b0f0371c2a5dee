package drill

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"

	"firedrill/checker"
	"firedrill/checker/mutants"
	"firedrill/reports"
	"firedrill/scenarios"
	"firedrill/scenarios/shrink"
	"firedrill/sim/pool"
)

// prey is a mutant, and what came of hunting it.
type prey struct {
	*mutants.Mutant
	catches []reports.Hunt // one for each start, up to the first at which it survived
}

// plant builds the program with a bug of the bank in it, and returns how its workers are started and what removes it.
func plant(ctx context.Context, m *mutants.Mutant, source string) (command []string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "firedrill-mutant-")
	if err != nil {
		return nil, nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) } // what is left in a folder for temporary files harms nobody
	program, err := m.Build(ctx, source, dir)
	if err != nil {
		remove()
		return nil, nil, err
	}
	return []string{program, WorkerVerb}, remove, nil
}

// one builds a mutant and hunts it from every start.
func (h *hunt) one(ctx context.Context, m *mutants.Mutant) (*prey, error) {
	command, remove, err := plant(ctx, m, h.Source)
	if err != nil {
		return nil, err
	}
	defer remove()
	p := &prey{Mutant: m}
	for start := range h.Starts {
		first := uint64(start*h.Seeds + 1)
		c, err := h.from(ctx, m, command, first)
		if err != nil {
			return nil, err
		}
		p.catches = append(p.catches, *c)
		if c.Scenario == "" {
			break // the other starts would only take longer to say the same
		}
	}
	if h.Shrink && p.catches[0].Scenario != "" {
		err = h.shrink(ctx, command, &p.catches[0])
	}
	return p, err
}

// shrink looks for the smallest plan that still shows the bug, and notes its size.
func (h *hunt) shrink(ctx context.Context, command []string, c *reports.Hunt) error {
	s, err := scenarios.Find(c.Scenario)
	if err != nil {
		return err
	}
	plan, err := scenarios.NewPlan(s, c.Seed)
	if err != nil {
		return err
	}
	l := &lab{ctx: ctx, seed: c.Seed, t: Terminal{Out: io.Discard, Err: io.Discard},
		pool:  pool.Pool{Command: command, Workers: 1, Patience: mutantPatience},
		sound: &pool.Pool{Command: h.self, Workers: 1, Patience: mutantPatience}}
	if l.wanted, err = l.diagnose(plan); err != nil {
		return err
	}
	small, err := shrink.Plan(plan, l.first)
	if err != nil {
		return err
	}
	c.Shrunk = &reports.Shrunk{From: reports.SizeOf(plan), To: reports.SizeOf(small), Runs: l.plays}
	return nil
}

// from plays seed by seed until a check fails: first the scenarios that should show the bug, then all others.
func (h *hunt) from(ctx context.Context, m *mutants.Mutant, command []string, first uint64) (*reports.Hunt, error) {
	parent := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	jobs := h.jobs(m, first)
	c := &reports.Hunt{First: first, Seeds: h.Seeds}
	var broken error
	p := pool.Pool{Command: command, Workers: 1, Patience: mutantPatience}
	err := p.Run(ctx, len(jobs), func(i int) any { return jobs[i] }, func(i int, message json.RawMessage, err error) {
		if c.Scenario != "" || broken != nil {
			return // of a run that had begun when the catch was made
		}
		caught := false
		if caught, broken = h.look(parent, c, jobs[i], message, err); caught || broken != nil {
			cancel()
		}
		if caught {
			c.Seeds = int(jobs[i].Seed-first) + 1
			if !slices.Contains(m.Scenarios, jobs[i].name) {
				c.Seeds += h.Seeds
			}
		}
	})
	switch {
	case broken != nil:
		return nil, broken
	case c.Scenario == "" && err != nil:
		return nil, err
	}
	return c, nil
}

// jobs is what there is to play, in order.
func (h *hunt) jobs(m *mutants.Mutant, first uint64) []job {
	others := slices.DeleteFunc(slices.Clone(h.names), func(n string) bool { return h.Named || slices.Contains(m.Scenarios, n) })
	var jobs []job
	for _, names := range [][]string{m.Scenarios, others} {
		for i := range h.Seeds {
			for _, n := range names {
				jobs = append(jobs, job{File: n, Scenario: h.texts[n], Seed: first + uint64(i), name: n})
			}
		}
	}
	return jobs
}

// look judges one run, and notes in c if it catches the mutant: a run that fails with the bug and holds without it.
func (h *hunt) look(ctx context.Context, c *reports.Hunt, j job, message json.RawMessage, err error) (caught bool, broken error) {
	r, err := outcome(message, err)
	if err != nil || r.Verdict == checker.Pass {
		return false, err
	}
	sound, err := h.sound(ctx, j)
	if err != nil {
		return false, err
	}
	if !sound {
		c.Unsound = append(c.Unsound, replayOf(j.name, j.Seed))
		return false, nil
	}
	c.Scenario, c.Seed, c.Message = j.name, j.Seed, r.Violations[0].Message
	for _, v := range r.Violations {
		if !slices.Contains(c.Checks, v.Check) {
			c.Checks = append(c.Checks, v.Check)
		}
	}
	return true, nil
}

// sound tells whether the run holds without the bug.
func (h *hunt) sound(ctx context.Context, j job) (bool, error) {
	var r checker.Result
	var broken error
	p := pool.Pool{Command: h.self, Workers: 1, Patience: mutantPatience}
	err := p.Run(ctx, 1, func(int) any { return j }, func(_ int, message json.RawMessage, err error) {
		r, broken = outcome(message, err)
	})
	return r.Verdict == checker.Pass, errors.Join(err, broken)
}

// outcome reads the result of a run; a worker that died or hung has one, too.
func outcome(message json.RawMessage, err error) (r checker.Result, _ error) {
	var crash *pool.Crash
	if errors.As(err, &crash) {
		return checker.Result{Verdict: checker.Error, Violations: []checker.Violation{{Check: mutants.RunCheck, Message: crash.Why}}}, nil
	}
	if err == nil {
		err = json.Unmarshal(message, &r)
	}
	return r, err
}
