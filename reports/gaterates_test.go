package reports

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"firedrill/checker"
)

// The gate's error rates, measured: how often it cries wolf over equal code, and how often it sees a detection timer that
// has become 10 % slower. What it is fed comes from two sources: a model of outages, for whole suites, and runs of the
// simulator, kept in testdata/gate (see its README.md).

const (
	rateSeeds     = 200
	rateScenarios = 8
	rateRounds    = 500
)

// timing is how one scenario's outages come about. The services of a run share its fault, and with it the wait
// until a heartbeat is missed: they are a cluster, not independent draws.
type timing struct {
	heartbeat time.Duration
	beats     int
	rest      time.Duration // decide, announce, converge
	services  int
	rare      float64 // share of the runs in which anything is dark at all
}

func (d timing) run(rng *rand.Rand, scenario string, seed uint64, slower float64, jitter time.Duration) checker.Result {
	r := checker.Result{Scenario: scenario, World: "sim", Seed: seed, Verdict: checker.Pass}
	if rng.Float64() >= d.rare {
		return r
	}
	phase := rng.Float64()
	detect := time.Duration(float64(d.heartbeat) * slower * (float64(d.beats) - phase))
	unlucky := time.Duration(0)
	if rng.IntN(50) == 0 { // an announcement or a vote is lost, and comes again
		unlucky = d.rest * 4
	}
	for i := range d.services {
		rest := time.Duration(float64(d.rest) * (0.6 + 0.8*rng.Float64()))
		wobble := time.Duration(rng.NormFloat64() * float64(jitter))
		r.Outages = append(r.Outages, checker.Outage{Service: "vs-" + string(rune('a'+i)), Fault: "power-loss", Ended: true,
			Duration: max(time.Millisecond, detect+rest+unlucky+wobble)})
	}
	return r
}

func timings(rng *rand.Rand) []timing {
	out := make([]timing, rateScenarios)
	for i := range out {
		out[i] = timing{heartbeat: time.Duration(50+rng.IntN(200)) * ms, beats: 3 + rng.IntN(3), rest: time.Duration(10+rng.IntN(40)) * ms,
			services: 1 + i%3, rare: 1}
		if i%4 == 3 {
			out[i].rare = 0.1
		}
	}
	return out
}

// suite plays all scenarios; the first is slower by a factor. Plans are drawn from planSeed, and what differs between two
// builds of equal behaviour from jitter.
func suite(all []timing, planSeed uint64, slower float64, jitter time.Duration) *Results {
	r := &Results{Version: Version}
	for i, d := range all {
		name := fmt.Sprintf("scenario-%02d", i)
		r.Scenarios = append(r.Scenarios, Scenario{Name: name})
		for seed := uint64(1); seed <= rateSeeds; seed++ {
			rng := rand.New(rand.NewPCG(planSeed+seed, uint64(i)))
			r.Runs = append(r.Runs, d.run(rng, name, seed, slower, jitter))
		}
		slower = 1
	}
	return r
}

// rate counts in how many rounds the gate finds a regression; of names the scenario, empty: anywhere.
func rate(t *testing.T, rounds int, of string, draw func(round uint64) (before, after *Results)) float64 {
	t.Helper()
	found := 0
	for round := range uint64(rounds) {
		before, after := draw(round)
		b := NewBaseline(before)
		for i := range b.Scenarios {
			if err := b.Scenarios[i].check(); err != nil {
				t.Fatal(err)
			}
		}
		if slices.ContainsFunc(NewGate(b, after, 0.05, "").Findings, func(f Finding) bool { return of == "" || f.Scenario == of }) {
			found++
		}
	}
	return float64(found) / float64(rounds)
}

func TestErrorRatesOfTheGate(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	all := timings(rand.New(rand.NewPCG(1, 2)))
	for _, c := range []struct {
		name   string
		of     string
		rounds int
		least  float64
		most   float64
		draw   func(round uint64) (_, _ *Results)
	}{
		{"equal code, the same seeds", "", 20, 0, 0, func(n uint64) (_, _ *Results) {
			return suite(all, n*1000, 1, 0), suite(all, n*1000, 1, 0)
		}},
		{"equal code, other seeds", "", rateRounds, 0, 0.02, func(n uint64) (_, _ *Results) {
			return suite(all, n*1000, 1, 0), suite(all, n*1000+500, 1, 0)
		}},
		{"equal code, the same seeds, 2 ms of jitter", "", rateRounds, 0, 0.02, func(n uint64) (_, _ *Results) {
			return suite(all, n*1000, 1, 0), jittered(suite(all, n*1000, 1, 0), n, 2*ms)
		}},
		{"detection 10 % slower, the same seeds", "scenario-00", 200, 0.95, 1, func(n uint64) (_, _ *Results) {
			return suite(all, n*1000, 1, 0), suite(all, n*1000, 1.1, 0)
		}},
		{"detection 10 % slower, other seeds", "scenario-00", 200, 0.95, 1, func(n uint64) (_, _ *Results) {
			return suite(all, n*1000, 1, 0), suite(all, n*1000+500, 1.1, 0)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := rate(t, c.rounds, c.of, c.draw)
			t.Logf("regressions found in %.1f %% of %d comparisons", 100*got, c.rounds)
			if got < c.least || got > c.most {
				t.Errorf("%v, want %v to %v", got, c.least, c.most)
			}
		})
	}
}

