package backup

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Due tells whether it is time for a scheduled backup. Last and now are of the same monotonic clock; last may lie
// before the clock began. A last that is yet to come counts as now.
func Due(interval, last, now time.Duration) bool { return Wait(interval, last, now) == 0 }

// Wait is how long it takes until a scheduled backup is due; zero when it is.
func Wait(interval, last, now time.Duration) time.Duration {
	passed := now - last
	switch {
	case now > last && passed < 0: // longer than can be counted
		return 0
	case now < last:
		passed = 0
	}
	return max(0, interval-passed)
}

const (
	namePrefix  = "backup-"
	nameSuffix  = ".json"
	nameDigits  = 20     // of the largest index
	freshSuffix = ".new" // of what [model.ReplaceFile] has not finished
)

// Name is the file name of a backup at a log index. Names sort as indexes do; a second backup at an index, which is of
// the same configuration, replaces the first.
func Name(index uint64) string {
	return fmt.Sprintf("%s%0*d%s", namePrefix, nameDigits, index, nameSuffix)
}

// ParseName returns the index in a name made by [Name].
func ParseName(name string) (index uint64, ok bool) {
	digits := strings.TrimSuffix(strings.TrimPrefix(name, namePrefix), nameSuffix)
	index, err := strconv.ParseUint(digits, 10, 64)
	return index, err == nil && name == Name(index)
}

// Surplus returns the names of backups that are to be deleted so that the newest remain, at least one, oldest first.
// Names that are not of backups are passed over.
func Surplus(names []string, keep int) []string {
	ours := backups(names)
	return ours[:max(0, len(ours)-max(1, keep))]
}

// backups picks the names of backups, oldest first.
func backups(names []string) []string {
	var ours []string
	for _, n := range names {
		if _, ok := ParseName(n); ok {
			ours = append(ours, n)
		}
	}
	slices.Sort(ours)
	return ours
}
