package reports

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firedrill/checker"
	"firedrill/checker/history"
)

func TestStripShowsEveryServiceAndEveryDarkness(t *testing.T) {
	g := &group{info: Scenario{Groups: []Group{{Services: []string{"quiet", "web"}}}}}
	run := &checker.Result{Seed: 7, Verdict: checker.Fail, Simulated: 100 * time.Second, Outages: []checker.Outage{
		{Service: "web", Start: 10 * time.Second, Duration: 5 * time.Second},
		{Service: "web", Start: 98 * time.Second, Duration: 5 * time.Second}, // longer than the run
		{Service: "unlisted", Start: 50 * time.Second, Duration: time.Millisecond},
	}}
	h := &history.History{Events: []history.Event{
		{Time: int64(10 * time.Second), Type: history.Fault, Fault: "crash", Target: "leader", Step: 1, Phase: history.Begin},
		{Time: int64(20 * time.Second), Type: history.Fault, Fault: "power-loss", Target: "a", Step: 2, Phase: history.Begin},
		{Time: int64(30 * time.Second), Type: history.Fault, Fault: "crash", Target: "leader", Step: 1, Phase: history.Finish},
	}}
	want := &strip{Seed: 7, To: "1 min 40 s", Failed: true,
		Rows: []stripRow{
			{Service: "web", Total: "10 s", Dark: []span{{10, 5, "web dark for 5 s from 10 s on"}, {98, 2, "web dark for 5 s from 1 min 38 s on"}}},
			{Service: "unlisted", Total: "1 ms", Dark: []span{{50, 0, "unlisted dark for 1 ms from 50 s on"}}},
			{Service: "quiet", Total: "never dark"},
			{Service: "api", Total: "never dark"},
		},
		Blows: []span{{10, 20, "crash at leader"}, {20, 80, "power-loss at a"}},
	}
	if d := cmp.Diff(want, newStrip(g, run, h)); d != "" {
		t.Error(d)
	}
	if newStrip(g, &checker.Result{}, nil) != nil {
		t.Error("a run of no length has a strip")
	}
}