// jittered moves every outage a little, as another order of random draws does.
func jittered(r *Results, seed uint64, by time.Duration) *Results {
	rng := rand.New(rand.NewPCG(seed, 7))
	for i := range r.Runs {
		for j := range r.Runs[i].Outages {
			o := &r.Runs[i].Outages[j]
			o.Duration = max(time.Millisecond, o.Duration+time.Duration(rng.NormFloat64()*float64(by)))
		}
	}
	return r
}

// measured draws 200 runs of each scenario from kept ones, and pairs them as they come.
func measured(rng *rand.Rand, from ...*Baseline) (before, after *Results) {
	halves := [2]*Results{{Version: Version}, {Version: Version}}
	for i, s := range from[0].Scenarios {
		var services, apis []int64
		for _, b := range from {
			services, apis = append(services, b.Scenarios[i].Services...), append(apis, b.Scenarios[i].API...)
		}
		order := rng.Perm(len(services))
		for half, r := range halves {
			r.Scenarios = append(r.Scenarios, Scenario{Name: s.Scenario})
			for n, at := range order[half*rateSeeds : (half+1)*rateSeeds] {
				run := checker.Result{Scenario: s.Scenario, World: "sim", Seed: uint64(n + 1), Verdict: checker.Pass}
				for service, us := range map[string]int64{"web": services[at], api: apis[at]} {
					if us > 0 {
						run.Outages = append(run.Outages, checker.Outage{Service: service, Duration: time.Duration(us) * time.Microsecond, Ended: true})
					}
				}
				r.Runs = append(r.Runs, run)
			}
		}
	}
	return halves[0], halves[1]
}

func readGateData(t *testing.T, name string) *Baseline {
	t.Helper()
	b, err := ReadBaseline("testdata/gate/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The same rates on what the simulator itself measured.
func TestErrorRatesOfTheGateOnMeasuredRuns(t *testing.T) {
	equal := []*Baseline{readGateData(t, "base"), readGateData(t, "other")}
	slow := []*Baseline{readGateData(t, "slow"), readGateData(t, "slow2")}
	got := rate(t, rateRounds, "", func(n uint64) (_, _ *Results) {
		return measured(rand.New(rand.NewPCG(n, 1)), equal...)
	})
	t.Logf("equal code, other seeds: regressions found in %.1f %% of %d comparisons", 100*got, rateRounds)
	if got >= 0.02 {
		t.Errorf("false alarms: %v", got)
	}
	for _, s := range slow[0].Scenarios {
		got := rate(t, rateRounds, s.Scenario, func(n uint64) (_, _ *Results) {
			before, _ := measured(rand.New(rand.NewPCG(n, 2)), equal...)
			after, _ := measured(rand.New(rand.NewPCG(n, 3)), slow...)
			return before, after
		})
		t.Logf("%s, detection 10 %% slower, other seeds: found in %.1f %% of %d comparisons", s.Scenario, 100*got, rateRounds)
		if got < 0.95 {
			t.Errorf("%s: found in %v", s.Scenario, got)
		}
	}
	for i := range equal {
		r := asResults(slow[i])
		if g := NewGate(equal[i], r, 0.05, ""); len(g.Findings) != len(r.Scenarios) {
			t.Errorf("the same seeds, 10 %% slower: %+v", g.Findings)
		}
	}
}

// asResults turns a baseline back into runs with one outage a class.
func asResults(b *Baseline) *Results {
	r := &Results{Version: Version}
	for _, s := range b.Scenarios {
		r.Scenarios = append(r.Scenarios, Scenario{Name: s.Scenario, Digest: s.Digest, Bounds: s.Bounds})
		for i, seed := range s.seeds {
			run := checker.Result{Scenario: s.Scenario, World: s.World, Seed: seed, Verdict: checker.Pass}
			for _, c := range []struct {
				service string
				us      int64
			}{{"web", s.Services[i]}, {api, s.API[i]}} {
				if c.us > 0 {
					run.Outages = append(run.Outages, checker.Outage{Service: c.service, Duration: time.Duration(c.us) * time.Microsecond, Ended: true})
				}
			}
			r.Runs = append(r.Runs, run)
		}
	}
	return r
}
