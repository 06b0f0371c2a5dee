package reports

import (
	"strings"
	"testing"
	"time"

	"firedrill/checker"
)

func loss(target string, detect, elect, warm, converge time.Duration) checker.Outage {
	return checker.Outage{Service: api, Fault: "crash", Target: target, Duration: detect + elect + warm + converge, Ended: true,
		Phases: checker.Phases{Detect: detect, Decide: elect, Announce: warm, Converge: converge}}
}

// TestLeaderLosses: by profile, of faults at the leader only, each phase for itself, and the vendor's figure where the
// timers are the vendor's.
func TestLeaderLosses(t *testing.T) {
	const s = time.Second
	healed, unseen := loss("leader", s, 0, 0, s), loss("leader", 0, 0, 0, s)
	healed.Healed = true
	r := Results{
		Scenarios: []Scenario{{Name: "fast", Profile: "fast"}, {Name: "slow", Profile: documented}, {Name: "other", Profile: "fast"}},
		Runs: []checker.Result{
			{Scenario: "fast", Seed: 1, Verdict: checker.Pass, Outages: []checker.Outage{loss("leader", 600*ms, 5*ms, 2*ms, 3*ms), healed, unseen}},
			{Scenario: "fast", Seed: 2, Verdict: checker.Pass, Outages: []checker.Outage{loss("host(leader)", 800*ms, 5*ms, 2*ms, 3*ms)}},
			{Scenario: "slow", Seed: 1, Verdict: checker.Pass, Outages: []checker.Outage{loss("leader", 50*s, 5*ms, 150*s, 3*ms)}},
			{Scenario: "other", Seed: 1, Verdict: checker.Pass, Outages: []checker.Outage{loss("controllers", 600*ms, 5*ms, 2*ms, 3*ms)}},
		},
	}
	got, err := leaderLosses(groups(r.normal()))
	if err != nil || len(got) != 2 {
		t.Fatalf("%v, %+v", err, got)
	}
	fast, slow := got[0], got[1]
	if fast.Profile != "fast" || fast.Vendor || fast.About != "2 outages of the API in 2 runs of 1 scenario, in which the fault hit the leader." {
		t.Errorf("got %s", fast.About)
	}
	for i, want := range []string{"detect 800 ms", "elect 5 ms", "warm start 2 ms", "converge 3 ms", "in all 810 ms"} {
		if row := fast.Rows[i]; row.Name+" "+row.Max != want {
			t.Errorf("row %d is %s %s, want %s", i, row.Name, row.Max, want)
		}
	}
	if !slow.Vendor || slow.Rows[4].Vendor != "2 min 40 s to 3 min 40 s" || !strings.Contains(string(slow.Chart.Option), "vendor from") {
		t.Errorf("the vendor's figures are missing: %+v", slow)
	}
	lines := lossLines(groups(r.normal()))
	if want := "leader lost, fast timers: API away 610 ms (p50; detect 600 ms, elect 5 ms, warm start 2 ms, converge 3 ms), max 810 ms; 2 outages in 2 runs"; lines[0] != want {
		t.Errorf("got  %s\nwant %s", lines[0], want)
	}
	if !strings.HasSuffix(lines[1], "1 outage in 1 run; vendor: 2 min 40 s to 3 min 40 s") {
		t.Errorf("got %s", lines[1])
	}
	text := html(t, &r, Options{})
	for _, want := range []string{"Loss of the leader", "Timers: documented.", "warm start"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
