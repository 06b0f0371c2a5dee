package drill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firedrill/checker"
	"firedrill/reports"
	"firedrill/scenarios"
)

// tight is a scenario that every seed fails, in one way.
const tight = `name: tight
about: The leader crashes, and the API may not notice, which it cannot manage.
duration: 12s
topology: {controllers: 3}
faults:
  - {at: 8s..9s, fault: crash, target: leader, for: 2s}
expect:
  outages:
    - {service: api, max: 10ms}
`

func soakOf(t *testing.T) RunOptions {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "tight.yaml")
	if err := os.WriteFile(file, []byte(tight), 0o644); err != nil {
		t.Fatal(err)
	}
	return RunOptions{Arguments: []string{file}, Seeds: "7", World: scenarios.WorldSim, Jobs: 1, Out: filepath.Join(dir, "out"), Patience: time.Minute, For: 1}
}

func soaked(t *testing.T, o RunOptions) (s soakState, text []byte) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(o.Out, soakFile))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, text
}

// A soak plays rounds until its time is over, reports each kind of failure once, and goes on where it ended.
func TestSoakGoesOn(t *testing.T) {
	o, quiet := soakOf(t), Terminal{io.Discard, io.Discard}
	if err := Run(t.Context(), quiet, o); !errors.Is(err, errBroken) { // any time is over after one round
		t.Fatal(err)
	}
	first, text := soaked(t, o)
	if first.Runs == 0 || first.Failed != first.Runs || first.Next != 7+uint64(first.Runs) || first.Elapsed <= 0 {
		t.Fatalf("after one round: %s", text)
	}
	if err := Run(t.Context(), quiet, o); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	if _, again := soaked(t, o); string(again) != string(text) {
		t.Errorf("the time was over, and yet it went on: %s", cmp.Diff(string(text), string(again)))
	}

	o.For = first.Elapsed + 1
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	var ended Ended
	if err := Run(cancelled, quiet, o); !errors.As(err, &ended) || ended.Status != StatusInterrupted {
		t.Fatal(err)
	}
	if _, again := soaked(t, o); string(again) != string(text) {
		t.Error("a round that was interrupted counts")
	}
	if err := Run(t.Context(), quiet, o); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	second, _ := soaked(t, o)
	if second.Runs != 2*first.Runs || second.Next != first.Next+uint64(first.Runs) {
		t.Errorf("after two rounds: %d runs, next seed %d", second.Runs, second.Next)
	}
	if len(second.Failures) != 1 || second.Failures[0].Count != second.Runs || second.Failures[0].First.Seed != 7 || second.Failures[0].Check != "outage-bound" {
		t.Errorf("failures: %+v", second.Failures)
	}
	if kept, _ := filepath.Glob(filepath.Join(o.Out, "histories", "*")); len(kept) != 1 {
		t.Errorf("kept histories: %v", kept)
	}
	page, err := os.ReadFile(filepath.Join(o.Out, reports.HTMLFile))
	if err != nil || strings.Count(string(page), "tight.yaml --seed 7</code></td>") != 1 {
		t.Errorf("the report names the command of the first failure: %v", err)
	}
}

