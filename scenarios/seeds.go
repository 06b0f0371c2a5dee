package scenarios

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// mostSeeds bounds a list of seeds: more is a slip of the pen, or a job for several machines.
const mostSeeds = 10_000_000

// ParseSeeds reads seeds and ranges of seeds, such as "7" or "1..20,99", in the order written. A seed that is
// named twice, a range that runs backwards and a list of more than ten million are errors.
func ParseSeeds(text string) ([]uint64, error) {
	var out []uint64
	seen := make(map[uint64]bool)
	for _, part := range strings.Split(text, ",") {
		first, last, err := parseSeedRange(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		if last-first >= mostSeeds-uint64(len(out)) {
			return nil, fmt.Errorf("%q names more than %d seeds", text, mostSeeds)
		}
		for seed := first; ; seed++ {
			if seen[seed] {
				return nil, fmt.Errorf("%q names seed %d twice", text, seed)
			}
			seen[seed] = true
			out = append(out, seed)
			if seed == last {
				break
			}
		}
	}
	return out, nil
}

func parseSeedRange(text string) (first, last uint64, err error) {
	from, to, isRange := strings.Cut(text, "..")
	if first, err = parseSeed(from); err != nil {
		return 0, 0, err
	}
	if !isRange {
		return first, first, nil
	}
	if last, err = parseSeed(to); err != nil {
		return 0, 0, err
	}
	if last < first {
		return 0, 0, fmt.Errorf("%q runs backwards; write the smaller seed first: %d..%d", text, last, first)
	}
	return first, last, nil
}

func parseSeed(text string) (uint64, error) {
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a seed; write a whole number from 0 to %d, or a range such as 1..20", text, uint64(math.MaxUint64))
	}
	return seed, nil
}
