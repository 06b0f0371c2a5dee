package reports

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
	"gonum.org/v1/gonum/stat"

	"firedrill/scenarios"
)

// fidelity sets the outages of one class of a scenario in the simulator against those on containers.
type fidelity struct {
	ID, Scenario, Of string
	N                string // outages, simulated and real
	Ratios           []ratio
	Apart            string // the Kolmogorov-Smirnov distance
	Phase            string // the phase whose medians differ most, and by how much
	Near             bool   // whether the simulator is as near as is asked of it
	But              string // where it is not, and what is not known
	Chart            chart
}

// ratio is how a percentile of the real outages stands to the simulated one.
type ratio struct {
	Simulated, Real, Ratio string
	Spread                 string // its 95 % interval
}

// percentiles are what is held against what is asked: how far the simulated one may be from the real one, in parts of it,
// and how many outages each world must have seen before that means anything. Of fewer than 100 the p99 is the longest.
var percentiles = []struct {
	name    string
	at      float64
	allowed float64
	least   int
}{{"median", 0.5, 0.20, 1}, {"p99", 0.99, 0.35, 10}}

// tooFew is said in the place of an interval that a sample is too small to have.
const tooFew = "not known: n is too small"

// bootstraps is how many resamples an interval of a ratio takes.
const bootstraps = 2000

// fidelities compares the worlds wherever a scenario was played in both and services were dark in both.
func fidelities(all []*group) ([]fidelity, error) {
	var out []fidelity
	for _, sim := range all {
		if sim.world != scenarios.WorldSim {
			continue
		}
		i := slices.IndexFunc(all, func(g *group) bool {
			return g.info.Name == sim.info.Name && g.world != "" && g.world != scenarios.WorldSim
		})
		if i < 0 {
			continue
		}
		for _, of := range []struct {
			name      string
			sim, real *class
		}{{"virtual services", &sim.services, &all[i].services}, {"API", &sim.api, &all[i].api}} {
			if of.sim.sample.N() == 0 || of.real.sample.N() == 0 {
				continue
			}
			f, err := newFidelity(sim, of.name, of.sim, of.real)
			if err != nil {
				return nil, err
			}
			out = append(out, f)
		}
	}
	return out, nil
}

func newFidelity(g *group, of string, sim, real *class) (fidelity, error) {
	f := fidelity{ID: g.id, Scenario: g.info.Name, Of: of, N: count(sim.sample.N()) + " / " + count(real.sample.N())}
	for _, p := range percentiles {
		s, r := at(sim.sample.sorted, p.at), at(real.sample.sorted, p.at)
		f.Ratios = append(f.Ratios, ratio{duration(s), duration(r), fmt.Sprintf("%.2f", float64(r)/float64(s)),
			ratioSpread(sim.sample, real.sample, p.at, p.least)})
	}
	f.Apart = fmt.Sprintf("%.2f", stat.KolmogorovSmirnov(sim.sample.sorted, nil, real.sample.sorted, nil))
	f.Phase = phaseApart(sim.outages, real.outages, 0.5)
	f.Near, f.But = near(sim, real)
	var err error
	f.Chart, err = f.draw(sim.sample, real.sample)
	return f, err
}

// at is a quantile of durations in nanoseconds.
func at(sorted []float64, quantile float64) time.Duration {
	return time.Duration(stat.Quantile(quantile, stat.Empirical, sorted, nil))
}

func median(sorted []float64) time.Duration { return at(sorted, 0.5) }

// near says whether the simulator is as near to the containers as is asked of it, and if not, which percentile is off and
// which phase makes most of that; and what too few outages leave open.
func near(sim, real *class) (yes bool, but string) {
	var off, unknown []string
	for _, p := range percentiles {
		if min(sim.sample.N(), real.sample.N()) < p.least {
			unknown = append(unknown, p.name+" "+tooFew)
			continue
		}
		s, r := float64(at(sim.sample.sorted, p.at)), float64(at(real.sample.sorted, p.at))
		by := (s - r) / r
		if math.Abs(by) <= p.allowed {
			continue
		}
		how := "too long"
		if by < 0 {
			how = "too short"
		}
		off = append(off, fmt.Sprintf("simulated %s %.0f %% %s, by %s", p.name, math.Abs(by)*100, how, phaseApart(sim.outages, real.outages, p.at)))
	}
	return len(off) == 0, strings.Join(append(off, unknown...), "; ")
}

