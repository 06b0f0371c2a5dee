package words

import (
	"testing"
	"time"
)

const ms = time.Millisecond

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0 ms"}, {10, "10 ns"}, {840 * time.Microsecond, "840 µs"}, {999600, "1 ms"}, {9400 * time.Microsecond, "9.4 ms"}, {9960 * time.Microsecond, "10 ms"},
		{312400 * time.Microsecond, "312 ms"}, {999600 * time.Microsecond, "1 s"}, {2310 * ms, "2.31 s"}, {9996 * ms, "10 s"}, {45 * time.Second, "45 s"},
		{12340 * ms, "12.3 s"}, {59960 * ms, "1 min"}, {200 * time.Second, "3 min 20 s"}, {time.Hour - 400*ms, "1 h"}, {94 * time.Minute, "1 h 34 min"},
		{3000 * time.Hour, "3,000 h"}, {-2 * time.Second, "-2 s"},
	} {
		if got := Duration(c.d); got != c.want {
			t.Errorf("%d ns: got %q, want %q", c.d, got, c.want)
		}
	}
}

func TestCounts(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := Count(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int]string{0: "0 seeds", 1: "1 seed", 1200: "1,200 seeds"} {
		if got := Plural(n, "seed"); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int]string{0: "0 times", 1: "once", 2: "twice", 1200: "1,200 times"} {
		if got := Times(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
	if got := Instant(6); got != "6 ns" {
		t.Errorf("got %q", got)
	}
	if got := Instant(8928409 * time.Microsecond); got != "8.928409s" {
		t.Errorf("got %q", got)
	}
}
