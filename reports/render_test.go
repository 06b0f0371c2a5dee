package reports

import (
	"bytes"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"firedrill/checker"
)

// What is rendered again from the results and the histories alone is what was rendered first.
func TestRerenderGivesTheSame(t *testing.T) {
	dir := t.TempDir()
	in := sample(5)
	in.Argument = func(name string) string {
		if name == "rack-power-loss" {
			return "drills/rack.yaml"
		}
		return ""
	}
	writeHistories(t, dir, in)
	if _, err := Write(dir, in); err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	page, xml := read(HTMLFile), read(JUnitFile)
	for _, name := range []string{HTMLFile, JUnitFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Rerender(dir, "go run ."); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(page, read(HTMLFile)) || !bytes.Equal(xml, read(JUnitFile)) {
		t.Error("the second rendering differs from the first")
	}
	for _, want := range []string{`href="histories/controller-symmetric-partition-4.jsonl.zst"`, "replay drills/rack.yaml --seed", "Around the worst outage"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if _, err := Rerender(t.TempDir(), ""); !os.IsNotExist(err) {
		t.Errorf("got %v, want that there are no results", err)
	}
}

// Results may come from anywhere; their names must not lead out of the folder.
func TestHistoriesStayBelowTheFolder(t *testing.T) {
	dir := t.TempDir()
	in := sample(1)
	outside := filepath.Join(dir, "x-1.jsonl.zst")
	if err := in.History("sim", "backend-crash", 1).WriteFile(outside); err != nil {
		t.Fatal(err)
	}
	below := filepath.Join(dir, "out")
	if err := os.MkdirAll(filepath.Join(below, "histories"), 0o755); err != nil {
		t.Fatal(err)
	}
	if Histories(below)("sim", "../../x", 1) != nil {
		t.Error("a history outside of the folder was read")
	}
}

func TestJUnit(t *testing.T) {
	r := sample(20).Results
	r.Scenarios = []Scenario{{Name: "never-played"}}
	r.Runs[0].Violations = []checker.Violation{{Message: "\x00"}}
	r.Runs[0].Verdict = checker.Fail
	var b bytes.Buffer
	if err := WriteJUnit(&b, &r, "firedrill"); err != nil {
		t.Fatal(err)
	}
	var got junit.Testsuites
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Tests != 7 || got.Failures != 3 || got.Errors != 1 || got.Skipped != 1 {
		t.Errorf("%d tests, %d failures, %d errors, %d skipped", got.Tests, got.Failures, got.Errors, got.Skipped)
	}
	cases := make(map[string]junit.Testcase)
	for _, c := range got.Suites[0].Testcases {
		cases[c.Name] = c
	}
	fail := cases["legacy-active-power-loss"]
	if fail.Classname != "sim" || fail.Time != "900.000" || fail.Failure.Message != "3 of 20 seeds did not hold: seed 7, 12, 19" {
		t.Errorf("got %+v", fail.Failure)
	}
	if !strings.Contains(fail.Failure.Data, "firedrill replay legacy-active-power-loss --seed 12\n") {
		t.Errorf("no replay command in %s", fail.Failure.Data)
	}
	if broken := cases["leader-pause"]; broken.Error == nil || !strings.Contains(broken.Error.Data, "goroutine 1 [running]") {
		t.Errorf("got %+v", broken)
	}
}

func TestSummary(t *testing.T) {
	in := sample(20)
	for i := range in.Results.Runs[:12] {
		in.Results.Runs[i].Verdict = checker.Fail
	}
	for _, s := range in.Scenarios {
		in.Results.Scenarios = append(in.Results.Scenarios, Describe(s, ""))
	}
	var plain, coloured bytes.Buffer
	if err := WriteSummary(&plain, &in.Results, "firedrill", false); err != nil {
		t.Fatal(err)
	}
	if err := WriteSummary(&coloured, &in.Results, "firedrill", true); err != nil {
		t.Fatal(err)
	}
	text := plain.String()
	for _, want := range []string{"legacy-active-power-loss", "17/20", "1.59 s!", "firedrill replay backend-crash --seed 1\n", "and 7 more in report.html", "4 of 6 scenarios, 17 of 120 runs did not hold."} {
		if !strings.Contains(text, want) {
			t.Errorf("the summary lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "\x1b") || !strings.Contains(coloured.String(), "\x1b[31") {
		t.Error("colour does not follow its parameter")
	}
	for line := range strings.Lines(text) {
		if n := len([]rune(line)); n > 170 || strings.Contains(line, "seeds ") && n > 121 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
