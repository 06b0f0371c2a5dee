package reports

import (
	"strings"
	"testing"
	"time"

	"firedrill/checker"
)

// played is results of a world: twenty runs with one outage each, of so many milliseconds more from run to run.
func played(world string, first, step time.Duration) *Results {
	r := &Results{Version: Version, Build: "b", Scenarios: []Scenario{{Name: "kill", Digest: "d"}}}
	for i := range 20 {
		took := first + time.Duration(i)*step
		r.Runs = append(r.Runs, checker.Result{Scenario: "kill", World: world, Seed: uint64(i + 1), Verdict: checker.Pass,
			Outages: []checker.Outage{{Service: "web", Fault: "crash", Duration: took, Ended: true, Phases: checker.Phases{Detect: first, Converge: took - first}}}})
	}
	return r
}

func TestWorldsAreSetSideBySide(t *testing.T) {
	sim, real := played("sim", 200*time.Millisecond, time.Millisecond), played("real", 300*time.Millisecond, time.Millisecond)
	whole, err := Merge([]Part{{"a", sim}, {"b", real}})
	if err != nil {
		t.Fatal(err)
	}
	all, err := fidelities(groups(whole))
	if err != nil || len(all) != 1 {
		t.Fatalf("%d comparisons, %v", len(all), err)
	}
	f := all[0]
	if f.N != "20 / 20" || f.Ratios[0].Simulated != "209 ms" || f.Ratios[0].Real != "309 ms" || f.Ratios[0].Ratio != "1.48" || f.Ratios[1].Ratio != "1.46" || f.Apart != "1.00" || f.Phase != "detect +100 ms" ||
		f.Near || f.But != "simulated median 32 % too short, by detect +100 ms" {
		t.Errorf("%+v", f)
	}
	if text := html(t, whole, Options{}); !strings.Contains(text, "Simulator and containers") || !strings.Contains(text, "1.48") {
		t.Error("the page does not show it")
	}
}

func TestEqualWorldsAreEqual(t *testing.T) {
	whole, err := Merge([]Part{{"a", played("sim", 200*time.Millisecond, time.Millisecond)}, {"b", played("real", 200*time.Millisecond, time.Millisecond)}})
	if err != nil {
		t.Fatal(err)
	}
	all, err := fidelities(groups(whole))
	if err != nil || len(all) != 1 || all[0].Ratios[0].Ratio != "1.00" || all[0].Ratios[1].Spread != "0.99 to 1.01" || all[0].Apart != "0.00" || all[0].Phase != "none" || !all[0].Near || all[0].But != "" {
		t.Fatalf("%+v, %v", all[0].Ratios, err)
	}
}

// Of a few runs there is a ratio, but no interval that anybody could rely on.
func TestTooFewRunsHaveNoInterval(t *testing.T) {
	real := played("real", 300*time.Millisecond, time.Millisecond)
	real.Runs = real.Runs[:3]
	whole, err := Merge([]Part{{"a", played("sim", 200*time.Millisecond, time.Millisecond)}, {"b", real}})
	if err != nil {
		t.Fatal(err)
	}
	all, err := fidelities(groups(whole))
	if err != nil || all[0].Ratios[0].Ratio == "" || all[0].Ratios[0].Spread != tooFew || all[0].Ratios[1].Spread != tooFew ||
		all[0].Near || all[0].But != "simulated median 31 % too short, by detect +100 ms; p99 "+tooFew {
		t.Fatalf("%+v, %v", all, err)
	}
}

func TestWhatIsNotSetSideBySide(t *testing.T) {
	sim := played("sim", time.Second, 0)
	other := played("real", time.Second, 0)
	other.Build = "c"
	changed := played("real", time.Second, 0)
	changed.Scenarios[0].Digest = "e"
	part := played("real", time.Second, 0)
	part.Shard = &Shard{1, 2, "1..20"}
	for _, c := range []struct {
		with *Results
		want string
	}{
		{sim, "both played in the world sim"},
		{other, "is of build"},
		{changed, "not the same scenario"},
		{part, "is a shard"},
	} {
		_, err := Merge([]Part{{"a", sim}, {"b", c.with}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// TestOneScenarioInBothWorlds: it counts once, and what it took in one world is not mixed with the other.
func TestOneScenarioInBothWorlds(t *testing.T) {
	whole, err := Merge([]Part{{"a", played("sim", 200*time.Millisecond, time.Millisecond)}, {"b", played("real", 300*time.Millisecond, time.Millisecond)}})
	if err != nil {
		t.Fatal(err)
	}
	all := groups(whole)
	if got, want := newTally(all).played(), "1 scenario, 1 of them in both worlds"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, text := headline(all); !strings.HasPrefix(text, "1 scenario held") {
		t.Errorf("got %s", text)
	}
}
