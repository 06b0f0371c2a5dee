package drill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"firedrill/checker"
	"firedrill/checker/history/wholefile"
	"firedrill/checker/words"
	"firedrill/reports"
	"firedrill/scenarios"
)

// soakFile is where a soak keeps how far it has come, below the folder of its results. It appears only when it is whole,
// after every round, so that a soak that was killed goes on from the end of its last round.
const soakFile = "soak.json"

// soak is a run that goes on drawing seeds until a time is over.
type soak struct {
	o     *RunOptions
	t     Terminal
	suite *Suite
	given []scenarios.Chosen // the scenarios as they were given; those of the suite lean
	state *soakState
}

// Soak plays scenarios seed by seed until the time is over: rounds of a few seeds each, of which every one leans towards
// what those before have not met.
func (o *RunOptions) soak(ctx context.Context, t Terminal) error {
	switch {
	case o.For < 0:
		return fmt.Errorf("--for %v: it takes a time such as 2h", o.For)
	case o.World != scenarios.WorldSim:
		return errors.New("--for: only the simulator plays seed after seed; runs on containers are too dear for that")
	case o.Shard != "":
		return errors.New("--for and --shard: give each machine a first seed of its own instead, such as --seeds 1000000")
	}
	suite, err := o.suite(ctx, t)
	if err != nil {
		return err
	}
	s := &soak{o: o, t: t, suite: suite, given: suite.Scenarios}
	if err := s.begin(); err != nil {
		return err
	}
	err = s.play(ctx)
	interrupted := errors.Is(err, context.Canceled)
	if err != nil && !interrupted {
		return err
	}
	if err := s.report(); err != nil {
		return err
	}
	switch {
	case interrupted:
		return Ended{StatusInterrupted, fmt.Sprintf("interrupted after %s of %v; the same command goes on from there", words.Plural(s.state.Runs, "run"), o.For)}
	case s.state.Failed > 0:
		return errBroken
	}
	return nil
}

// begin takes up what an earlier process left, or starts anew.
func (s *soak) begin() error {
	digest, err := s.digest()
	if err != nil {
		return err
	}
	path := filepath.Join(s.o.Out, soakFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		s.state = &soakState{Version: soakVersion, Build: build(), Scenarios: digest, Next: s.suite.Seeds[0]}
		return clearHistories(s.o.Out)
	}
	if err != nil {
		return err
	}
	s.state = new(soakState)
	if err := json.Unmarshal(data, s.state); err != nil || s.state.Version != soakVersion {
		return fmt.Errorf("%s: it is no state of a soak that this build reads; remove it, or choose another --out", path)
	}
	if s.state.Scenarios != digest || s.state.Build != build() {
		return fmt.Errorf("%s: it is the state of a soak of other scenarios, seeds or another build; remove it, or choose another --out", path)
	}
	fmt.Fprintf(s.t.Err, "goes on after %s, at seed %d\n", words.Plural(s.state.Runs, "run"), s.state.Next)
	return nil
}

// digest tells soaks of other scenarios and first seeds apart.
func (s *soak) digest() (string, error) {
	text := []string{fmt.Sprintf("from seed %d", s.suite.Seeds[0])}
	for _, c := range s.given {
		text = append(text, c.Name+" "+reports.Describe(c.Scenario, c.Argument).Digest)
	}
	return strings.Join(text, ", "), nil
}

// seedsOfRound is so many that no worker idles for long, and a round is short: what is lost by a kill.
func (s *soak) seedsOfRound() int { return max(1, 4*s.suite.Workers/len(s.given)) }

func (s *soak) play(ctx context.Context) error {
	live := newProgress(s.t.Err)
	defer live.endSoak()
	for began := time.Now(); s.state.Elapsed < s.o.For; {
		if err := s.round(ctx); err != nil {
			return err
		}
		s.state.Elapsed += time.Since(began)
		began = time.Now()
		if err := s.save(); err != nil {
			return err
		}
		live.soak(s.state, s.o.For)
	}
	return nil
}

// round plays the next seeds. If it is interrupted nothing of it counts, so that it can be played as a whole.
func (s *soak) round(ctx context.Context) error {
	s.suite.Scenarios = nil
	for _, c := range s.given {
		leaned, err := leanOf(c, s.state.met(c.Name), s.o.Out)
		if err != nil {
			return err
		}
		s.suite.Scenarios = append(s.suite.Scenarios, leaned)
	}
	s.suite.Seeds = nil
	for i := range s.seedsOfRound() {
		s.suite.Seeds = append(s.suite.Seeds, s.state.Next+uint64(i))
	}
	jobs, err := s.suite.jobs()
	if err != nil {
		return err
	}
	results := make([]checker.Result, len(jobs))
	err = s.suite.play(ctx, jobs, func(i int, r played) { results[i] = r.Result })
	if err != nil {
		return err
	}
	for i := range results {
		if jobs[i].File != s.argument(jobs[i].name) {
			results[i].Argument = jobs[i].File
		}
	}
	if err := s.suite.again(ctx, jobs, results, s.state.news(results), &Unkept{}); err != nil {
		return err
	}
	for i := range results {
		s.state.add(&results[i], sampleOf(len(s.given)))
	}
	s.state.Next += uint64(len(s.suite.Seeds))
	return nil
}

// sampleOf is how many runs of each of so many scenarios are kept whole.
func sampleOf(given int) int { return max(20, 2000/given) }

func (s *soak) argument(name string) string {
	i := slices.IndexFunc(s.given, func(c scenarios.Chosen) bool { return c.Name == name })
	return s.given[i].Argument
}

func (s *soak) save() error {
	return wholefile.Write(filepath.Join(s.o.Out, soakFile), func(w io.Writer) error { return json.NewEncoder(w).Encode(s.state) })
}

// report reports a sample of the runs, with what all of them came to.
func (s *soak) report() error {
	results := &reports.Results{Build: build(), Runs: s.state.sample(), Soak: s.state.summary()}
	for _, c := range s.given {
		about := reports.Describe(c.Scenario, c.Argument)
		about.Place = place(c)
		results.Scenarios = append(results.Scenarios, about)
	}
	return tell(s.t, s.o.Out, results, s.o.JSON)
}
