package drill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"firedrill/checker/history/wholefile"
	"firedrill/reports"
	"firedrill/scenarios"
)

// SweepOptions is what `firedrill sweep` is told.
type SweepOptions struct {
	Argument string
	Set      []string // PATH=V1,V2
	Seeds    string
	Jobs     int
	Out      string
	Patience time.Duration
	JSON     bool
}

// Sweep plays a scenario with every combination of some settings, and shows what each costs: failover time against
// failovers without a cause. What the scenario expects is not the question; a broken promise of safety is.
func Sweep(ctx context.Context, t Terminal, o SweepOptions) error {
	run := RunOptions{Arguments: []string{o.Argument}, Seeds: o.Seeds, World: scenarios.WorldSim, Jobs: o.Jobs, Patience: o.Patience}
	suite, err := run.suite(ctx, t)
	if err != nil {
		return err
	}
	s, err := o.vary(suite)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return err
	}
	live := newProgress(t.Err)
	suite.Progress = live.show
	runs, err := suite.Run(ctx)
	live.end()
	if errors.Is(err, context.Canceled) {
		return Ended{StatusInterrupted, "interrupted; a sweep shows all combinations or none"}
	}
	if err != nil {
		return err
	}
	for i := range s.Combinations { // runs come back in the order in which they were asked for
		s.Combinations[i].Measure(runs[i*len(suite.Seeds) : (i+1)*len(suite.Seeds)])
	}
	s.Rank()
	if err := o.report(t, s); err != nil {
		return err
	}
	if !s.Safe() {
		return errBroken
	}
	return nil
}

// vary makes of the suite's one scenario as many as there are combinations, and names them for the reader.
func (o *SweepOptions) vary(suite *Suite) (*reports.Sweep, error) {
	var settings []setting
	out := &reports.Sweep{Version: reports.SweepVersion, Build: build(), Scenario: suite.Scenarios[0].Name, Seeds: o.Seeds}
	for _, text := range o.Set {
		one, err := parseSetting(text)
		if err != nil {
			return nil, err
		}
		settings = append(settings, one)
		out.Settings = append(out.Settings, one.path)
	}
	if len(settings) == 0 {
		return nil, errors.New("nothing to vary; name it, such as --set timers.dp_hb_frequency=50ms,100ms")
	}
	all, err := combinations(settings)
	if err != nil {
		return nil, err
	}
	base := suite.Scenarios[0]
	suite.Scenarios, suite.Keep = nil, nil
	for _, values := range all {
		changed, err := apply(base.Scenario, settings, values)
		if err != nil {
			return nil, err
		}
		suite.Scenarios = append(suite.Scenarios, scenarios.Chosen{Scenario: changed, Argument: base.Argument})
		out.Combinations = append(out.Combinations, reports.Combination{Values: values})
	}
	return out, nil
}

func (o *SweepOptions) report(t Terminal, s *reports.Sweep) error {
	html := filepath.Join(o.Out, reports.SweepHTMLFile)
	if err := wholefile.Write(html, s.WriteHTML); err != nil {
		return err
	}
	write := func(w io.Writer) error { return printJSON(w, s) }
	if err := wholefile.Write(filepath.Join(o.Out, reports.SweepFile), write); err != nil {
		return err
	}
	if o.JSON {
		return write(t.Out)
	}
	if err := s.WriteText(t.Out, colour(t.Out)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.Out, "The chart is %s\n", html)
	return err
}
