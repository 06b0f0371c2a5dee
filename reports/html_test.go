package reports

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-echarts/statsview/statics"

	"firedrill/checker"
	"firedrill/checker/history"
)

// html renders without the chart library, whose text is not ours.
func html(t *testing.T, r *Results, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return strings.Replace(b.String(), statics.EchartJS, "", 1)
}

func rendered(t *testing.T, in Input) string {
	t.Helper()
	for _, s := range in.Scenarios {
		in.Results.Scenarios = append(in.Results.Scenarios, Describe(s, ""))
	}
	return html(t, &in.Results, Options{Prefix: in.Prefix, History: in.History})
}

func TestReportNeedsNoNetwork(t *testing.T) {
	text := rendered(t, sample(3))
	if at := regexp.MustCompile(`https?:|//[a-z]+\.`).FindString(text); at != "" {
		t.Errorf("the page has %q", at)
	}
	for _, link := range regexp.MustCompile(`(?:src|href|action|data)="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(link[1], "#") {
			t.Errorf("the page refers to %q", link[1])
		}
	}
	if regexp.MustCompile(`@import|url\(`).MatchString(text) {
		t.Error("the style sheet loads something")
	}
}

func TestEqualResultsBecomeEqualBytes(t *testing.T) {
	want := rendered(t, sample(20))
	other := sample(20)
	slices.Reverse(other.Results.Runs)
	for range 3 {
		if rendered(t, other) != want {
			t.Fatal("the same runs became another page")
		}
	}
}

func TestReportSaysWhatMatters(t *testing.T) {
	text := rendered(t, sample(20))
	for _, want := range []string{
		"3 of 6 scenarios, 5 of 120 runs did not hold.",
		"go run . replay legacy-active-power-loss --seed 7",
		"go run . replay leader-pause --seed 13",
		"goroutine 1 [running]:",
		"A virtual service is dark for at most 450 ms at a time.",
		"not enough seeds for p99: it needs 100 runs with an outage, and there are 20",
		"Not enough seeds for p99 in 6 places: it takes 100 runs with an outage.",
		"Seeds that did not hold: 7, 12, 19",
		`<th scope="row">legacy active/standby</th><td>100 ms × 3</td><td>power-loss</td>`,
		`<th scope="row">control plane (API)</th><td></td><td>partition</td>`,
		"Left out: 5 of everyday work (applied, configured).",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// Scenario files come from anywhere, and their words go everywhere.
func TestHostileTextIsEscaped(t *testing.T) {
	const evil = `</script><script>alert(1)</script><img src=x onerror=alert(1)>"'&`
	outage := checker.Outage{Service: evil, Fault: evil, Target: evil, Cause: evil, Start: time.Second, Duration: time.Second}
	r := Results{Build: evil,
		Scenarios: []Scenario{{Name: evil, About: evil, Argument: evil, Expected: []string{evil}}},
		Runs: []checker.Result{{Scenario: evil, World: evil, Verdict: checker.Fail, Outages: []checker.Outage{outage},
			Violations: []checker.Violation{{Check: evil, Message: evil, Details: []string{evil, evil}}}}}}
	o := Options{Prefix: evil, Linked: func(string) bool { return true }, History: func(string, string, uint64) *history.History {
		return &history.History{Events: []history.Event{{Time: 1e9, Type: history.NodeEv, Node: evil, Event: evil, Detail: evil}}}
	}}
	text := html(t, &r, o)
	for _, bad := range []string{"<script>alert", "<img", `onerror=alert(1)>"`} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	if strings.Contains(text, "ZgotmplZ") {
		t.Error("html/template refused a value")
	}
}

func TestOddResults(t *testing.T) {
	pass := checker.Result{Scenario: "s", World: "sim", Seed: 1, Verdict: checker.Pass}
	real := pass
	real.World = "real"
	dark := pass
	dark.Outages = []checker.Outage{{Service: "web", Start: time.Second}} // of no length, not ended
	for _, c := range []struct {
		name string
		r    Results
		want []string
	}{
		{"nothing", Results{}, []string{"Nothing was run.", "Not run"}},
		{"not played", Results{Scenarios: []Scenario{{Name: "a"}, {Name: "s"}}, Runs: []checker.Result{pass}},
			[]string{"1 scenario held in 1 run. 1 scenario not run.", `data-verdict="not run"`}},
		{"two worlds", Results{Runs: []checker.Result{pass, real}}, []string{`id="s"`, `id="s-real"`, "s (real)"}},
		{"no length", Results{Runs: []checker.Result{dark}}, []string{"still dark at the end", "0 ms"}},
		{"no violation", Results{Runs: []checker.Result{{Scenario: "s", Verdict: checker.Fail}}}, []string{"the run says no more than that"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := html(t, &c.r, Options{Prefix: "firedrill"})
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
		})
	}
}

// A failure without a history says why, if those before it have one.
func TestFailureWithoutHistorySaysWhy(t *testing.T) {
	var r Results
	for seed := range uint64(4) {
		r.Runs = append(r.Runs, checker.Result{Scenario: "s", World: "sim", Seed: seed + 1, Verdict: checker.Fail})
	}
	kept := func(path string) bool { return path != HistoryPath("sim", "s", 4) }
	for _, c := range []struct {
		linked func(string) bool
		times  int
	}{{kept, 1}, {nil, 0}} {
		if got := strings.Count(html(t, &r, Options{Linked: c.linked}), "no history: only a scenario"); got != c.times {
			t.Errorf("said %d times, want %d", got, c.times)
		}
	}
}

// A thousand seeds must not make a page that no browser opens.
func TestManyRunsStayOnePage(t *testing.T) {
	in := sample(1000)
	in.History = nil
	for i := range in.Results.Runs {
		in.Results.Runs[i].Verdict = checker.Fail
	}
	text := rendered(t, in)
	if len(text) > 400<<10 {
		t.Errorf("the page has %d bytes beside the chart library", len(text))
	}
	if want := "and 5,900 more runs"; !strings.Contains(strings.ReplaceAll(text, "5900", "5,900"), want) {
		t.Errorf("the page lacks %q", want)
	}
	for _, d := range drills {
		if !strings.Contains(text, "replay "+d.name+" --seed 1<") {
			t.Errorf("no failure of %s is listed", d.name)
		}
	}
}
