package reports

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firedrill/checker"
)

// swept is three choices under two conditions; the last is unsafe.
func swept() *Sweep {
	s := &Sweep{Version: SweepVersion, Scenario: "crash", Seeds: "1..120", Settings: []string{"timers.hb", "topology.network.loss"}}
	for _, c := range []struct {
		values []string
		took   time.Duration
		false  int
		broken string
	}{
		{[]string{"25ms", "0%"}, 100 * ms, 0, ""},
		{[]string{"100ms", "0%"}, 300 * ms, 0, ""},
		{[]string{"25ms", "1%"}, 110 * ms, 9, ""},
		{[]string{"100ms", "1%"}, 310 * ms, 1, ""},
		{[]string{"10ms", "1%"}, 50 * ms, 0, "linearizable"},
	} {
		one := Combination{Values: c.values}
		var runs []checker.Result
		for seed := range 120 {
			run := checker.Result{Seed: uint64(seed), World: "sim", Verdict: checker.Pass, Simulated: time.Minute, Outages: []checker.Outage{
				{Service: "web", Fault: "power-loss", Duration: c.took, Phases: checker.Phases{Detect: c.took / 2, Converge: c.took / 2}},
				{Service: "web", Fault: "power-loss", Duration: 50 * ms, Phases: checker.Phases{Converge: 50 * ms}}, // a lost probe
				{Service: "web", Fault: "none", Duration: time.Second},
				{Service: api, Fault: "power-loss", Duration: time.Second, Phases: checker.Phases{Detect: time.Second}},
			}}
			if seed < c.false {
				run.Violations = append(run.Violations, checker.Violation{Check: "failover-with-cause"})
			}
			if c.broken != "" && seed == 5 {
				run.Verdict, run.Violations = checker.Fail, append(run.Violations, checker.Violation{Check: c.broken}, checker.Violation{Check: "outage-bound"})
			}
			runs = append(runs, run)
		}
		one.Measure(runs)
		s.Combinations = append(s.Combinations, one)
	}
	s.Rank()
	return s
}

func TestSweepMeasuresAndRanks(t *testing.T) {
	s := swept()
	var best []bool
	for _, c := range s.Combinations {
		best = append(best, c.Best)
	}
	if d := cmp.Diff([]bool{true, false, true, true, false}, best); d != "" {
		t.Error(d)
	}
	c := s.Combinations[2]
	if c.Failovers != 120 || c.P99 != 110*ms || !c.Enough || c.Max != 110*ms || c.False != 9 || c.FalsePerHour != 4.5 || c.Over != 0 || c.Unsafe != 0 {
		t.Errorf("%+v", c)
	}
	if last := s.Combinations[4]; s.Safe() || last.Unsafe != 1 || last.Over != 1 || last.answer() != "unsafe: linearizable" {
		t.Errorf("%+v", last)
	}
}

func TestSweepIsWritten(t *testing.T) {
	s := swept()
	var text, first, second bytes.Buffer
	if err := s.WriteText(&text, false); err != nil || !strings.Contains(text.String(), "unsafe: linearizable") {
		t.Errorf("%v\n%s", err, text.String())
	}
	for _, out := range []*bytes.Buffer{&first, &second} {
		if err := s.WriteHTML(out); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) || !strings.Contains(first.String(), "best network.loss 1%") {
		t.Error("the pages differ, or lack a front")
	}
}
