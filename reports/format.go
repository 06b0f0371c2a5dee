package reports

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"firedrill/checker/words"
)

// Short names for what every file here uses.
var duration, number, plural = words.Duration, words.Number, words.Plural

func count[N int | int64 | uint64](n N) string { return words.Count(n) }

// offset writes a time relative to another, in seconds with a sign: +0.312 s.
func offset(d time.Duration) string {
	s := fmt.Sprintf("%+.3f s", d.Seconds())
	return strings.Replace(s, "-", "−", 1)
}

// seedList writes seeds as a line: 3, 7, 9 and 12 more.
func seedList(seeds []uint64, limit int) string {
	var out []string
	for i, s := range seeds {
		if i == limit && len(seeds) > limit+1 {
			return strings.Join(out, ", ") + " and " + count(len(seeds)-limit) + " more"
		}
		out = append(out, strconv.FormatUint(s, 10))
	}
	return strings.Join(out, ", ")
}
