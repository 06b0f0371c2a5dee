package drill

import (
	"bytes"
	"encoding/json"
	"testing"

	"firedrill/checker/mutants"
)

// TestMutants hunts three mutants from one start each: they are built, played, and caught by what should catch them.
func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program three times")
	}
	var out, progress bytes.Buffer
	names := []string{"never-sync", "takeover-without-garp", "join-with-wrong-secret"}
	err := Mutants(t.Context(), Terminal{Out: &out, Err: &progress},
		MutantsOptions{Names: names, Seeds: 20, Starts: 1, Jobs: 2, Named: true, Source: "../..", JSON: true})
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	var r mutantsResult
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Total != len(names) || r.Killed != len(names) {
		t.Errorf("got %s", out.String())
	}
}

// TestMutantStates: what counts as caught, and of five numbers which is the median.
func TestMutantStates(t *testing.T) {
	by := func(checks ...string) catch { return catch{Scenario: "leader-crash", Checks: checks} }
	for want, catches := range map[string][]catch{
		stateCaught:    {by("linearizable"), by("outage-bound", "linearizable")},
		stateUnrelated: {by("linearizable"), by("outage-bound")},
		stateSurvived:  {by("outage-bound"), {}},
	} {
		p := newPrey("linearizable", catches...)
		if got := p.state(); got != want {
			t.Errorf("%v: %s, want %s", catches, got, want)
		}
	}
	if median([]int{9, 1, 7, 3, 2}) != 3 || median([]int{4, 2}) != 2 || median(nil) != 0 {
		t.Error("the median is not")
	}
}

func newPrey(check string, catches ...catch) *prey {
	return &prey{Mutant: &mutants.Mutant{Name: "x", CaughtBy: []string{check}}, catches: catches}
}
