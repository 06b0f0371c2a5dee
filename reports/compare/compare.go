// Package compare tells whether durations have changed: by how much, how sure that is, and how sure it can be. The
// tests are those of ranks, because outages are anything but normally distributed.
package compare

import (
	"slices"

	"github.com/aclements/go-moremath/stats"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

// Change is what became of a measure. Before, After, Shift and MeanShift have the unit of what was measured.
type Change struct {
	N, M          int     // how many were measured before and after
	Before, After float64 // the medians
	MeanBefore    float64
	MeanShift     float64  // of the mean
	Shift         Interval // of Hodges and Lehmann: the typical difference
	P             float64  // of the hypothesis that nothing changed, two-sided; 1 where nothing differs
	LeastP        float64  // the smallest P that so few measurements can give, whatever they are
	Direction     int      // of the rank test: 1 up, -1 down, 0 neither

	// Of pairs only.
	Up, Down, Same int
}

// Interval is an estimate with its 95 % confidence interval, where the sample is large enough to have one.
type Interval struct {
	Value, Low, High float64
	Known            bool // false: Low and High count for nothing
}

// Paired compares what was measured on the same seeds: before[i] belongs to after[i]. The test is that of Wilcoxon
// (1945) for signed ranks. Pairs that are equal say nothing for either side and are left out of it, so that two equal
// lists have P = 1; they do count for the shift, which is the median of the means of all pairs of differences.
func Paired(before, after []int64) Change {
	if len(before) != len(after) {
		panic("compare: pairs need lists of one length")
	}
	c := change(before, after)
	differences := make([]int64, len(before))
	for i := range before {
		differences[i] = after[i] - before[i]
		switch {
		case differences[i] > 0:
			c.Up++
		case differences[i] < 0:
			c.Down++
		default:
			c.Same++
		}
	}
	c.P, c.LeastP, c.Direction = signedRank(differences)
	c.Shift = pairedShift(differences)
	return c
}

// Unpaired compares what was measured apart, such as by real runs, where a seed fixes the plan but not the noise. The test
// is that of Mann and Whitney (1947); the shift is the median of all differences between after and before.
func Unpaired(before, after []int64) Change {
	c := change(before, after)
	c.P, c.LeastP = 1, 1
	if len(before) == 0 || len(after) == 0 {
		return c
	}
	c.LeastP = min(1, 2/choose(len(before)+len(after), len(before)))
	u, err := stats.MannWhitneyUTest(floatsOf(after), floatsOf(before), stats.LocationDiffers)
	if err == nil { // it fails where all values are equal
		c.P = min(1, u.P)
		c.Direction = sign(2*u.U - float64(u.N1)*float64(u.N2))
	}
	c.Shift = unpairedShift(before, after)
	return c
}

func change(before, after []int64) Change {
	b, a := floatsOf(before), floatsOf(after)
	c := Change{N: len(b), M: len(a), Before: median(b), After: median(a)}
	if len(b) > 0 && len(a) > 0 {
		c.MeanBefore = stat.Mean(b, nil)
		c.MeanShift = stat.Mean(a, nil) - c.MeanBefore
	}
	return c
}

func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	return stat.Quantile(0.5, stat.Empirical, sorted, nil)
}

func floatsOf(all []int64) []float64 {
	out := make([]float64, len(all))
	for i, v := range all {
		out[i] = float64(v)
	}
	return out
}

func sign(v float64) int {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// Holm corrects the p-values of several tests so that, whichever of their hypotheses are true, the chance that any
// corrected value of a true one falls below a level is no more than that level (Holm, 1979).
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	sorted := slices.Clone(p)
	floats.ArgsortStable(sorted, order)
	out := make([]float64, len(p))
	highest := 0.0
	for rank, i := range order {
		highest = max(highest, min(1, sorted[rank]*float64(len(p)-rank)))
		out[i] = highest
	}
	return out
}
