package reports

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firedrill/checker"
)

// TestMutantStates: what counts as caught, and of five numbers which is the median.
func TestMutantStates(t *testing.T) {
	by := func(checks ...string) Hunt { return Hunt{Scenario: "leader-crash", Checks: checks} }
	for want, starts := range map[string][]Hunt{
		MutantCaught:    {by("linearizable"), by("outage-bound", "linearizable")},
		MutantUnrelated: {by("linearizable"), by("outage-bound")},
		MutantSurvived:  {by("outage-bound"), {}},
	} {
		all := Mutants{Mutants: []Mutant{{CaughtBy: []string{"linearizable"}, Starts: starts}}}
		if all.Sum(); all.Mutants[0].State != want {
			t.Errorf("%v: %s, want %s", starts, all.Mutants[0].State, want)
		}
	}
	if lowerMedian([]int{9, 1, 7, 3, 2}) != 3 || lowerMedian([]int{4, 2}) != 2 || lowerMedian(nil) != 0 {
		t.Error("the median is not")
	}
}

// TestMutantsInReport: the table is shown where the bank was hunted, and a file that is none is refused by its line.
func TestMutantsInReport(t *testing.T) {
	dir := t.TempDir()
	in := Input{Results: Results{Runs: []checker.Result{{Scenario: "a", World: "sim", Seed: 1, Verdict: checker.Pass}}}}
	page := func() string {
		t.Helper()
		if _, err := Write(dir, in); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, HTMLFile))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if strings.Contains(page(), "page:mutants") {
		t.Error("a table of what was not hunted")
	}
	table := Mutants{Build: "b", Mutants: []Mutant{{Name: "never-sync", CaughtBy: []string{"x"}, Starts: []Hunt{{Scenario: "power-loss", Checks: []string{"x"}, Seeds: 2}}}}}
	table.Sum()
	if err := table.WriteFile(dir); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 of 1 mutants were caught (100%); half of them within 2 seeds.", "never-sync", "power-loss"} {
		if !strings.Contains(page(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page(), "smallest plan") {
		t.Error("a column of what was not shrunk")
	}
	table.Mutants[0].Starts[0].Shrunk = &Shrunk{To: Size{Faults: 1, Nodes: 5, Duration: 9 * time.Second}}
	table.Sum()
	if err := table.WriteFile(dir); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 fault or less is left", "1 fault, 0 operations, 5 nodes, 9 s"} {
		if !strings.Contains(page(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	path := filepath.Join(dir, MutantsFile)
	if err := os.WriteFile(path, []byte("{\"version\": 1,\n \"mutant\": []}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(dir, in); err == nil || !strings.HasPrefix(err.Error(), path+":2:") {
		t.Errorf("got %v", err)
	}
}
