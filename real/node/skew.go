package node

import "time"

const million = 1_000_000

// skew is how many parts per million the clocks run fast. Whoever calls holds the lock.
func (f *Faults) skew() (ppm int64) {
	for i := range f.rules {
		ppm += f.rules[i].Skew
	}
	return ppm
}

// gainedBy is what the clocks have gained by a moment. Whoever calls holds the lock.
func (f *Faults) gainedBy(now time.Time) time.Duration {
	if ppm := f.skew(); ppm != 0 {
		return f.gained + now.Sub(f.since)*time.Duration(ppm)/million
	}
	return f.gained
}

// ahead is how much more the clocks show than they would without faults that are over or in force. What they have gained they
// keep.
func (f *Faults) ahead() time.Duration {
	if f == nil {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gainedBy(time.Now())
}

// span converts a time on the clocks to how long it truly takes, rounded up: a timer is never early.
func (f *Faults) span(d time.Duration) time.Duration {
	if f == nil || d <= 0 {
		return max(d, 0)
	}
	f.mu.Lock()
	ppm := f.skew()
	f.mu.Unlock()
	if ppm == 0 {
		return d
	}
	return time.Duration(float64(d)*million/float64(million+ppm)) + 1
}
