package compare

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// Darwin's plants, in eighths of an inch, crossed against self-fertilized: Wilcoxon's test is in many a textbook, with
// W = 96 of 120 and p = 0.0413 (R: wilcox.test(..., paired = TRUE, exact = TRUE)).
func TestWilcoxonOnDarwinsPlants(t *testing.T) {
	differences := []int64{49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48}
	p, _, direction := signedRank(differences)
	if math.Abs(p-0.0413) > 0.0001 || direction != 1 {
		t.Errorf("p = %v, direction %d", p, direction)
	}
	if shift := pairedShift(differences); shift.Value != 25 || !shift.Known {
		t.Errorf("shift %+v, want 25", shift)
	}
}

// The interval holds just those shifts that the test does not refuse.
func TestIntervalsAndTestsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SliceOfNDistinct(rapid.Int64Range(-1e6, 1e6), 6, 40, rapid.ID).Draw(t, "differences")
		for i := range d {
			d[i] = 16 * d[i]
		}
		shift := pairedShift(d)
		refused := func(by float64) bool {
			moved := make([]int64, len(d))
			for i := range d {
				moved[i] = d[i] - int64(by)
			}
			p, _, _ := signedRank(moved)
			return p < 1-confidence
		}
		if !shift.Known || refused(shift.Value) || !refused(shift.Low-1) || !refused(shift.High+1) || refused(shift.Low+1) && shift.Low+1 < shift.High {
			t.Fatalf("%+v", shift)
		}
	})
}

func TestEqualListsHaveNotChanged(t *testing.T) {
	same := []int64{5, 0, 0, 312, 340}
	c := Paired(same, same)
	if c.P != 1 || c.Shift.Value != 0 || c.Direction != 0 || c.Same != len(same) {
		t.Errorf("%+v", c)
	}
	if c := Unpaired([]int64{3, 3, 3}, []int64{3, 3, 3}); c.P != 1 || c.Shift.Value != 0 || c.Direction != 0 {
		t.Errorf("%+v", c)
	}
	if c := Unpaired(nil, []int64{3}); c.P != 1 || c.LeastP != 1 {
		t.Errorf("%+v", c)
	}
	if c := Paired(nil, nil); c.P != 1 || c.LeastP != 1 {
		t.Errorf("%+v", c)
	}
}

func TestHolm(t *testing.T) {
	got := Holm([]float64{0.01, 0.04, 0.03, 0.005})
	if d := cmp.Diff([]float64{0.03, 0.06, 0.06, 0.02}, got, cmpopts.EquateApprox(0, 1e-12)); d != "" {
		t.Error(d)
	}
	if len(Holm(nil)) != 0 {
		t.Error("no tests have no p-values")
	}
}

// The exact distribution and the normal one meet where one takes over from the other.
func TestExactMeetsNormal(t *testing.T) {
	var differences []int64
	for i := int64(1); i <= exactLimit+1; i++ {
		if i%3 == 0 {
			differences = append(differences, -i)
		} else {
			differences = append(differences, i)
		}
	}
	ranks := doubledRanks(differences)
	for _, sum := range []int{3000, 3500, 4000, 5000} {
		exact, normal := exactRankTail(ranks, sum), normalRankTail(ranks, sum)
		if normal < 0.98*exact || normal > 1.3*exact {
			t.Errorf("sum %d: exact %v, normal %v", sum, exact, normal)
		}
	}
}

func lists(t *rapid.T, name string, length int) []int64 {
	return rapid.SliceOfN(rapid.Int64Range(-20, 20), length, length).Draw(t, name)
}

// The shifts are medians of multitudes that are never written down; here they are.
func TestShiftsAreMediansOfWhatTheySay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, m := rapid.IntRange(1, 30).Draw(t, "n"), rapid.IntRange(1, 30).Draw(t, "m")
		b, a := lists(t, "before", n), lists(t, "after", m)
		var walsh, apart []float64
		for i := range b {
			for j := range i + 1 {
				walsh = append(walsh, float64(b[i]+b[j])/2)
			}
			for j := range a {
				apart = append(apart, float64(a[j]-b[i]))
			}
		}
		for _, c := range []struct {
			got  Interval
			from []float64
		}{{pairedShift(b), walsh}, {unpairedShift(b, a), apart}} {
			slices.Sort(c.from)
			k := len(c.from)
			if want := (c.from[(k-1)/2] + c.from[k/2]) / 2; c.got.Value != want {
				t.Fatalf("%v, want %v", c.got.Value, want)
			}
			if c.got.Known && (c.got.Low > c.got.Value || c.got.High < c.got.Value || !slices.Contains(c.from, c.got.Low)) {
				t.Fatalf("interval %+v", c.got)
			}
		}
	})
}

// Turned around, a comparison says the opposite with the same certainty.
func TestComparisonsAreSymmetrical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 120).Draw(t, "n")
		b, a := lists(t, "before", n), lists(t, "after", n)
		for _, compare := range []func(_, _ []int64) Change{Paired, Unpaired} {
			one, other := compare(b, a), compare(a, b)
			if one.Direction != -other.Direction || one.Shift.Value != -other.Shift.Value || math.Abs(one.P-other.P) > 1e-9 {
				t.Fatalf("%+v\n%+v", one, other)
			}
			if one.P < 0 || one.P > 1 || one.P < one.LeastP-1e-12 && n <= 20 {
				t.Fatalf("p = %v, at least %v", one.P, one.LeastP)
			}
		}
	})
}
