package drill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firedrill/checker"
	"firedrill/scenarios"
	"firedrill/sim"
	"firedrill/sim/pool"
)

// TestMain makes this test binary a worker where it is started as one: of the real kind, or of a kind that breaks.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 {
		os.Exit(m.Run())
	}
	switch os.Args[1] {
	case WorkerVerb:
		if err := Work(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
	case "worker-panics":
		_ = pool.Serve(os.Stdin, os.Stdout, panicOnSeed2)
	case "worker-forgets":
		_ = pool.Serve(os.Stdin, os.Stdout, otherHashWhenKept)
	case "worker-breaks-when-kept":
		_ = pool.Serve(os.Stdin, os.Stdout, panicWhenKept)
	case "worker-fails":
		_ = pool.Serve(os.Stdin, os.Stdout, failSlowly)
	default:
		os.Exit(m.Run())
	}
}

func panicOnSeed2(message json.RawMessage) (any, error) {
	var j job
	if err := json.Unmarshal(message, &j); err != nil {
		return nil, err
	}
	if j.Seed == 2 {
		panic("index out of range")
	}
	return checker.Result{Scenario: "follower-crash", Seed: j.Seed, Verdict: checker.Pass, TraceHash: "aa"}, nil
}

// otherHashWhenKept is a simulator that is not deterministic.
func otherHashWhenKept(message json.RawMessage) (any, error) {
	var j job
	if err := json.Unmarshal(message, &j); err != nil {
		return nil, err
	}
	return checker.Result{Scenario: "follower-crash", Seed: j.Seed, Verdict: checker.Pass, TraceHash: "aa" + j.Keep}, nil
}

// panicWhenKept plays well once.
func panicWhenKept(message json.RawMessage) (any, error) {
	var j job
	if err := json.Unmarshal(message, &j); err != nil {
		return nil, err
	}
	if j.Keep != "" {
		panic("out of memory")
	}
	return checker.Result{Scenario: j.File, Seed: j.Seed, Verdict: checker.Pass, TraceHash: "aa"}, nil
}

// failSlowly fails, and writes the history if it is to be kept.
func failSlowly(message json.RawMessage) (any, error) {
	var j job
	if err := json.Unmarshal(message, &j); err != nil {
		return nil, err
	}
	if j.Keep != "" {
		return checker.Result{Scenario: "follower-crash", Seed: j.Seed, Verdict: checker.Fail, TraceHash: "aa"}, os.WriteFile(j.Keep, nil, 0o644)
	}
	time.Sleep(10 * time.Millisecond)
	return checker.Result{Scenario: "follower-crash", Seed: j.Seed, Verdict: checker.Fail, TraceHash: "aa"}, nil
}

func newSuite(t *testing.T, verb string, workers int, seeds string, names ...string) *Suite {
	t.Helper()
	chosen, err := scenarios.Choose(names)
	if err != nil {
		t.Fatal(err)
	}
	list, err := scenarios.ParseSeeds(seeds)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return &Suite{
		Scenarios: chosen, Seeds: list, Workers: workers, Command: []string{os.Args[0], verb}, Patience: time.Minute,
		Keep: func(scenario string, _ uint64) string { return filepath.Join(dir, scenario+".jsonl.zst") },
	}
}

// TestWorkersDoNotCount plays the same runs with one worker and with three, and in this process.
func TestWorkersDoNotCount(t *testing.T) {
	names := []string{"leader-power-loss", "legacy-heartbeat-cut"}
	var all [][]checker.Result
	for _, workers := range []int{1, 3} {
		results, err := newSuite(t, WorkerVerb, workers, "1..4", names...).Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, results)
	}
	if diff := cmp.Diff(all[0], all[1]); diff != "" {
		t.Errorf("one worker and three differ:\n%s", diff)
	}
	s, err := scenarios.Find(names[0])
	if err != nil {
		t.Fatal(err)
	}
	for i, seed := range []uint64{1, 2, 3, 4} {
		h := playHere(t, s, seed)
		if all[0][i].TraceHash != h {
			t.Errorf("seed %d played as %s here and as %s in a worker", seed, h, all[0][i].TraceHash)
		}
	}
}

