package sim_test

import (
	"testing"

	"firedrill/checker"
	"firedrill/scenarios"
	"firedrill/sim"
)

func TestX(t *testing.T) {
	all, err := scenarios.Suite()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		for seed := uint64(1); seed <= 20; seed++ {
			plan, err := scenarios.NewPlan(s, seed)
			if err != nil {
				t.Fatal(err)
			}
			run, err := sim.Play(plan, seed, sim.Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := checker.Judge(run.History)
			t.Log(s.Name, seed, r.Verdict, run.TraceHash, run.Events, r.Operations, r.Probes, len(r.Outages))
			for i, v := range r.Violations {
				if i < 4 {
					t.Log("   ", v.Check, v.At, v.Message, v.Details)
				}
			}
		}
	}
}
