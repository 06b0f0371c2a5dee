package sim_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"

	"firedrill/checker"
	"firedrill/checker/history"
	"firedrill/scenarios"
	"firedrill/sim"
)

var update = flag.Bool("update", false, "write the trace hashes of this build to testdata")

const hashFile = "testdata/hashes.txt"

func suite(t testing.TB) []*scenarios.Scenario {
	t.Helper()
	all, err := scenarios.Suite()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func play(t testing.TB, s *scenarios.Scenario, seed uint64) *sim.Run {
	t.Helper()
	plan, err := scenarios.NewPlan(s, seed)
	if err != nil {
		t.Fatal(err)
	}
	run, err := sim.Play(plan, seed, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// TestTraceHashes plays every scenario of the suite and compares its trace hash with the one on file. CI runs it
// on several architectures, with one and with many processors and under the race detector: that they all agree
// with one file is what determinism means. A change of behaviour changes the file; write it with -update, and
// say in the commit what changed.
func TestTraceHashes(t *testing.T) {
	var got bytes.Buffer
	for _, s := range suite(t) {
		run := play(t, s, 1)
		fmt.Fprintf(&got, "%s 1 %s %d events\n", s.Name, run.TraceHash, run.Events)
	}
	if *update {
		if err := os.WriteFile(hashFile, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(hashFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got.Bytes()) {
		t.Errorf("on %s with %d processors, the suite plays as\n%sbut on file is\n%s", runtime.GOARCH, runtime.GOMAXPROCS(0), &got, want)
	}
}

// TestSameSeedSameBytes plays a run twice in one process, with another in between, and compares all that came of it.
func TestSameSeedSameBytes(t *testing.T) {
	s, err := scenarios.Find("power-loss-unsynced")
	if err != nil {
		t.Fatal(err)
	}
	record := func(seed uint64) (string, []byte) {
		run := play(t, s, seed)
		var b bytes.Buffer
		if err := history.Write(&b, run.History); err != nil {
			t.Fatal(err)
		}
		return run.TraceHash, b.Bytes()
	}
	hash, bytes1 := record(3)
	other, _ := record(4)
	again, bytes2 := record(3)
	if hash != again || !bytes.Equal(bytes1, bytes2) {
		t.Errorf("seed 3 played as %s, then as %s", hash, again)
	}
	if hash == other {
		t.Errorf("seeds 3 and 4 have the same trace hash %s", hash)
	}
}

// TestSuiteHolds plays the suite for a few seeds: the platform as it is keeps its promises.
func TestSuiteHolds(t *testing.T) {
	seeds := uint64(2) // `make run` plays more
	if testing.Short() {
		seeds = 1
	}
	for _, s := range suite(t) {
		for seed := uint64(1); seed <= seeds; seed++ {
			r := checker.Judge(play(t, s, seed).History)
			for _, v := range r.Violations {
				t.Errorf("%s, seed %d: %s at %v: %s %v", s.Name, seed, v.Check, v.At, v.Message, v.Details)
			}
		}
	}
}
