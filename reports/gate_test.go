package reports

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firedrill/checker"
)

// gated is the results that the gate's tests start from: two scenarios, thirty seeds, all passed.
func gated() *Results {
	r := &Results{Build: "one", Scenarios: []Scenario{
		{Name: "power", Digest: "d1", Bounds: []Bound{{Service: "*", Max: 450 * ms}}},
		{Name: "quiet"},
	}}
	for seed := uint64(1); seed <= 30; seed++ {
		took := 300*ms + time.Duration(seed*seed%37)*ms
		r.Runs = append(r.Runs,
			checker.Result{Scenario: "power", World: "sim", Seed: seed, Verdict: checker.Pass, Outages: []checker.Outage{
				{Service: "web", Duration: took, Ended: true}, {Service: "shop", Duration: took - 10*ms, Ended: true}}},
			checker.Result{Scenario: "quiet", World: "sim", Seed: seed, Verdict: checker.Pass})
	}
	return r.normal()
}

// written is the baseline of results, by way of its file.
func written(t interface {
	Fatal(...any)
	TempDir() string
}, r *Results) *Baseline {
	path := filepath.Join(t.TempDir(), "baseline.json")
	if err := NewBaseline(r).Write(path); err != nil {
		t.Fatal(err)
	}
	b, err := ReadBaseline(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func scale(r *Results, by float64, those func(*checker.Result) bool) {
	for i := range r.Runs {
		run := &r.Runs[i]
		for j := range run.Outages {
			if those(run) {
				run.Outages[j].Duration = time.Duration(float64(run.Outages[j].Duration) * by)
			}
		}
	}
}

func every(*checker.Result) bool { return true }

func TestGate(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(*Results)
		findings []string // kind and scenario
		result   string   // of virtual services in power
		warning  string
	}{
		{name: "nothing", change: func(*Results) {}, result: ResultSame},
		{name: "slower", change: func(r *Results) { scale(r, 1.1, every) }, findings: []string{"regression power"}, result: ResultRegression},
		{name: "a little slower", change: func(r *Results) { scale(r, 1.03, every) }, result: ResultSlower, warning: "within what is put up with"},
		{name: "faster", change: func(r *Results) { scale(r, 0.9, every) }, result: ResultFaster, warning: "--update keeps it"},
		{name: "one seed slower", change: func(r *Results) { scale(r, 1.2, func(run *checker.Result) bool { return run.Seed == 3 }) }, result: ResultNoChange},
		{name: "a third of the seeds much slower", change: func(r *Results) {
			scale(r, 1.25, func(run *checker.Result) bool { return run.Seed%3 == 0 })
		}, findings: []string{"regression power"}, result: ResultRegression},
		{name: "outages where there were none", change: func(r *Results) {
			for i := range r.Runs {
				if run := &r.Runs[i]; run.Scenario == "quiet" && run.Seed%2 == 0 {
					run.Outages = []checker.Outage{{Service: "api", Duration: ms, Ended: true}}
				}
			}
		}, findings: []string{"regression quiet"}, result: ResultSame},
		{name: "a failure", change: func(r *Results) {
			r.Runs[4].Verdict, r.Runs[4].Violations = checker.Fail, []checker.Violation{{Check: "linearizable", Message: "no"}}
		}, findings: []string{"violation power"}, result: ResultSame},
		{name: "a loosened bound that is broken", change: func(r *Results) {
			r.Scenarios[0].Bounds[0].Max = time.Second
			r.Runs[4].Outages[0].Duration = 600 * ms
		}, findings: []string{"bound power"}, result: ResultNoChange, warning: "looser now"},
		{name: "a missing scenario", change: func(r *Results) { r.Runs = r.Runs[:30] }, findings: []string{"missing quiet"}, result: ResultSame},
		{name: "missing seeds", change: func(r *Results) { r.Runs = r.Runs[3:] }, findings: []string{"missing power"}, result: ResultSame},
		{name: "more seeds", change: func(r *Results) {
			r.Runs = append(r.Runs, checker.Result{Scenario: "quiet", World: "sim", Seed: 77, Verdict: checker.Pass})
		}, result: ResultSame, warning: "not compared: 1 seed, 77"},
		{name: "another scenario", change: func(r *Results) { r.Scenarios[0].Digest = "d2" }, result: ResultSame, warning: "different plans"},
		{name: "a new scenario", change: func(r *Results) {
			r.Runs = append(r.Runs, checker.Result{Scenario: "new", World: "sim", Seed: 1, Verdict: checker.Pass})
		}, result: ResultSame, warning: "--update takes it up"},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := gated()
			c.change(now)
			g := NewGate(written(t, gated()), now, 0.05, "firedrill")
			var findings []string
			for _, f := range g.Findings {
				findings = append(findings, f.Kind+" "+f.Scenario)
			}
			if d := cmp.Diff(c.findings, findings); d != "" {
				t.Error(d)
			}
			if g.Passed() != (len(c.findings) == 0) {
				t.Errorf("verdict %s", g.Verdict)
			}
			if got := g.Comparisons[0].Result; got != c.result {
				t.Errorf("%s, want %s: %+v", got, c.result, g.Comparisons[0])
			}
			if all := strings.Join(g.Warnings, "\n"); !strings.Contains(all, c.warning) || c.warning == "" && all != "" {
				t.Errorf("warnings %q, want %q", all, c.warning)
			}
			if _, err := json.Marshal(g); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestGateComparesRealRunsUnpaired(t *testing.T) {
	real := func(r *Results) *Results {
		for i := range r.Runs {
			r.Runs[i].World = "real"
		}
		return r
	}
	now := real(gated())
	if g := NewGate(written(t, real(gated())), now, 0.05, ""); !g.Passed() || g.Comparisons[0].Paired || g.Comparisons[0].Result != ResultNoChange {
		t.Errorf("%+v", g.Comparisons)
	}
	scale(now, 1.2, every)
	if g := NewGate(written(t, real(gated())), now, 0.05, ""); g.Passed() || g.Comparisons[0].Result != ResultRegression {
		t.Errorf("%+v", g.Comparisons)
	}
}

func TestGateSaysThatSeedsAreTooFew(t *testing.T) {
	few := gated()
	few.Runs = few.Runs[:4]
	now := gated()
	now.Runs = now.Runs[:4]
	scale(now, 2, every)
	g := NewGate(written(t, few), now, 0.05, "")
	if !strings.Contains(strings.Join(g.Warnings, "\n"), "too few seeds") || g.Comparisons[0].Result != ResultTooFew {
		t.Errorf("%+v", g)
	}
}

func TestGateWritesTextAndJUnit(t *testing.T) {
	now := gated()
	scale(now, 1.1, every)
	now.Runs[2].Verdict = checker.Error
	g := NewGate(written(t, gated()), now, 0.05, "firedrill")
	var text, junit bytes.Buffer
	if err := g.WriteText(&text, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"regression", "+9.9% ±", "firedrill replay power --seed 3", "FAIL  2 findings since one"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing in\n%s", want, text.String())
		}
	}
	if err := g.WriteJUnit(&junit); err != nil || strings.Count(junit.String(), "<failure") != 1 {
		t.Errorf("%v\n%s", err, junit.String())
	}
}

func TestBaselinesComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := &Results{Build: rapid.String().Draw(rt, "build")}
		for _, seed := range rapid.SliceOfDistinct(rapid.Uint64(), rapid.ID).Draw(rt, "seeds") {
			run := checker.Result{Scenario: "s", World: "sim", Seed: seed, Verdict: checker.Pass}
			for range rapid.IntRange(0, 2).Draw(rt, "outages") {
				run.Outages = append(run.Outages, checker.Outage{
					Service:  rapid.SampledFrom([]string{"api", "web"}).Draw(rt, "service"),
					Duration: time.Duration(rapid.Int64Range(0, 1e11).Draw(rt, "took")),
				})
			}
			r.Runs = append(r.Runs, run)
		}
		b := written(struct {
			*rapid.T
			dir
		}{rt, dir{t}}, r)
		if g := NewGate(b, r, 0, ""); !g.Passed() || len(g.Warnings) > 0 {
			rt.Fatalf("%+v", g)
		}
	})
}

