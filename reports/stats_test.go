package reports

import (
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// to is the sample 1 ms, 2 ms, ..., n ms.
func to(n int) Sample {
	var all []time.Duration
	for i := n; i >= 1; i-- {
		all = append(all, time.Duration(i)*ms)
	}
	return NewSample(all)
}

func TestQuantiles(t *testing.T) {
	for _, c := range []struct {
		n      int
		q      float64
		enough bool
		value  time.Duration
	}{
		{0, 0.5, false, 0},
		{1, 0.5, false, 0},
		{2, 0.5, true, 1 * ms},
		{3, 0.5, true, 2 * ms},
		{9, 0.9, false, 0},
		{10, 0.9, true, 9 * ms},
		{99, 0.99, false, 0},
		{100, 0.99, true, 99 * ms},
		{1000, 0.99, true, 990 * ms},
	} {
		got := to(c.n).Quantile(c.q)
		if got.N != c.n || got.Enough != c.enough || got.Value != c.value {
			t.Errorf("n = %d, q = %v: got %+v, want %v, %v", c.n, c.q, got, c.enough, c.value)
		}
	}
}

// The ranks of the median are those that tables of its binomial interval give; 0 and n+1 mean none.
func TestIntervals(t *testing.T) {
	for _, c := range []struct {
		n         int
		q         float64
		low, high int
	}{
		{5, 0.5, 0, 6}, // five values cannot hold the median with 95 %: 1 - 2/32 is less
		{6, 0.5, 1, 6}, // six can: 1 - 2/64
		{10, 0.5, 2, 9},
		{20, 0.5, 6, 15},
		{100, 0.5, 40, 61},
		{35, 0.9, 28, 36}, // 0.9^35 is more than 0.025
		{36, 0.9, 29, 36}, // 0.9^36 is less
		{100, 0.99, 97, 101},
	} {
		if low, high := interval(c.n, c.q); low != c.low || high != c.high {
			t.Errorf("n = %d, q = %v: got %d to %d, want %d to %d", c.n, c.q, low, high, c.low, c.high)
		}
	}
}

// covered is the exact probability, in whole numbers over 2^n, that the median lies between two ranks.
func covered(n, low, high int) float64 {
	sum := new(big.Int)
	for k := low; k < high; k++ {
		sum.Add(sum, new(big.Int).Binomial(int64(n), int64(k)))
	}
	out, _ := new(big.Rat).SetFrac(sum, new(big.Int).Lsh(big.NewInt(1), uint(n))).Float64()
	return out
}

func TestIntervalsOfTheMedianCoverWhatTheySay(t *testing.T) {
	for n := 6; n <= 200; n++ {
		low, high := interval(n, 0.5)
		if got := covered(n, low, high); got < confidence {
			t.Errorf("n = %d: ranks %d to %d cover %v", n, low, high, got)
		}
		if got := covered(n, low+1, high-1); got >= confidence {
			t.Errorf("n = %d: ranks %d to %d are wider than need be", n, low, high)
		}
		if low+high != n+1 {
			t.Errorf("n = %d: ranks %d to %d are not symmetrical", n, low, high)
		}
	}
}

func samples(t *rapid.T) []time.Duration {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "ns"))
	}), 1, 300).Draw(t, "durations")
}

func TestQuantilesAreValuesOfTheSample(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := samples(t)
		s := NewSample(all)
		var before time.Duration
		for _, q := range []float64{0.5, 0.9, 0.99} {
			got := s.Quantile(q)
			if !got.Enough {
				continue
			}
			below := 0
			for _, d := range all {
				if d <= got.Value {
					below++
				}
			}
			if !slices.Contains(all, got.Value) || float64(below) < q*float64(len(all))-1e-9 {
				t.Fatalf("%v is no quantile %v of %v", got.Value, q, all)
			}
			if got.LowKnown && got.Low > got.Value || got.HighKnown && got.High < got.Value || got.Value < before {
				t.Fatalf("%+v is out of order", got)
			}
			before = got.Value
		}
		if s.Max() != slices.Max(all) || s.N() != len(all) {
			t.Fatalf("max %v of %d", s.Max(), s.N())
		}
	})
}

func TestECDF(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewSample(samples(t))
		limit := rapid.IntRange(2, 50).Draw(t, "limit")
		points := s.ECDF(limit)
		if len(points) == 0 || len(points) > limit {
			t.Fatalf("%d points, at most %d", len(points), limit)
		}
		if last := points[len(points)-1]; last.At != s.Max() || last.Share != 1 {
			t.Fatalf("ends with %+v", last)
		}
		for i, p := range points {
			if i > 0 && (p.At <= points[i-1].At || p.Share <= points[i-1].Share) {
				t.Fatalf("%+v follows %+v", p, points[i-1])
			}
			below, _ := slices.BinarySearch(s.sorted, math.Nextafter(float64(p.At), math.Inf(1)))
			if p.Share != float64(below)/float64(s.N()) {
				t.Fatalf("%+v, but %d of %d are no longer", p, below, s.N())
			}
		}
	})
}