// A soak is not gone on with by another one.
func TestSoakOfSomethingElse(t *testing.T) {
	o := soakOf(t)
	_ = Run(t.Context(), Terminal{io.Discard, io.Discard}, o)
	for _, c := range []struct {
		name  string
		other func(*RunOptions)
	}{
		{"scenario", func(o *RunOptions) { o.Arguments = []string{"leader-crash"} }},
		{"seed", func(o *RunOptions) { o.Seeds = "8" }},
		{"file", func(o *RunOptions) {
			if err := os.WriteFile(filepath.Join(o.Out, soakFile), []byte("{"), 0o644); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		changed := o
		c.other(&changed)
		if err := Run(t.Context(), Terminal{io.Discard, io.Discard}, changed); err == nil || !strings.Contains(err.Error(), "remove it, or choose another --out") {
			t.Errorf("another %s: %v", c.name, err)
		}
	}
}

// What a soak keeps does not grow with its runs, does not depend on where it was stopped, and counts all of them.
func TestSoakStateIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, stop := rapid.IntRange(1, 400).Draw(t, "runs"), rapid.IntRange(0, 400).Draw(t, "stop")
		ways := rapid.IntRange(1, 3).Draw(t, "ways")
		through, stopped := new(soakState), new(soakState)
		for i := range n {
			r := checker.Result{Scenario: "a", Seed: uint64(i), Verdict: checker.Fail, Met: []checker.Met{{Fault: "crash", State: "peace", Times: 2}},
				Violations: []checker.Violation{{Check: "x", Message: fmt.Sprintf("%s took %d ms", strings.Repeat("it", 1+i%ways), i)}}, Outages: []checker.Outage{}}
			through.add(&r, 20)
			if i == stop {
				text, _ := json.Marshal(stopped)
				stopped = new(soakState)
				if err := json.Unmarshal(text, stopped); err != nil {
					t.Fatal(err)
				}
			}
			stopped.add(&r, 20)
		}
		if diff := cmp.Diff(through, stopped); diff != "" {
			t.Fatal(diff)
		}
		count := 0
		for i, f := range through.Failures {
			count += f.Count
			if f.First.Seed != uint64(i) {
				t.Errorf("first of way %d: seed %d", i, f.First.Seed)
			}
		}
		if len(through.Failures) != min(ways, n) || count != n || through.Runs != n || through.Failed != n {
			t.Errorf("%d failures, %d counted, %d of %d failed", len(through.Failures), count, through.Failed, through.Runs)
		}
		if kept := len(through.sample()); kept > 20+1+ways {
			t.Errorf("%d runs are kept", kept)
		}
		if met := through.summary().Met; len(met) != 1 || met[0].Times != 2*n {
			t.Errorf("met: %v", met)
		}
	})
}

// What leans is written into the scenario: its file alone gives the same plan.
func TestLean(t *testing.T) {
	s, err := scenarios.Find("swarm-any")
	if err != nil {
		t.Fatal(err)
	}
	if lean(s, nil) != s {
		t.Error("nothing was met, and yet it leans")
	}
	// Both states are known to be reached; pause has met neither, crash has met both.
	met := []checker.Met{{Fault: "crash", State: checker.StatePeace, Times: 9}, {Fault: "crash", State: checker.StateElection, Times: 1}}
	chosen, err := leanOf(scenarios.Chosen{Scenario: s, Argument: "swarm-any"}, met, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	times := make(map[string]int)
	for _, k := range chosen.Scenario.Swarm.Kinds {
		times[k]++
	}
	if times["crash"] != 1 || times["pause"] != 3 || chosen.Scenario.Swarm.Close <= s.Swarm.Close {
		t.Errorf("leans by %v, close %d", times, chosen.Scenario.Swarm.Close)
	}
	text, err := os.ReadFile(chosen.Argument)
	if err != nil {
		t.Fatal(err)
	}
	read, err := scenarios.Parse(chosen.Argument, text)
	if err != nil {
		t.Fatal(err)
	}
	kinds := make(map[string]int)
	for seed := range uint64(200) {
		want, err1 := scenarios.NewPlan(chosen.Scenario, seed)
		got, err2 := scenarios.NewPlan(read, seed)
		if err1 != nil || err2 != nil || !slices.EqualFunc(want.Faults, got.Faults, func(a, b scenarios.Fault) bool { return cmp.Equal(a, b) }) {
			t.Fatalf("seed %d: %v, %v", seed, err1, err2)
		}
		for _, f := range got.Faults {
			kinds[f.Fault]++
		}
	}
	if kinds["pause"] < 2*kinds["crash"] {
		t.Errorf("over 200 seeds: %v", kinds)
	}
}
