package drill

import (
	"context"
	"errors"
	"io"

	"firedrill/checker"
	"firedrill/checker/history"
	"firedrill/checker/history/wholefile"
	"firedrill/real"
	"firedrill/reports"
	"firedrill/scenarios"
	"firedrill/sim"
)

// ReplayOptions is what `firedrill replay` is told. The files are written if named.
type ReplayOptions struct {
	Argument             string
	Seed                 uint64
	World                string
	Machine              string // file with the profile of a machine; empty: none
	Trace, History, Plan string
	JSON                 bool
}

// Replay plays one run again and tells what happened.
func Replay(ctx context.Context, t Terminal, o ReplayOptions) error {
	if err := checkWorld(o.World); err != nil {
		return err
	}
	chosen, err := scenarios.Choose([]string{o.Argument})
	if err != nil {
		return err
	}
	s := chosen[0].Scenario
	if o.Trace != "" && o.World != scenarios.WorldSim {
		return errors.New("--trace: only the simulator leaves a trace; a run on containers leaves its --history")
	}
	if err := plays(s, o.World); err != nil {
		return err
	}
	on, err := machine(o.Machine, o.World)
	if err != nil {
		return err
	}
	if on != nil {
		s = s.On(on)
	}
	if o.Plan != "" {
		if err := writePlan(o.Plan, s, o.Seed); err != nil {
			return err
		}
	}
	var result checker.Result
	play := func(trace io.Writer) error {
		r, h, err := o.play(ctx, s, trace)
		if err != nil {
			return err
		}
		result = r
		if o.History != "" {
			if err := h.WriteFile(o.History); err != nil {
				return err
			}
		}
		if o.JSON {
			return printJSON(t.Out, r)
		}
		return reports.Narrate(t.Out, h, r, colour(t.Out))
	}
	if o.Trace == "" {
		err = play(nil)
	} else {
		err = wholefile.Write(o.Trace, play)
	}
	if err == nil && result.Verdict != checker.Pass {
		err = errBroken
	}
	return err
}

// play plays the run in the world that was asked for. Containers leave no trace but their history.
func (o *ReplayOptions) play(ctx context.Context, s *scenarios.Scenario, trace io.Writer) (checker.Result, *history.History, error) {
	if o.World == scenarios.WorldSim {
		return Play(s, o.Seed, sim.Options{Trace: trace})
	}
	d, err := openForAll(ctx, []scenarios.Chosen{{Scenario: s}})
	if err != nil {
		return checker.Result{}, nil, err
	}
	r, h, err := PlayReal(ctx, d, s, o.Seed, real.Options{})
	return r, h, worldEnds(err)
}

func writePlan(path string, s *scenarios.Scenario, seed uint64) error {
	plan, err := scenarios.NewPlan(s, seed)
	if err != nil {
		return err
	}
	text, err := scenarios.Marshal(plan)
	if err != nil {
		return err
	}
	return wholefile.Write(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}
