package sim

import (
	"fmt"
	"slices"
	"time"

	"firedrill/checker/history"
	"firedrill/checker/history/scene"
	"firedrill/scenarios"
)

// strike is what a fault does to the machines that its selectors became; it returns what heals it, or nil
// where nothing can.
type strike func(w *World, f *scenarios.Fault, targets, others []*machine) (heal func())

// strikes plays the fault catalogue. An entry there needs one here.
var strikes = map[string]strike{
	"crash":             strikeCrash,
	"power-loss":        strikePowerLoss,
	"disk-loss":         strikeDiskLoss,
	"pause":             strikePause,
	"partition":         strikePartition,
	"partition-one-way": strikePartitionOneWay,
	"loss":              strikeLoss,
	"loss-one-way":      strikeLossOneWay,
	"delay":             strikeDelay,
	"slow-cpu":          strikeSlowCPU,
	"jitter":            strikeJitter,
	"duplication":       strikeDuplication,
	"flapping-link":     strikeFlappingLink,
	"switch-failure":    strikeSwitchFailure,
	"stale-arp":         strikeStaleARP,
	"duplicate-address": strikeDuplicateAddress,
	"slow-disk":         strikeSlowDisk,
	"stuck-disk":        strikeStuckDisk,
	"disk-full":         strikeDiskFull,
	"read-error":        strikeReadError,
	"bit-rot":           strikeBitRot,
	"clock-ahead":       strikeClockAhead,
	"clock-behind":      strikeClockBehind,
	"clock-fast":        strikeClockFast,
	"clock-slow":        strikeClockSlow,
	"host-maintenance":  strikeHostMaintenance,
	"no-capacity":       strikeNoCapacity,
	"boot-failure":      strikeBootFailure,
	"slow-boot":         strikeSlowBoot,
	"false-host-report": strikeFalseHostReport,
}

// schedule plans the faults. Each resolves its selectors when it strikes.
func (w *World) scheduleFaults(faults []scenarios.Fault) error {
	for i := range faults {
		f, step := &faults[i], i+1
		hit, ok := strikes[f.Fault]
		if !ok {
			return fmt.Errorf("the simulator cannot play the fault %q", f.Fault)
		}
		target, err := scenarios.ParseSelector(f.Target)
		if err != nil {
			return err
		}
		var to *scenarios.Selector
		if f.To != "" {
			s, err := scenarios.ParseSelector(f.To)
			if err != nil {
				return err
			}
			to = &s
		}
		w.at(int64(f.At.Min), func() { w.strikeFault(step, f, hit, target, to) })
	}
	return nil
}

func (w *World) strikeFault(step int, f *scenarios.Fault, hit strike, target scenarios.Selector, to *scenarios.Selector) {
	targets := w.selected(target)
	others := without(w.machines, targets)
	if to != nil {
		others = w.selected(*to)
	}
	e := history.Event{Type: history.Fault, Step: step, Fault: f.Fault, Target: f.Target, Resolved: names(targets), Phase: history.Begin, Optional: f.Optional}
	if len(targets) == 0 {
		e.Reason = "nobody matches the target at this time"
	}
	w.record(e)
	if len(targets) == 0 {
		e.Phase = history.Finish
		w.record(e)
		return
	}
	heal := hit(w, f, targets, others)
	inForce := &scene.Fault{Fault: f.Fault, Target: f.Target, Nodes: e.Resolved, Since: time.Duration(w.now)}
	w.inForce = append(w.inForce, inForce)
	if f.For.Min == 0 || heal == nil {
		return
	}
	inForce.Until = time.Duration(w.now) + f.For.Min
	w.at(int64(inForce.Until), func() {
		e.Phase = history.Finish
		w.record(e)
		heal()
		w.inForce = without(w.inForce, []*scene.Fault{inForce})
	})
}

func without[T comparable](all, some []T) []T {
	return slices.DeleteFunc(slices.Clone(all), func(one T) bool { return slices.Contains(some, one) })
}

func names(ms []*machine) []string {
	out := make([]string, len(ms))
	for i, m := range ms {
		out[i] = m.Name
	}
	return out
}

// strikeCrash kills processes; the kernel, and so the page cache, lives on. Those that do not come back by themselves do
// so when their machine is started anew.
func strikeCrash(w *World, f *scenarios.Fault, targets, _ []*machine) func() {
	for _, m := range targets {
		if m.up && m.disk != nil {
			m.disk.crash(w.now)
		}
		m.goDown("crashed")
		m.inc++ // it may have been about to start
		if f.For.Min == 0 {
			m.downs--
		}
	}
	return func() { comeUp(targets) }
}

// strikePowerLoss cuts the power of the hosts that carry the targets: every machine on them stops at the
// same instant, and what was not synced may be gone.
func strikePowerLoss(w *World, _ *scenarios.Fault, targets, _ []*machine) func() {
	return w.darken(targets, "lost power", func(m *machine) { m.disk.powerLoss(w.now, w.diskRng) })
}

