package shrink

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firedrill/scenarios"
)

// plan returns the plan of a scenario that has some of everything.
func plan(t testing.TB) *scenarios.Scenario {
	s, err := scenarios.Find("legacy-quick")
	if err != nil {
		t.Fatal(err)
	}
	s.Faults = nil
	for i := range 12 {
		f := scenarios.Fault{Fault: "crash", Target: "leader"}
		f.At = at(10_123_456_000 + int64(i)*1_017_003_000)
		f.For = at(2_345_678_000)
		s.Faults = append(s.Faults, f)
	}
	p, err := scenarios.NewPlan(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// firstWhere is a [Fails] that judges by looking at a plan.
func firstWhere(fails func(*scenarios.Scenario) bool) Fails {
	return func(plans []*scenarios.Scenario) (int, error) { return slices.IndexFunc(plans, fails), nil }
}

// Of a failure that needs some faults in a row, nothing is left but those.
func TestWhatIsNotNeededGoes(t *testing.T) {
	whole := plan(t)
	rapid.Check(t, func(t *rapid.T) {
		needed := rapid.IntRange(0, len(whole.Faults)).Draw(t, "needed")
		small, err := Plan(whole, firstWhere(func(s *scenarios.Scenario) bool { return len(s.Faults) >= needed }))
		if err != nil {
			t.Fatal(err)
		}
		if len(small.Faults) != needed || len(small.Workload.Operate) > 0 || len(small.Config.Services) > 0 || len(small.Config.Groups) > 0 {
			t.Fatalf("%d faults, wanted %d; %d operations, %d services", len(small.Faults), needed, len(small.Workload.Operate), len(small.Config.Services))
		}
		if small.Topology.Controllers != 1 && len(small.Faults) == 0 || small.Topology.Servers != 1 {
			t.Fatalf("%d controllers, %d servers", small.Topology.Controllers, small.Topology.Servers)
		}
		for _, f := range small.Faults {
			if roundness(f.For.Min) == 0 {
				t.Fatalf("%v is not round", f.For)
			}
		}
	})
}

// Of a failure that needs nothing, nothing is left of what the scenario set up.
func TestWhatIsSetUpGoes(t *testing.T) {
	for _, name := range []string{"cluster-ip", "cloud-access-refused", "cluster-join-refused", "upgrade-engine-fails", "legacy-distributed-load"} {
		s, err := scenarios.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := scenarios.NewPlan(s, 1)
		if err != nil {
			t.Fatal(err)
		}
		small, err := Plan(whole, firstWhere(func(*scenarios.Scenario) bool { return true }))
		if err != nil {
			t.Fatal(err)
		}
		if top := small.Topology; top.ClusterIP != nil || top.Cloud != nil || len(top.Installed)+len(top.Images)+len(top.Hosts)+len(top.Engines) > 0 || top.Controllers != 1 {
			t.Errorf("of %s is left: %+v", name, top)
		}
	}
}

// A time is only rounded as far as the failure lets it.
func TestTimesStayWhereTheyMust(t *testing.T) {
	whole := plan(t)
	for i := range whole.Faults {
		whole.Faults[i].Target = "engines"
	}
	small, err := Plan(whole, firstWhere(func(s *scenarios.Scenario) bool {
		return slices.ContainsFunc(s.Faults, func(f scenarios.Fault) bool { return f.For.Min > 2_340_000_000 && f.For.Min < 2_350_000_000 })
	}))
	if err != nil {
		t.Fatal(err)
	}
	if len(small.Faults) != 1 || small.Faults[0].For.Min != 2_345_000_000 {
		t.Fatalf("%+v", small.Faults)
	}
}

// What is found until then is kept when somebody loses patience.
func TestAnErrorKeepsWhatWasFound(t *testing.T) {
	whole, asked, broken := plan(t), 0, errors.New("interrupted")
	small, err := Plan(whole, func(plans []*scenarios.Scenario) (int, error) {
		if asked++; asked > 3 {
			return 0, broken
		}
		return 0, nil
	})
	if !errors.Is(err, broken) || asked != 4 || len(small.Faults) >= len(whole.Faults) {
		t.Fatalf("%v after %d; %d faults of %d", err, asked, len(small.Faults), len(whole.Faults))
	}
}

// Every plan that is asked about can be played, written and read.
func TestOnlyValidPlansAreTried(t *testing.T) {
	all, err := scenarios.Suite()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		p, err := scenarios.NewPlan(s, 1)
		if err != nil {
			t.Fatal(err)
		}
		p.Workload.Operate = p.Workload.Operate[:min(3, len(p.Workload.Operate))] // to write them all takes long
		turn := 0
		_, err = Plan(p, func(plans []*scenarios.Scenario) (int, error) {
			turn++
			text, err := scenarios.Marshal(plans[turn%len(plans)])
			if err == nil {
				_, err = scenarios.Parse(s.Name, text)
			}
			if err != nil {
				return 0, err
			}
			if turn%3 == 0 {
				return len(plans) - 1, nil
			}
			return -1, nil
		})
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
}

func at(ns int64) scenarios.Span {
	return scenarios.Span{Min: time.Duration(ns), Max: time.Duration(ns)}
}

func roundness(t time.Duration) time.Duration {
	if t%time.Millisecond == 0 {
		return time.Millisecond
	}
	return 0
}
