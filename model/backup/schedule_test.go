package backup

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestWait(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct{ interval, last, now, want time.Duration }{
		{day, 0, 0, day},
		{day, 0, time.Hour, day - time.Hour},
		{day, 0, day - 1, 1},
		{day, 0, day, 0},
		{day, 0, 3 * day, 0},
		{day, -time.Hour, time.Hour, day - 2*time.Hour}, // before this clock began
		{day, -day, 0, 0},
		{day, time.Hour, 0, day}, // yet to come
		{day, math.MinInt64, math.MaxInt64, 0},
		{day, math.MaxInt64, math.MinInt64, day},
		{math.MaxInt64, 0, 1, math.MaxInt64 - 1},
	} {
		got := Wait(c.interval, c.last, c.now)
		if got != c.want || Due(c.interval, c.last, c.now) != (c.want == 0) {
			t.Errorf("%+v: %v, due %t", c, got, Due(c.interval, c.last, c.now))
		}
	}
}

// TestWaitIsEnough: a backup is due when the wait is over, and not a nanosecond before.
func TestWaitIsEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		span := rapid.Int64Range(-1<<61, 1<<61)
		interval := time.Duration(rapid.Int64Range(1, 1<<61).Draw(t, "interval"))
		last := time.Duration(span.Draw(t, "last"))
		now := last + time.Duration(rapid.Int64Range(0, 1<<61).Draw(t, "passed"))
		wait := Wait(interval, last, now)
		if !Due(interval, last, now+wait) || wait > 0 && Due(interval, last, now+wait-1) {
			t.Fatalf("wait %v", wait)
		}
	})
}

func TestNames(t *testing.T) {
	if got, want := Name(1234), "backup-00000000000000001234.json"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, name := range []string{"", "backup-1.json", Name(1) + ".new", "backup-99999999999999999999.json", "backup-+0000000000000000001.json", "00000000000000001234", "log-0000000000000001"} {
		if index, ok := ParseName(name); ok {
			t.Errorf("%s is taken for %d", name, index)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b")
		if got, ok := ParseName(Name(a)); !ok || got != a || (a < b) != (Name(a) < Name(b)) {
			t.Fatalf("%s, %s: %d, %t", Name(a), Name(b), got, ok)
		}
	})
}

func TestSurplus(t *testing.T) {
	names := []string{"log-1", Name(30), Name(4), "snapshot-2", Name(200), Name(4) + ".new"}
	for keep, want := range map[int][]string{
		-1: {Name(4), Name(30)}, 0: {Name(4), Name(30)}, 1: {Name(4), Name(30)}, 2: {Name(4)}, 3: {}, 4: {}, math.MaxInt: {},
	} {
		if got := Surplus(names, keep); !slices.Equal(got, want) {
			t.Errorf("keep %d: %q, want %q", keep, got, want)
		}
	}
	if got := Surplus(nil, 0); len(got) != 0 {
		t.Errorf("of nothing: %q", got)
	}
}
