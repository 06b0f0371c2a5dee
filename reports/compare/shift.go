package compare

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

const confidence = 0.95

// pairedShift is the estimate of Hodges and Lehmann (1963): the median of the means of any two differences, one with
// itself included. Its interval ends at those of these means that Wilcoxon's test would just not refuse as the shift.
func pairedShift(differences []int64) Interval {
	d := slices.Sorted(slices.Values(differences))
	n := len(d)
	if n == 0 {
		return Interval{}
	}
	sums := ordered{ // twice the means, to stay with whole numbers
		n: n * (n + 1) / 2, least: 2 * d[0], most: 2 * d[n-1],
		atMost: func(v int64) int { return walshAtMost(d, v) },
	}
	i := sums.interval(pairedTail(n))
	i.Value, i.Low, i.High = i.Value/2, i.Low/2, i.High/2
	return i
}

// walshAtMost counts the pairs i <= j of sorted values whose sum is at most v: with two pointers all ordered pairs
// are counted, of which each but i = j comes twice.
func walshAtMost(d []int64, v int64) int {
	all, same := 0, 0
	j := len(d)
	for _, x := range d {
		for j > 0 && x+d[j-1] > v {
			j--
		}
		all += j
		if 2*x <= v {
			same++
		}
	}
	return (all + same) / 2
}

// pairedTail is how many means lie beyond either end of the interval, plus one; zero if there are too few.
func pairedTail(n int) int {
	tail := (1 - confidence) / 2
	if n > exactLimit {
		size := float64(n)
		return normalTail(size*(size+1)/4, size*(size+1)*(2*size+1)/24)
	}
	ranks := make([]int, n)
	for i := range ranks {
		ranks[i] = i + 1
	}
	sum := 0.0
	for k, share := range rankSums(ranks) {
		if sum += share; sum > tail {
			return k
		}
	}
	return 0
}

// unpairedShift is the median of all differences between a value after and one before, with the interval of the
// test of Mann and Whitney.
func unpairedShift(before, after []int64) Interval {
	b, a := slices.Sorted(slices.Values(before)), slices.Sorted(slices.Values(after))
	n, m := float64(len(b)), float64(len(a))
	differences := ordered{
		n: len(b) * len(a), least: a[0] - b[len(b)-1], most: a[len(a)-1] - b[0],
		atMost: func(v int64) int { return differencesAtMost(b, a, v) },
	}
	return differences.interval(normalTail(n*m/2, n*m*(n+m+1)/12))
}

// differencesAtMost counts the pairs of sorted values for which after - before is at most v.
func differencesAtMost(before, after []int64, v int64) int {
	all, j := 0, 0
	for _, x := range before {
		for j < len(after) && after[j]-x <= v {
			j++
		}
		all += j
	}
	return all
}

func normalTail(mean, variance float64) int {
	z := distuv.UnitNormal.Quantile((1 + confidence) / 2)
	return max(0, int(math.Floor(mean-z*math.Sqrt(variance))))
}

// ordered is a multitude of whole numbers that is too large to be written down: five thousand seeds have twelve million
// pairs. What it knows is its ends, and how many are at most a value.
type ordered struct {
	n           int
	least, most int64
	atMost      func(int64) int
}

// kth is the k-th smallest, from 1.
func (o ordered) kth(k int) float64 {
	low, high := o.least, o.most
	for low < high {
		middle := low + (high-low)/2
		if o.atMost(middle) >= k {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return float64(low)
}

// interval is the median and the two values that have less than tail others beyond them.
func (o ordered) interval(tail int) Interval {
	i := Interval{Value: (o.kth((o.n+1)/2) + o.kth(o.n/2+1)) / 2}
	if i.Known = tail >= 1; i.Known {
		i.Low, i.High = o.kth(tail), o.kth(o.n+1-tail)
	}
	return i
}
