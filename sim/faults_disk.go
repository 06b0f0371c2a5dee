package sim

import (
	"time"

	"firedrill/scenarios"
)

// strikeSlowDisk makes syncs take longer.
func strikeSlowDisk(_ *World, f *scenarios.Fault, targets, _ []*machine) func() {
	return toDisks(targets, func(d *disk, on int) { d.slow += f.Delay.Min * time.Duration(on) })
}

// strikeStuckDisk holds syncs up that begin while it lasts.
func strikeStuckDisk(w *World, f *scenarios.Fault, targets, _ []*machine) func() {
	until := w.now + int64(f.For.Min)
	return toDisks(targets, func(d *disk, _ int) { d.stuck = max(d.stuck, until) })
}

func strikeDiskFull(_ *World, _ *scenarios.Fault, targets, _ []*machine) func() {
	return toDisks(targets, func(d *disk, on int) { d.full += on })
}

func strikeReadError(_ *World, _ *scenarios.Fault, targets, _ []*machine) func() {
	return toDisks(targets, func(d *disk, on int) { d.unreadable += on })
}

// strikeBitRot flips bits, which nothing takes back.
func strikeBitRot(w *World, _ *scenarios.Fault, targets, _ []*machine) func() {
	for _, m := range targets {
		if m.disk != nil {
			m.disk.rot("", w.faultRng)
		}
	}
	return nil
}

// toDisks does something to the disks of machines, with 1 now and with -1 when the fault is over.
func toDisks(targets []*machine, do func(d *disk, on int)) (heal func()) {
	all := func(on int) {
		for _, m := range targets {
			if m.disk != nil {
				do(m.disk, on)
			}
		}
	}
	all(1)
	return func() { all(-1) }
}
