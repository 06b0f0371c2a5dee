package sim

import (
	"time"

	"firedrill/scenarios"
)

func strikeClockAhead(_ *World, f *scenarios.Fault, targets, _ []*machine) func() {
	return jump(targets, f.By.Min)
}

func strikeClockBehind(_ *World, f *scenarios.Fault, targets, _ []*machine) func() {
	return jump(targets, -f.By.Min)
}

// jump sets wall clocks.
func jump(targets []*machine, by time.Duration) (heal func()) {
	set := func(by time.Duration) {
		for _, m := range targets {
			m.offset += by
		}
	}
	set(by)
	return func() { set(-by) }
}

func strikeClockFast(_ *World, f *scenarios.Fault, targets, _ []*machine) func() {
	return skew(targets, int64(f.Share))
}

func strikeClockSlow(_ *World, f *scenarios.Fault, targets, _ []*machine) func() {
	return skew(targets, -int64(f.Share))
}

// skew makes clocks run faster, or slower, by parts per million.
func skew(targets []*machine, by int64) (heal func()) {
	set := func(by int64) {
		for _, m := range targets {
			m.setDrift(m.drift + by)
		}
	}
	set(by)
	return func() { set(-by) }
}

// setDrift makes the machine's clocks run at another rate from now on. What its timers wait for is a time on its clock.
func (m *machine) setDrift(drift int64) {
	m.runAt(drift, m.w.now)
	for i := range m.timers {
		if t := &m.timers[i]; t.gen != 0 {
			m.wind(t, t.due-m.local(m.w.now))
		}
	}
}
