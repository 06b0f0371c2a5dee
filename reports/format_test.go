package reports

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0 ms"}, {840 * time.Microsecond, "840 µs"}, {999600, "1 ms"}, {9400 * time.Microsecond, "9.4 ms"}, {9960 * time.Microsecond, "10 ms"},
		{312400 * time.Microsecond, "312 ms"}, {999600 * time.Microsecond, "1 s"}, {2310 * ms, "2.31 s"}, {9996 * ms, "10 s"}, {45 * time.Second, "45 s"},
		{12340 * ms, "12.3 s"}, {59960 * ms, "1 min"}, {200 * time.Second, "3 min 20 s"}, {time.Hour - 400*ms, "1 h"}, {94 * time.Minute, "1 h 34 min"},
		{3000 * time.Hour, "3,000 h"}, {-2 * time.Second, "-2 s"},
	} {
		if got := duration(c.d); got != c.want {
			t.Errorf("%d ns: got %q, want %q", c.d, got, c.want)
		}
	}
}

func TestCounts(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := count(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
	if got := seedList([]uint64{1, 2, 3, 4}, 2); got != "1, 2 and 2 more" {
		t.Errorf("got %q", got)
	}
	if got := seedList([]uint64{1, 2, 3}, 2); got != "1, 2, 3" {
		t.Errorf("got %q: a third seed is no longer than the words for it", got)
	}
	if got := offset(-4 * ms); got != "−0.004 s" {
		t.Errorf("got %q", got)
	}
}
