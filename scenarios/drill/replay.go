package drill

import (
	"io"

	"firedrill/checker"
	"firedrill/checker/history/wholefile"
	"firedrill/reports"
	"firedrill/scenarios"
	"firedrill/sim"
)

// ReplayOptions is what `firedrill replay` is told. The files are written if named.
type ReplayOptions struct {
	Argument             string
	Seed                 uint64
	World                string
	Trace, History, Plan string
	JSON                 bool
}

// Replay plays one run again and tells what happened.
func Replay(t Terminal, o ReplayOptions) error {
	if err := checkWorld(o.World); err != nil {
		return err
	}
	chosen, err := scenarios.Choose([]string{o.Argument})
	if err != nil {
		return err
	}
	s := chosen[0].Scenario
	if err := plays(s, o.World); err != nil {
		return err
	}
	if o.Plan != "" {
		if err := writePlan(o.Plan, s, o.Seed); err != nil {
			return err
		}
	}
	var result checker.Result
	play := func(trace io.Writer) error {
		r, h, err := Play(s, o.Seed, sim.Options{Trace: trace})
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
