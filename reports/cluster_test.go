package reports

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Where every run has one outage, or outages that have nothing to do with each other, they are what they are counted as;
// where those of a run are all the same, they are worth as many as there are runs.
func TestEffectiveSize(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var single, alike, apart clusters
	for range 400 {
		one := time.Duration(rng.Int64N(int64(time.Second)))
		single = append(single, []time.Duration{one})
		alike = append(alike, []time.Duration{one, one, one})
		apart = append(apart, []time.Duration{time.Duration(rng.Int64N(int64(time.Second))), time.Duration(rng.Int64N(int64(time.Second)))})
	}
	for _, c := range []struct {
		name        string
		from        clusters
		least, most int
	}{{"one a run", single, 400, 400}, {"three alike a run", alike, 395, 405}, {"two apart a run", apart, 650, 800}} {
		s := newClusteredSample(c.from)
		if got := s.effective(s.sorted[s.N()/2]); got < c.least || got > c.most {
			t.Errorf("%s: worth %d, want %d to %d", c.name, got, c.least, c.most)
		}
	}
}

// The interval of the median holds the true median as often as it says, though services share their faults.
func TestClusteredIntervalsCoverWhatTheySay(t *testing.T) {
	const rounds, runs, services = 1000, 60, 5
	rng := rand.New(rand.NewPCG(2, 3))
	covered := map[bool]int{}
	for range rounds {
		var by clusters
		var flat []time.Duration
		for range runs {
			shared := rng.NormFloat64()
			var run []time.Duration
			for range services {
				run = append(run, time.Second+time.Duration((shared+0.3*rng.NormFloat64())*float64(50*ms)))
			}
			by, flat = append(by, run), append(flat, run...)
		}
		for clustered, s := range map[bool]Sample{true: newClusteredSample(by), false: NewSample(flat)} {
			if q := s.Quantile(0.5); q.Low <= time.Second && time.Second <= q.High {
				covered[clustered]++
			}
		}
	}
	t.Logf("true median inside: %d of %d; were outages taken for independent: %d", covered[true], rounds, covered[false])
	if covered[true] < 930 || covered[false] > 800 {
		t.Errorf("covered %v", covered)
	}
}

func TestClusteredQuantilesAreOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var by clusters
		for range rapid.IntRange(1, 30).Draw(t, "runs") {
			by = append(by, samples(t))
		}
		s := newClusteredSample(by)
		for _, q := range []float64{0.5, 0.9, 0.99} {
			got := s.Quantile(q)
			if got.Runs != len(by) || got.Enough && (got.LowKnown && got.Low > got.Value || got.HighKnown && got.High < got.Value) {
				t.Fatalf("%+v", got)
			}
		}
	})
}