// darken cuts the power of the hosts that carry the targets, which a cloud sees, and does something to the disk of every
// machine there; also where the process was down already: the page cache was not.
func (w *World) darken(targets []*machine, why string, spoil func(*machine)) (heal func()) {
	dark := w.onSameHosts(targets)
	for _, m := range dark {
		m.goDown(why)
		if m.disk != nil {
			spoil(m)
		}
		m.cold = true
	}
	hosts := hostsOf(dark)
	for _, h := range hosts {
		h.dark++
	}
	if w.hypervisor != nil {
		w.hypervisor.darken(hosts)
	}
	return func() {
		for _, h := range hosts {
			h.dark--
		}
		comeUp(dark)
	}
}

// hostsOf lists the hosts of machines, each once.
func hostsOf(ms []*machine) []*host {
	var out []*host
	for _, m := range ms {
		if !slices.Contains(out, m.host) {
			out = append(out, m.host)
		}
	}
	return out
}

// strikeDiskLoss cuts the power of the hosts that carry the targets and takes their disks away: what comes up is a new
// machine at the old address.
func strikeDiskLoss(w *World, _ *scenarios.Fault, targets, _ []*machine) func() {
	return w.darken(targets, "lost power and its disk", func(m *machine) {
		m.disk.wipe()
		m.replaced = true
	})
}

// goDown stops a machine and counts who wants it down.
func (m *machine) goDown(why string) {
	m.downs++
	m.stop(why)
}

func comeUp(ms []*machine) {
	for _, m := range ms {
		m.downs--
		if m.downs == 0 {
			m.startAfter(m.pace.start())
		}
	}
}

// strikePause freezes processes: their sockets and addresses stay, their messages pile up.
func strikePause(w *World, _ *scenarios.Fault, targets, _ []*machine) func() {
	for _, m := range targets {
		m.paused++
	}
	return func() {
		for _, m := range targets {
			m.paused--
			if m.paused == 0 && m.up && len(m.inbox) > 0 {
				m.wakeLater()
			}
		}
	}
}

func strikePartition(w *World, f *scenarios.Fault, targets, others []*machine) func() {
	there, back := w.wire(f, targets, others), w.wire(f, others, targets)
	there.cut, back.cut = true, true
	return w.lay(there, back)
}

func strikePartitionOneWay(w *World, f *scenarios.Fault, targets, others []*machine) func() {
	r := w.wire(f, targets, others)
	r.cut = true
	return w.lay(r)
}

func strikeLoss(w *World, f *scenarios.Fault, targets, others []*machine) func() {
	there, back := w.wire(f, targets, others), w.wire(f, others, targets)
	there.loss, back.loss = uint32(f.Loss), uint32(f.Loss)
	return w.lay(there, back)
}

func strikeLossOneWay(w *World, f *scenarios.Fault, targets, others []*machine) func() {
	r := w.wire(f, targets, others)
	r.loss = uint32(f.Loss)
	return w.lay(r)
}

func strikeDelay(w *World, f *scenarios.Fault, targets, others []*machine) func() {
	there, back := w.wire(f, targets, others), w.wire(f, others, targets)
	there.min, there.max = f.Delay.Min, f.Delay.Max
	back.min, back.max = f.Delay.Min, f.Delay.Max
	return w.lay(there, back)
}

// strikeSlowCPU makes callbacks take time.
func strikeSlowCPU(_ *World, f *scenarios.Fault, targets, _ []*machine) func() {
	for _, m := range targets {
		m.slow += f.Delay.Min
	}
	return func() {
		for _, m := range targets {
			m.slow -= f.Delay.Min
		}
	}
}

// wire makes a rule for frames from one set of machines to another; a machine is never cut off from itself.
func (w *World) wire(f *scenarios.Fault, from, to []*machine) *rule {
	r := &rule{from: w.set(from), to: w.set(to), later: [2]bool{w.everyone(from), w.everyone(to)}}
	for n := network(0); n < networks; n++ {
		r.nets[n] = concerns(f, n)
	}
	return r
}

// everyone tells whether a side of a network fault is more than half of the machines: everyone else but a few. A machine
// that is made while the fault lasts belongs to that side.
func (w *World) everyone(ms []*machine) bool { return 2*len(ms) > len(w.machines) }

// concerns tells whether a network fault is on that network.
func concerns(f *scenarios.Fault, n network) bool { return f.Network == "" || f.Network == n.String() }

func (w *World) set(ms []*machine) []bool {
	s := make([]bool, len(w.machines))
	for _, m := range ms {
		s[m.index] = true
	}
	return s
}

// lay puts rules in force and returns what lifts them.
func (w *World) lay(rules ...*rule) func() {
	w.rules = append(w.rules, rules...)
	return func() {
		kept := w.rules[:0]
		for _, r := range w.rules {
			if !slices.Contains(rules, r) {
				kept = append(kept, r)
			}
		}
		w.rules = kept
	}
}
