package reports

import "testing"

func TestFormat(t *testing.T) {
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
