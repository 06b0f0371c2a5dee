package compare

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat/combin"
	"gonum.org/v1/gonum/stat/distuv"
)

// exactLimit is how many differences the exact distribution is worked out for. Beyond it the normal one is near, and
// far out in the tails it errs towards no change.
const exactLimit = 100

// signedRank is Wilcoxon's test. Neither gonum nor go-moremath has it.
func signedRank(differences []int64) (p, least float64, direction int) {
	ranks := doubledRanks(differences)
	n := len(ranks)
	least = min(1, math.Ldexp(2, -len(differences)))
	if n == 0 {
		return 1, least, 0
	}
	up, total := 0, 0
	for _, r := range ranks {
		total += abs(r)
		up += max(r, 0)
	}
	direction = sign(float64(2*up - total))
	extreme := min(up, total-up) // by symmetry the lower tail is as good as the upper
	tail := normalRankTail
	if n <= exactLimit {
		tail = exactRankTail
	}
	return min(1, 2*tail(ranks, extreme)), least, direction
}

// exactRankTail is the chance that the sum of the ranks above zero is no more than sum, if signs are coins.
func exactRankTail(ranks []int, sum int) float64 { return floats.Sum(rankSums(ranks)[:sum+1]) }

// normalRankTail is nearly the same, for sums of no more than half of all.
func normalRankTail(ranks []int, sum int) float64 {
	mean, variance := 0.0, 0.0
	for _, r := range ranks {
		half := float64(abs(r)) / 2
		mean += half
		variance += half * half // ties or not: the coins are independent
	}
	distance := math.Max(0, mean-float64(sum)-1) // less half a rank, for continuity; ranks are doubled
	return distuv.UnitNormal.Survival(distance / math.Sqrt(variance))
}

// doubledRanks ranks the differences by size, from 1, equal ones by the mean of their ranks, and gives each rank the sign
// of its difference. The ranks are doubled, so that means of them are whole. Zeros are left out.
func doubledRanks(differences []int64) []int {
	d := slices.DeleteFunc(slices.Clone(differences), func(v int64) bool { return v == 0 })
	slices.SortFunc(d, func(a, b int64) int { return cmp.Compare(abs(a), abs(b)) })
	ranks := make([]int, len(d))
	for from := 0; from < len(d); {
		to := from + 1
		for to < len(d) && abs(d[to]) == abs(d[from]) {
			to++
		}
		for i := from; i < to; i++ {
			ranks[i] = from + 1 + to // twice the mean of from+1 to `to`
			if d[i] < 0 {
				ranks[i] = -ranks[i]
			}
		}
		from = to
	}
	return ranks
}

// rankSums is the distribution of the sum of those ranks whose coin shows heads, by sum.
func rankSums(ranks []int) []float64 {
	total := 0
	for _, r := range ranks {
		total += abs(r)
	}
	chance := make([]float64, total+1)
	chance[0] = 1
	reach := 0
	for _, r := range ranks {
		r = abs(r)
		for sum := reach; sum >= 0; sum-- {
			half := chance[sum] / 2
			chance[sum] = half
			chance[sum+r] += half
		}
		reach += r
	}
	return chance
}

func choose(n, k int) float64 { return math.Exp(combin.LogGeneralizedBinomial(float64(n), float64(k))) }

func abs[N int | int64](v N) N {
	if v < 0 {
		return -v
	}
	return v
}
