package drill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"firedrill/checker"
	"firedrill/checker/words"
	"firedrill/real"
	"firedrill/reports"
	"firedrill/scenarios"
)

// WorkerVerb is the verb by which [Run] starts its workers, which call [Work].
const WorkerVerb = "worker"

// RunOptions is what `firedrill run` is told.
type RunOptions struct {
	Arguments []string // scenarios by name or file; none: the suite
	Seeds     string   // empty: as many as the world is quick at
	World     string
	Jobs      int
	Out       string
	Patience  time.Duration
	For       time.Duration // go on with seeds from the first of Seeds until this is over; 0: play Seeds
	Shard     string        // such as 2/4; empty: everything
	Machine   string        // file with the profile of the machine to simulate; empty: none
	JSON      bool
}

// Run plays scenarios for seeds, judges them and writes the report.
func Run(ctx context.Context, t Terminal, o RunOptions) error {
	if o.For != 0 {
		return o.soak(ctx, t)
	}
	suite, err := o.suite(ctx, t)
	if err != nil {
		return err
	}
	if err := clearHistories(o.Out); err != nil {
		return err
	}
	live := newProgress(t.Err)
	suite.Progress = live.show
	suite.Keeping = func(failures int) {
		live.end()
		fmt.Fprintf(t.Err, "interrupted; the history of %s is kept now, a second interrupt ends at once\n", words.Plural(failures, "failed run"))
	}
	runs, err := suite.Run(ctx)
	live.end()
	if suite.miscounted > 0 {
		fmt.Fprintf(t.Err, "left behind: %s that the container engine takes for used, though no container is on it; only its restart frees them\n",
			words.Plural(suite.miscounted, "network"))
	}
	interrupted := errors.Is(err, context.Canceled)
	var unkept *Unkept
	if err != nil && !interrupted && !errors.As(err, &unkept) {
		return err
	}
	if err := o.report(t, suite, runs); err != nil {
		return err
	}
	switch {
	case unkept != nil:
		return Ended{StatusUsage, unkept.Error()}
	case interrupted:
		return Ended{StatusInterrupted, fmt.Sprintf("interrupted; of %s, %d finished and reported", words.Plural(suite.Size(), "run"), len(runs))}
	case !allHeld(runs):
		return errBroken
	}
	return nil
}

// defaultSeeds are what is played where nothing is said. On containers every second of a run is one.
var defaultSeeds = map[string]string{scenarios.WorldSim: "1..10", scenarios.WorldReal: "1..3"}

