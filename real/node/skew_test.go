package node

import (
	"testing"
	"testing/synctest"
	"time"

	"firedrill/model"
)

// TestClocksOfAnotherPace lets clocks run fast, slow, and right again, and looks at what they show.
func TestClocksOfAnotherPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(Faults)
		for i, step := range []struct {
			do   func()
			wait time.Duration
			want time.Duration // how far they are ahead then
		}{
			{func() {}, time.Minute, 0},
			{func() { f.Strike(Fault{ID: 1, Skew: 500_000}) }, 10 * time.Second, 5 * time.Second},
			{func() { f.Strike(Fault{ID: 2, Skew: -100_000}) }, 10 * time.Second, 9 * time.Second},
			{func() { f.Strike(Fault{ID: 3, Clock: time.Hour}) }, 10 * time.Second, 13 * time.Second},
			{func() { f.Mend(1) }, 10 * time.Second, 12 * time.Second},
			{func() { f.Mend(2) }, time.Minute, 12 * time.Second},
		} {
			step.do()
			time.Sleep(step.wait)
			if got := f.ahead(); got != step.want {
				t.Errorf("step %d: ahead by %v, want %v", i+1, got, step.want)
			}
		}
	})
}

// TestTimersKeepTheNodesTime: a timer is due when the node's own clock says so, also one that was set at another pace.
func TestTimersKeepTheNodesTime(t *testing.T) {
	for _, c := range []struct {
		name   string
		skew   int64
		strike time.Duration // when
		want   time.Duration // when a timer of six seconds is due
	}{
		{"right", 0, time.Second, 6 * time.Second},
		{"fast", 500_000, 0, 4 * time.Second},
		{"slow", -500_000, 0, 12 * time.Second},
		{"fast from the middle on", 500_000, 3 * time.Second, 5 * time.Second},
		{"slow from the middle on", -500_000, 3 * time.Second, 9 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := new(Faults)
				begin := time.Now()
				time.AfterFunc(c.strike, func() { f.Strike(Fault{ID: 1, Skew: c.skew}) })
				due, node := make(chan time.Duration, 1), &script{}
				var env model.Env
				node.start = func(e model.Env) { env = e }
				node.timer = func(model.TimerID) { due <- time.Since(begin) }
				r := running(t, node, Settings{Name: "engine-1", Faults: f})
				time.Sleep(time.Nanosecond) // the fault at once has struck
				r.Do(func() { env.SetTimer(1, 6*time.Second) })
				if got := <-due; got < c.want || got > c.want+time.Microsecond {
					t.Errorf("due after %v, want %v", got, c.want)
				}
			})
		})
	}
}