// dir lends the test's folders to a rapid test.
type dir struct{ t *testing.T }

func (d dir) TempDir() string { return d.t.TempDir() }

func TestBadBaselinesAreRefused(t *testing.T) {
	head := "{\"format\": \"firedrill.baseline\", \"version\": 1,\n \"build\": \"x\", \"scenarios\": [\n"
	for _, c := range []struct{ text, want string }{
		{`{"version": 1, "runs": []}`, `:1: this is no baseline`},
		{``, `:1: the file is empty`},
		{`{"format": "firedrill.baseline", "version": 9}`, `:1: version 9 is newer than this program, which reads version 1`},
		{head + `{"scenario": "a", "seeds": "1..3", "api_us": [1,2]}]}`, `:3: scenarios[0]: api_us lists 2 outages, but seeds 1..3 are 3; one number a seed`},
		{head + `{"scenario": "a", "seeds": "3..1"}]}`, `:3: scenarios[0]: seeds: "3..1" runs backwards`},
		{head + `{"scenario": "a", "seeds": "1", "api_us": [-4]}]}`, `:3: scenarios[0]: api_us holds -4`},
		{head + "{\"scenario\": \"a\", \"seeds\": \"1\"},\n{\"scenario\": \"a\", \"seeds\": \"1\"}]}", `scenarios[1]: a is there twice`},
		{head + `{"seeds": "1"}]}`, `scenario is missing`},
		{head + `{"scenario": "a", "seed": "1"}]}`, `:3: unknown field "seed"`},
		{head + `{"scenario": "a"`, `the file breaks off`},
	} {
		path := filepath.Join(t.TempDir(), "b.json")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadBaseline(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%q\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestSeedsAreWrittenAsRanges(t *testing.T) {
	for _, c := range []struct {
		seeds []uint64
		want  string
	}{{nil, ""}, {[]uint64{7}, "7"}, {[]uint64{3, 1, 2, 9}, "1..3,9"}, {[]uint64{1, 3, 4}, "1,3..4"}} {
		if got := formatSeeds(c.seeds); got != c.want {
			t.Errorf("%v: %q, want %q", c.seeds, got, c.want)
		}
	}
}
