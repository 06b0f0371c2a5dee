package reports

import (
	"math"
	"slices"
	"sort"
	"time"
)

// clusters are durations by the run in which they were measured. The services of one run share its faults, so their
// outages are alike; taken for independent they would make every interval too narrow.
type clusters [][]time.Duration

// newClusteredSample takes durations run by run. Runs without any say nothing of how long outages are.
func newClusteredSample(by clusters) Sample {
	var all []time.Duration
	for _, run := range by {
		all = append(all, run...)
	}
	s := NewSample(all)
	for _, run := range by {
		if len(run) > 0 {
			s.runs = append(s.runs, slices.Sorted(slices.Values(run)))
		}
	}
	return s
}

// Runs is in how many runs something was measured: how many independent measurements there are at least.
func (s Sample) Runs() int {
	if s.runs == nil {
		return s.N()
	}
	return len(s.runs)
}

// effective is the number of independent measurements that would tell as much about the quantile at value as these do
// (Korn and Graubard, 1998): their number divided by the design effect, which compares the variance of the share up
// to the value between runs with what it were if all were independent (Woodruff, 1952; Kish, 1965).
func (s Sample) effective(value float64) int {
	if s.runs == nil || len(s.runs) == s.N() {
		return s.N()
	}
	n, m := float64(s.N()), float64(len(s.runs))
	below := sort.SearchFloat64s(s.sorted, math.Nextafter(value, math.Inf(1)))
	share := float64(below) / n
	variance := 0.0
	for _, run := range s.runs {
		inside := sort.Search(len(run), func(i int) bool { return float64(run[i]) > value })
		d := float64(inside) - share*float64(len(run))
		variance += d * d
	}
	if m < 2 || variance == 0 {
		return len(s.runs) // nothing is known of how alike they are: as alike as can be
	}
	variance *= m / (m - 1)
	effect := variance / (n * share * (1 - share))
	return max(1, int(math.Round(n/max(1, effect))))
}
