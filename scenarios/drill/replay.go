package drill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

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
	HTML                 string // the run as a page
	At                   string // a simulated time to look at instead, such as 31.2s
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
	if err := o.check(); err != nil {
		return err
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
	if o.At != "" {
		return o.look(t, s)
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

// check refuses what does not go together.
func (o *ReplayOptions) check() error {
	for _, flag := range []struct{ name, value string }{{"trace", o.Trace}, {"html", o.HTML}, {"at", o.At}} {
		if flag.value != "" && o.World != scenarios.WorldSim {
			return fmt.Errorf("--%s: only the simulator can look into its nodes; a run on containers leaves its --history", flag.name)
		}
	}
	if o.At != "" && (o.Trace != "" || o.HTML != "" || o.History != "") {
		return errors.New("--at shows one moment and ends there; leave out --trace, --html and --history")
	}
	return nil
}

// look plays the run up to a moment, and shows how everything stands then.
func (o *ReplayOptions) look(t Terminal, s *scenarios.Scenario) error {
	at, err := time.ParseDuration(o.At)
	if err != nil {
		return fmt.Errorf("--at %q: write a simulated time such as 31.2s", o.At)
	}
	plan, err := scenarios.NewPlan(s, o.Seed)
	if err != nil {
		return err
	}
	if length := plan.Duration.Std(); at < 0 || at > length {
		return fmt.Errorf("--at %v: the run lasts from 0s to %v", at, length)
	}
	scene, err := sim.Look(plan, o.Seed, at)
	if err != nil {
		return fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	if o.JSON {
		return printJSON(t.Out, scene)
	}
	return reports.WriteScene(t.Out, scene, colour(t.Out))
}

// play plays the run in the world that was asked for. Containers leave no trace but their history.
func (o *ReplayOptions) play(ctx context.Context, s *scenarios.Scenario, trace io.Writer) (checker.Result, *history.History, error) {
	if o.World == scenarios.WorldSim {
		r, run, err := simulate(s, o.Seed, sim.Options{Trace: trace, Film: o.HTML != ""})
		if err != nil {
			return r, nil, err
		}
		if o.HTML != "" {
			err = reports.WriteFilm(o.HTML, run.Film, r, run.History)
		}
		return r, run.History, err
	}
	d, err := openForAll(ctx, []scenarios.Chosen{{Scenario: s}})
	if err != nil {
		return checker.Result{}, nil, err
	}
	r, h, err := PlayReal(ctx, d, s, o.Seed, real.Options{})
	_, unclosed := d.Close()
	return r, h, errors.Join(worldEnds(err), unclosed)
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
