package reports

import (
	"math"
	"slices"
	"sort"
	"time"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// confidence is that of every interval in a report.
const confidence = 0.95

// Sample is a number of measured durations. The zero Sample is empty.
type Sample struct {
	sorted []float64         // nanoseconds; exact up to a hundred days
	runs   [][]time.Duration // the same by run, each sorted; nil: every one is of a run of its own
}

// NewSample takes durations in any order.
func NewSample(durations []time.Duration) Sample {
	s := Sample{sorted: make([]float64, len(durations))}
	for i, d := range durations {
		s.sorted[i] = float64(d)
	}
	slices.Sort(s.sorted)
	return s
}

// N is how many durations the sample holds.
func (s Sample) N() int { return len(s.sorted) }

// Max is the longest duration; zero of an empty sample.
func (s Sample) Max() time.Duration {
	if s.N() == 0 {
		return 0
	}
	return time.Duration(s.sorted[s.N()-1])
}

// Quantile is a quantile with its count and spread.
type Quantile struct {
	Q      float64 // such as 0.99
	N      int     // the size of the sample
	Runs   int     // in how many runs it was measured
	Enough bool    // false: the sample is too small to have this quantile, and Value counts for nothing
	Value  time.Duration

	// The 95 % interval, of two values of the sample. A small sample knows no limit on one side or on both.
	Low, High           time.Duration
	LowKnown, HighKnown bool
}

// Needed is how many runs a sample must be of for the quantile q: at least one of so many independent values is expected
// to lie beyond. That is 2 for the median and 100 for p99.
func Needed(q float64) int {
	n := int(1 / (1 - q))
	for float64(n)*(1-q) < 1-1e-9 { // 1-0.99 is not quite 0.01
		n++
	}
	return n
}

// Quantile returns the quantile q, between 0 and 1: the smallest value that a share q of the sample does not
// exceed.
func (s Sample) Quantile(q float64) Quantile {
	out := Quantile{Q: q, N: s.N(), Runs: s.Runs(), Enough: s.Runs() >= Needed(q)}
	if s.N() == 0 {
		return out
	}
	value := stat.Quantile(q, stat.Empirical, s.sorted, nil)
	if out.Enough {
		out.Value = time.Duration(value)
	}
	low, high := s.ranks(q, value)
	if out.LowKnown = low >= 1; out.LowKnown {
		out.Low = time.Duration(s.sorted[low-1])
	}
	if out.HighKnown = high <= s.N(); out.HighKnown {
		out.High = time.Duration(s.sorted[high-1])
	}
	return out
}

// ranks is [interval] for a sample whose values are not independent: the ranks of as many values as it is worth,
// stretched to as many as it has, outwards.
func (s Sample) ranks(q, value float64) (low, high int) {
	worth := s.effective(value)
	low, high = interval(worth, q)
	if worth == s.N() {
		return low, high
	}
	if high > worth {
		high = s.N() + 1
	}
	stretch := float64(s.N()) / float64(worth)
	return int(float64(low) * stretch), min(s.N()+1, int(math.Ceil(float64(high)*stretch)))
}

// interval returns the ranks, from 1, of the two values between which the true quantile lies with the wanted
// confidence, whatever the distribution. How many of n values lie below the quantile q is binomial, so the
// ranks are where the tails of that binomial hold less than half of what may be wrong each. Rank 0, or n+1,
// says that the sample has no such value.
func interval(n int, q float64) (low, high int) {
	b := distuv.Binomial{N: float64(n), P: q}
	tail := (1 - confidence) / 2
	low = sort.Search(n, func(k int) bool { return b.CDF(float64(k)) > tail })
	high = 1 + sort.Search(n, func(k int) bool { return b.CDF(float64(k)) >= 1-tail })
	return low, high
}

// Point is a step of an empirical distribution: the share of the sample that is no longer than At.
type Point struct {
	At    time.Duration
	Share float64
}

// ECDF returns the empirical distribution as at most limit steps (2 or more), the first and the last among
// them.
func (s Sample) ECDF(limit int) []Point {
	var all []Point
	for i, v := range s.sorted {
		if i+1 < s.N() && s.sorted[i+1] == v {
			continue // equal values are one step
		}
		all = append(all, Point{At: time.Duration(v), Share: float64(i+1) / float64(s.N())})
	}
	if len(all) <= limit {
		return all
	}
	out := make([]Point, limit)
	for i := range out {
		out[i] = all[i*(len(all)-1)/(limit-1)]
	}
	return out
}

// box returns what a box plot draws: minimum, quartiles, maximum. The sample must not be empty.
func (s Sample) box() [5]time.Duration {
	var out [5]time.Duration
	for i := range out {
		out[i] = time.Duration(stat.Quantile(float64(i)/4, stat.Empirical, s.sorted, nil))
	}
	return out
}