// TestCrashCostsOneSeed: the others are played, and the stack is kept.
func TestCrashCostsOneSeed(t *testing.T) {
	results, err := newSuite(t, "worker-panics", 2, "1..5", "follower-crash").Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		want := checker.Pass
		if r.Seed == 2 {
			want = checker.Error
		}
		if r.Verdict != want {
			t.Errorf("seed %d: %s, want %s", r.Seed, r.Verdict, want)
		}
	}
	v := results[1].Violations
	if len(v) != 1 || v[0].Check != checkRun || !strings.Contains(v[0].Message, "index out of range") ||
		!slices.ContainsFunc(v[0].Details, func(line string) bool { return strings.Contains(line, "panicOnSeed2") }) {
		t.Errorf("the crash is told as %+v", v)
	}
}

// TestNondeterminismIsSeen: a run that is kept is played again, and must play the same.
func TestNondeterminismIsSeen(t *testing.T) {
	results, err := newSuite(t, "worker-forgets", 1, "1..3", "follower-crash").Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := results[0]
	if r.Verdict != checker.Error || len(r.Violations) != 1 || r.Violations[0].Check != checkDeterministic {
		t.Errorf("got %+v", r)
	}
}

// TestSecondPlayBreaks: that is told as what it is, with its stack, and of the scenario that broke.
func TestSecondPlayBreaks(t *testing.T) {
	results, err := newSuite(t, "worker-breaks-when-kept", 1, "1..3", "leader-crash", "follower-crash").Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := results[3]
	if r.Scenario != "follower-crash" || r.Verdict != checker.Error || len(r.Violations) != 1 {
		t.Fatalf("got %+v", r)
	}
	v := r.Violations[0]
	if v.Check != checkRun || !strings.Contains(v.Message, "second time") || !strings.Contains(v.Message, "out of memory") ||
		!slices.ContainsFunc(v.Details, func(line string) bool { return strings.Contains(line, "panicWhenKept") }) {
		t.Errorf("the crash is told as %+v", v)
	}
}

// TestHistoryCannotBeKept: the results are as good as ever, and nobody is accused of nondeterminism.
func TestHistoryCannotBeKept(t *testing.T) {
	s := newSuite(t, WorkerVerb, 1, "1..2", "follower-crash")
	s.Keep = func(scenario string, _ uint64) string {
		return filepath.Join(t.TempDir(), "no", "folder", scenario+".jsonl")
	}
	results, err := s.Run(t.Context())
	var unkept *Unkept
	if !errors.As(err, &unkept) || !strings.Contains(err.Error(), "the history of follower-crash, seed 1, could not be kept: ") {
		t.Errorf("got the error %v", err)
	}
	for _, r := range results {
		if r.Verdict != checker.Pass || len(r.Violations) > 0 {
			t.Errorf("seed %d: %+v", r.Seed, r)
		}
	}
}

// TestInterruptKeepsFailures: they are what a suite is played for.
func TestInterruptKeepsFailures(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newSuite(t, "worker-fails", 1, "1..200", "follower-crash")
	kept, told := t.TempDir(), 0
	s.Keep = func(_ string, seed uint64) string { return filepath.Join(kept, fmt.Sprint(seed)) }
	s.Keeping = func(n int) { told = n }
	s.Progress = func(Progress) { cancel() }
	results, err := s.Run(ctx)
	files, _ := os.ReadDir(kept)
	if !errors.Is(err, context.Canceled) || len(results) == 0 || len(files) != min(len(results), keptFailures) || told != len(files) {
		t.Errorf("%d results, %d histories, %d told, %v", len(results), len(files), told, err)
	}
}

// TestScenarioOfAnotherWorld: the suite leaves it out, and who names it is told.
func TestScenarioOfAnotherWorld(t *testing.T) {
	s := &scenarios.Scenario{Name: "by-hand", Worlds: []string{scenarios.WorldReal}}
	var ended Ended
	if err := plays(s, scenarios.WorldSim); !errors.As(err, &ended) || ended.Status != StatusUnavailable || !strings.Contains(err.Error(), "by-hand") {
		t.Errorf("got %v", err)
	}
	if err := plays(s, scenarios.WorldReal); err != nil {
		t.Error(err)
	}
}

// TestInterrupt keeps what was finished.
func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newSuite(t, WorkerVerb, 2, "1..200", "follower-crash")
	s.Progress = func(p Progress) {
		if p.Done == 3 {
			cancel()
		}
	}
	results, err := s.Run(ctx)
	if !errors.Is(err, context.Canceled) || len(results) < 3 || len(results) > 5 {
		t.Errorf("got %d results and %v", len(results), err)
	}
}

func playHere(t *testing.T, s *scenarios.Scenario, seed uint64) string {
	t.Helper()
	r, _, err := Play(s, seed, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r.TraceHash
}
