// Package words writes numbers and times for people, the same everywhere: in violations, reports and on terminals.
package words

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration writes how long something took, to three digits: 840 µs, 9.4 ms, 312 ms, 2.31 s, 3 min 20 s, 1 h 34 min.
func Duration(d time.Duration) string {
	switch ms := float64(d) / 1e6; {
	case d < 0:
		return "-" + Duration(-d)
	case d == 0:
		return "0 ms"
	case d < time.Microsecond:
		return Count(int64(d)) + " ns"
	case d < 999500*time.Nanosecond:
		return Number(float64(d)/1e3, 0) + " µs"
	case d < 9950*time.Microsecond:
		return Number(ms, 1) + " ms"
	case d < 999500*time.Microsecond:
		return Number(ms, 0) + " ms"
	case d < 9995*time.Millisecond:
		return Number(d.Seconds(), 2) + " s"
	case d < 59950*time.Millisecond:
		return Number(d.Seconds(), 1) + " s"
	case d < time.Hour-time.Second/2:
		return parts(d.Round(time.Second), time.Minute, "min", time.Second, "s")
	}
	return parts(d.Round(time.Minute), time.Hour, "h", time.Minute, "min")
}

func parts(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	out := Count(int(d/big)) + " " + bigName
	if rest := d % big / small; rest > 0 {
		out += fmt.Sprintf(" %d %s", rest, smallName)
	}
	return out
}

// Instant writes when something happened in a run, to the microsecond, as one looks for it in a history. One that counts
// its time in small numbers, as those do that are made by hand, keeps them.
func Instant(t time.Duration) string {
	if 0 < t && t < 10*time.Microsecond {
		return Count(int64(t)) + " ns"
	}
	return fmt.Sprintf("%.6fs", t.Seconds())
}

// Number writes a number without zeros behind its point.
func Number(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// Count writes a number with its thousands apart: 1,234,567.
func Count[N int | int64 | uint64](n N) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Times writes how often: once, twice, 3 times.
func Times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return Count(n) + " times"
}

// Plural writes a number and what is counted: 1 seed, 20 seeds.
func Plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + one + "s"
}
