package reports

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"firedrill/checker"
)

// lossy is a run with many blips of a virtual service, and one outage of it.
func lossy() Results {
	run := checker.Result{Scenario: "s", World: "sim", Seed: 1, Verdict: checker.Pass, Simulated: time.Minute}
	for i := range 9 {
		run.Outages = append(run.Outages, checker.Outage{Service: "web", Fault: "loss", Duration: 50 * ms, Start: time.Duration(i) * time.Second, Ended: true, Blip: true, Bound: 400 * ms})
	}
	run.Outages = append(run.Outages, checker.Outage{Service: "web", Fault: "loss", Duration: 300 * ms, Ended: true, Bound: 400 * ms})
	return Results{Scenarios: []Scenario{{Name: "s", Bounds: []Bound{{"*", 400 * ms}}}}, Runs: []checker.Result{run}}
}

// TestBlipsAreCountedApart: they swamp neither the totals nor the distribution.
func TestBlipsAreCountedApart(t *testing.T) {
	r := lossy()
	g := groups(r.normal())[0]
	if g.services.sample.N() != 1 || len(g.services.blips) != 9 {
		t.Errorf("%d outages and %d blips", g.services.sample.N(), len(g.services.blips))
	}
	if all := facts(&r, []*group{g}); !slices.Contains(all, "1 outage") || !slices.Contains(all, "9 blips") {
		t.Errorf("the facts are %q", all)
	}
	if c := newRow(g).Classes[0]; c.N != "1" || c.Blips.Text != "9" || c.Blips.Over {
		t.Errorf("the row is %+v", c)
	}
	c, err := g.ecdf()
	if err != nil || !strings.Contains(string(c.Option), "virtual services (n = 1)") || !strings.Contains(string(c.Option), "virtual services, blips (n = 9)") {
		t.Errorf("%v, %s", err, c.Option)
	}
	if got := longest(&r.Runs[0], false); got != 300_000 {
		t.Errorf("the baseline keeps %d µs", got)
	}
}

// TestBoundsHoldForBlips: a service that may not notice anything loses no probe.
func TestBoundsHoldForBlips(t *testing.T) {
	r := lossy()
	r.Scenarios[0].Bounds[0].Max = 20 * ms
	if c := newRow(groups(r.normal())[0]).Classes[0]; !c.Blips.Over {
		t.Errorf("the row is %+v", c)
	}
}

// TestOnlyBlips: a scenario without outages still shows the longest of them.
func TestOnlyBlips(t *testing.T) {
	r := lossy()
	r.Runs[0].Outages = r.Runs[0].Outages[:9]
	text := html(t, &r, Options{})
	for _, want := range []string{"9 blips, no outage", "longest blip", "none</strong> <span>in 1 run; 9 blips"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestOutlasted: where an outage is as long as its fault, it is said how much the platform can answer for.
func TestOutlasted(t *testing.T) {
	o := checker.Outage{Service: api, Fault: "crash", Target: "controllers", Duration: 24 * time.Second, AfterHeal: 500 * ms, Ended: true}
	r := Results{Runs: []checker.Result{{Scenario: "s", World: "sim", Seed: 1, Verdict: checker.Pass, Outages: []checker.Outage{o}}}}
	var terminal, markdown bytes.Buffer
	if err := WriteSummary(&terminal, &r, "firedrill", false); err != nil {
		t.Fatal(err)
	}
	if err := WriteMarkdown(&markdown, &r, "firedrill", ""); err != nil {
		t.Fatal(err)
	}
	const want = "of which 500 ms after the fault was over"
	for name, text := range map[string]string{"page": html(t, &r, Options{}), "summary": terminal.String(), "markdown": markdown.String()} {
		if !strings.Contains(text, want) {
			t.Errorf("the %s lacks %q", name, want)
		}
	}
	r.Runs[0].Outages[0].AfterHeal = 0
	if text := html(t, &r, Options{}); strings.Contains(text, "after the fault was over") {
		t.Error("it is said of a service that came back before")
	}
}

// TestInterruptedIsNotHeld: a scenario of which some runs are missing has not passed.
func TestInterruptedIsNotHeld(t *testing.T) {
	run := checker.Result{Scenario: "b", World: "sim", Seed: 1, Verdict: checker.Pass}
	whole := run
	whole.Scenario = "a"
	r := Results{Scenarios: []Scenario{{Name: "a"}, {Name: "b", Missing: 19}, {Name: "c", Missing: 20}}, Runs: []checker.Result{whole, run}}
	all := groups(r.normal())
	verdict, text := headline(all)
	if verdict != partlyRun || text != "What was played held: 2 runs. 1 scenario played in part only. 1 scenario not run. 39 runs missing." {
		t.Errorf("%s: %s", verdict, text)
	}
	if row := newRow(all[1]); row.Verdict != partlyRun || row.Seeds != "1/1 of 20" {
		t.Errorf("the row is %+v", row)
	}
	if verdict, _ := headline(all[:1]); verdict != checker.Pass {
		t.Errorf("a whole scenario is %s", verdict)
	}
	var junit bytes.Buffer
	if err := WriteJUnit(&junit, &r, "firedrill"); err != nil || !strings.Contains(junit.String(), `<skipped message="interrupted: 1/1 of 20 held"`) {
		t.Errorf("%v\n%s", err, junit.String())
	}
}