func (o *RunOptions) suite(ctx context.Context, t Terminal) (*Suite, error) {
	if err := checkWorld(o.World); err != nil {
		return nil, err
	}
	if o.Jobs < 1 {
		return nil, fmt.Errorf("--jobs %d: at least 1 worker is needed", o.Jobs)
	}
	if o.Patience <= 0 {
		return nil, fmt.Errorf("--patience %v: it takes a time such as 2m", o.Patience)
	}
	o.Seeds = cmp.Or(o.Seeds, defaultSeeds[o.World])
	seeds, err := scenarios.ParseSeeds(o.Seeds)
	if err != nil {
		return nil, fmt.Errorf("--seeds: %w", err)
	}
	slices.Sort(seeds) // results are kept in this order, so that "the first failure" means the same everywhere
	part, err := parseShard(o.Shard, o.Seeds)
	if err != nil {
		return nil, err
	}
	chosen, err := o.choose(t)
	if err != nil {
		return nil, err
	}
	on, err := machine(o.Machine, o.World)
	if err != nil {
		return nil, err
	}
	if on != nil {
		for i := range chosen {
			chosen[i].Scenario = chosen[i].Scenario.On(on)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var docker *real.Docker
	if o.World == scenarios.WorldReal {
		if docker, err = openForAll(ctx, chosen); err != nil {
			return nil, err
		}
	}
	return &Suite{
		Scenarios: chosen, Seeds: seeds, Shard: part, Docker: docker,
		Workers: o.Jobs, Command: []string{self, WorkerVerb}, Patience: o.Patience,
		Keep: func(scenario string, seed uint64) string {
			return filepath.Join(o.Out, filepath.FromSlash(reports.HistoryPath(o.World, scenario, seed)))
		},
	}, nil
}

// choose finds the scenarios, and leaves out those of the suite that are not for the world.
func (o *RunOptions) choose(t Terminal) ([]scenarios.Chosen, error) {
	chosen, err := scenarios.Choose(o.Arguments)
	if err != nil {
		return nil, err
	}
	if len(o.Arguments) > 0 {
		for _, c := range chosen {
			if err := plays(c.Scenario, o.World); err != nil {
				return nil, err
			}
		}
		return chosen, nil
	}
	var skipped []string
	chosen = slices.DeleteFunc(chosen, func(c scenarios.Chosen) bool {
		err := plays(c.Scenario, o.World)
		if err != nil {
			skipped = append(skipped, c.Name)
		}
		return err != nil
	})
	if len(skipped) > 0 {
		fmt.Fprintf(t.Err, "skipped, as not for the world %s: %s\n", o.World, words.Plural(len(skipped), "scenario"))
	}
	return chosen, nil
}

// openForAll finds the container engine, once it is clear that all scenarios can be played there.
func openForAll(ctx context.Context, chosen []scenarios.Chosen) (*real.Docker, error) {
	for _, c := range chosen {
		if err := real.Playable(c.Scenario); err != nil {
			return nil, worldEnds(fmt.Errorf("scenario %s: %w", c.Name, err))
		}
	}
	return openDocker(ctx)
}

// plays refuses a scenario that is not for a world: it would prove nothing there.
func plays(s *scenarios.Scenario, world string) error {
	if slices.Contains(s.Worlds, world) {
		return nil
	}
	return Ended{StatusUnavailable, fmt.Sprintf("%s cannot be played in the world %s; it is for: %s", s.Name, world, strings.Join(s.Worlds, ", "))}
}

// checkWorld refuses worlds that there are not.
func checkWorld(world string) error {
	if world == scenarios.WorldSim || world == scenarios.WorldReal {
		return nil
	}
	return fmt.Errorf("--world %q is unknown; use sim or real", world)
}

// clearHistories makes the folder for the output and removes the histories of an earlier run from it.
func clearHistories(out string) error {
	dir := filepath.Join(out, filepath.Dir(filepath.FromSlash(reports.HistoryPath("sim", "x", 0))))
	history := filepath.Join(dir, "*.jsonl.zst")
	for _, pattern := range []string{history, reports.OperationsPicture(history)} {
		old, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, f := range old {
			if err := os.Remove(f); err != nil {
				return err
			}
		}
	}
	return os.MkdirAll(dir, 0o755)
}

// report writes the files and tells the user.
func (o *RunOptions) report(t Terminal, suite *Suite, runs []checker.Result) error {
	results := &reports.Results{Build: build(), Shard: suite.Shard, Runs: runs}
	for i := range runs {
		runs[i].On = o.Machine
	}
	if on := suite.Scenarios[0].Machine; on != nil && o.World == scenarios.WorldSim {
		results.Machine = on.Profile
	}
	missing, err := suite.missing(runs)
	if err != nil {
		return err
	}
	for _, c := range suite.Scenarios {
		about := reports.Describe(c.Scenario, c.Argument)
		about.Place = place(c)
		about.Missing = missing[c.Name]
		results.Scenarios = append(results.Scenarios, about)
	}
	return tell(t, o.Out, results, o.JSON)
}

// tell writes results and all that is made of them into a folder, and says what came of it.
func tell(t Terminal, out string, r *reports.Results, asJSON bool) error {
	in := reports.Input{Results: *r, Prefix: callName(), History: reports.Histories(out)}
	results, err := reports.Write(out, in)
	if err != nil {
		return err
	}
	if err := tellGitHub(t.Err, results, in.Prefix); err != nil {
		return err
	}
	if asJSON {
		data, err := os.ReadFile(filepath.Join(out, reports.ResultsFile))
		if err == nil {
			_, err = t.Out.Write(data)
		}
		return err
	}
	if err := reports.WriteSummary(t.Out, results, in.Prefix, colour(t.Out)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.Out, "The report is %s\n", filepath.Join(out, reports.HTMLFile))
	return err
}

func allHeld(runs []checker.Result) bool {
	for i := range runs {
		if runs[i].Verdict != checker.Pass {
			return false
		}
	}
	return true
}
