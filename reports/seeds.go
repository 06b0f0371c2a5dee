package reports

import (
	"slices"
	"strconv"
	"strings"
)

// formatSeeds writes seeds as [scenarios.ParseSeeds] reads them, ranges as ranges: 1..20,99.
func formatSeeds(seeds []uint64) string {
	sorted := slices.Sorted(slices.Values(seeds))
	var parts []string
	for from := 0; from < len(sorted); {
		to := from
		for to+1 < len(sorted) && sorted[to+1] == sorted[to]+1 {
			to++
		}
		part := strconv.FormatUint(sorted[from], 10)
		if to > from {
			part += ".." + strconv.FormatUint(sorted[to], 10)
		}
		parts = append(parts, part)
		from = to + 1
	}
	return strings.Join(parts, ",")
}