// ratioSpread is the interval of the ratio of a percentile, if both samples know their own medians well enough to have one,
// and are as large as the percentile asks.
func ratioSpread(sim, real Sample, quantile float64, least int) string {
	for _, s := range []Sample{sim, real} {
		if q := s.Quantile(0.5); !q.LowKnown || !q.HighKnown || s.N() < least {
			return tooFew
		}
	}
	low, high := ratioInterval(sim, real, quantile)
	return fmt.Sprintf("%.2f to %.2f", low, high)
}

// ratioInterval is the 95 % interval of the ratio of a percentile, by resampling whole runs: the outages of one run are alike.
// It draws from a stream of its own, so that a report comes out the same every time.
func ratioInterval(sim, real Sample, quantile float64) (low, high float64) {
	r := rand.New(rand.NewPCG(1, 2))
	ratios := make([]float64, bootstraps)
	for i := range ratios {
		ratios[i] = float64(at(real.resample(r), quantile)) / float64(at(sim.resample(r), quantile))
	}
	slices.Sort(ratios)
	tail := (1 - confidence) / 2
	return stat.Quantile(tail, stat.Empirical, ratios, nil), stat.Quantile(1-tail, stat.Empirical, ratios, nil)
}

// resample draws as many runs as there are, with replacement, and returns their durations, sorted.
func (s Sample) resample(r *rand.Rand) []float64 {
	var out []float64
	if s.runs == nil {
		for range s.sorted {
			out = append(out, s.sorted[r.IntN(s.N())])
		}
	} else {
		for range s.runs {
			for _, d := range s.runs[r.IntN(len(s.runs))] {
				out = append(out, float64(d))
			}
		}
	}
	slices.Sort(out)
	return out
}

// phaseApart names the phase that differs most between two worlds, in the outages around a quantile: of the median, its
// own median; of others, in the outages that are as long.
func phaseApart(sim, real []outage, quantile float64) string {
	labels := phaseLabels(sim[0].Service)
	worst, apart := 0, time.Duration(-1)
	var by time.Duration
	for i := range phaseNames {
		if d := phaseAt(real, i, quantile) - phaseAt(sim, i, quantile); d.Abs() > apart {
			worst, apart, by = i, d.Abs(), d
		}
	}
	if apart == 0 {
		return "none"
	}
	sign := "+"
	if by < 0 {
		sign = "−"
	}
	return labels[worst] + " " + sign + duration(apart)
}

// phaseAt is the length of a phase in the outage that stands at a quantile; at the median, the median of the phase itself,
// which no single outage sways.
func phaseAt(all []outage, phase int, quantile float64) time.Duration {
	length := func(o outage) time.Duration { return lengths(o.Phases)[phase] }
	if quantile == 0.5 {
		return median(sampleBy(all, length).sorted)
	}
	sorted := slices.SortedStableFunc(slices.Values(all), func(a, b outage) int { return cmp.Compare(a.Duration, b.Duration) })
	return length(sorted[min(len(sorted)-1, int(math.Ceil(quantile*float64(len(sorted))))-1)])
}

// draw lays the two distributions over each other.
func (f *fidelity) draw(sim, real Sample) (chart, error) {
	c := charts.NewLine()
	c.SetGlobalOptions(charts.WithXAxisOpts(opts.XAxis{Type: "value", Min: 0, Max: ceiling(millis(max(sim.Max(), real.Max())))}),
		charts.WithYAxisOpts(opts.YAxis{Type: "value", Min: 0, Max: 1}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "axis"}), charts.WithAnimation(false))
	c.AddSeries(fmt.Sprintf("simulator (n = %s)", count(sim.N())), sim.steps(), stepLine(sim, "var(--services)", "solid")...)
	c.AddSeries(fmt.Sprintf("containers (n = %s)", count(real.N())), real.steps(), stepLine(real, "var(--api)", "solid")...)
	label := fmt.Sprintf("Share of outages of %s that ended within a time, in the simulator and on containers; the table has the numbers.", f.Of)
	return newChart("page:fidelity:"+f.Scenario+":"+f.Of[:3], "ecdf", label, 220, c)
}
