package sim_test

import (
	"testing"
	"time"

	"firedrill/checker"
	"firedrill/scenarios"
	"firedrill/sim"
)

// BenchmarkReference plays the largest scenario of the suite, judging included. The figure that counts is
// simulated seconds per second of one core.
func BenchmarkReference(b *testing.B) {
	s, err := scenarios.Find("reference")
	if err != nil {
		b.Fatal(err)
	}
	var simulated time.Duration
	var events uint64
	for i := 0; b.Loop(); i++ {
		seed := uint64(i%20) + 1
		plan, err := scenarios.NewPlan(s, seed)
		if err != nil {
			b.Fatal(err)
		}
		run, err := sim.Play(plan, seed, sim.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if r := checker.Judge(run.History); r.Verdict != checker.Pass {
			b.Fatalf("seed %d: %v", seed, r.Violations)
		}
		simulated += plan.Duration.Std()
		events += run.Events
	}
	b.ReportMetric(simulated.Seconds()/b.Elapsed().Seconds(), "sim-s/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}
