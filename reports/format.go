package reports

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// duration writes a time for people, to three digits: 840 µs, 9.4 ms, 312 ms, 2.31 s, 3 min 20 s, 1 h 34 min.
func duration(d time.Duration) string {
	switch ms := float64(d) / 1e6; {
	case d < 0:
		return "-" + duration(-d)
	case d == 0:
		return "0 ms"
	case d < 999500*time.Nanosecond:
		return number(float64(d)/1e3, 0) + " µs"
	case d < 9950*time.Microsecond:
		return number(ms, 1) + " ms"
	case d < 999500*time.Microsecond:
		return number(ms, 0) + " ms"
	case d < 9995*time.Millisecond:
		return number(d.Seconds(), 2) + " s"
	case d < 59950*time.Millisecond:
		return number(d.Seconds(), 1) + " s"
	case d < time.Hour-time.Second/2:
		return parts(d.Round(time.Second), time.Minute, "min", time.Second, "s")
	}
	return parts(d.Round(time.Minute), time.Hour, "h", time.Minute, "min")
}

func parts(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	out := count(int(d/big)) + " " + bigName
	if rest := d % big / small; rest > 0 {
		out += fmt.Sprintf(" %d %s", rest, smallName)
	}
	return out
}

// number writes a number without zeros behind its point.
func number(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// offset writes a time relative to another, in seconds with a sign: +0.312 s.
func offset(d time.Duration) string {
	s := fmt.Sprintf("%+.3f s", d.Seconds())
	return strings.Replace(s, "-", "−", 1)
}

// count writes a number with its thousands apart: 1,234,567.
func count[N int | int64 | uint64](n N) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural writes a number and what is counted: 1 seed, 20 seeds.
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + one + "s"
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
