package reports

import (
	"testing"
	"time"

	"firedrill/checker"
)

func TestBoundsOfAService(t *testing.T) {
	g := &group{info: Scenario{Bounds: []Bound{{"*", 450 * ms}, {"shop", 0}, {api, 2 * time.Second}}}}
	for _, c := range []struct {
		service string
		took    time.Duration
		over    bool
	}{
		{"web", 450 * ms, false}, {"web", 451 * ms, true}, {"shop", ms, true}, {api, 2 * time.Second, false}, {api, 3 * time.Second, true},
	} {
		o := outage{Outage: &checker.Outage{Service: c.service, Duration: c.took}}
		if got := g.over(o); got != c.over {
			t.Errorf("%s, dark for %v: over is %v", c.service, c.took, got)
		}
	}
	none := &group{}
	if none.over(outage{Outage: &checker.Outage{Service: "web", Duration: time.Hour}}) {
		t.Error("over a bound that nobody set")
	}
	if !none.over(outage{Outage: &checker.Outage{Service: "web", Duration: time.Hour, Bound: ms}}) {
		t.Error("the outage's own bound does not count")
	}
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		runs []checker.Verdict
		want checker.Verdict
	}{
		{nil, notRun},
		{[]checker.Verdict{checker.Pass, checker.Pass}, checker.Pass},
		{[]checker.Verdict{checker.Pass, checker.Error, checker.Pass}, checker.Error},
		{[]checker.Verdict{checker.Error, checker.Fail, checker.Pass}, checker.Fail},
	} {
		var runs []*checker.Result
		for _, v := range c.runs {
			runs = append(runs, &checker.Result{Verdict: v})
		}
		if got := verdictOf(runs); got != c.want {
			t.Errorf("%v: got %s, want %s", c.runs, got, c.want)
		}
	}
}

func TestReplayCommand(t *testing.T) {
	for _, c := range []struct {
		argument, world, want string
	}{
		{"leader-crash", "sim", "go run . replay leader-crash --seed 7"},
		{"leader-crash", "", "go run . replay leader-crash --seed 7"},
		{"drills/my-own.yaml", "real", "go run . replay drills/my-own.yaml --seed 7 --world real"},
		{"my drill's.yaml", "sim", `go run . replay 'my drill'\''s.yaml' --seed 7`},
		{"$(rm x)", "sim", `go run . replay '$(rm x)' --seed 7`},
	} {
		if got := replayCommand("go run .", c.argument, &checker.Result{Seed: 7, World: c.world}); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}
