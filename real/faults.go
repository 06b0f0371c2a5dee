package real

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/scenarios"
)

// blow is a fault that strikes: its nature, and the machines that its selectors became.
type blow struct {
	*scenarios.Fault
	step            int
	targets, others []*machine
}

// strike plays a fault and returns when it took effect and what heals it.
type strike func(ctx context.Context, r *run, b *blow) (at int64, heal heal, err error)

// heal ends a fault and returns when it was over.
type heal func(ctx context.Context) (at int64, err error)

// strikes plays those of the fault catalogue that containers can suffer.
var strikes = map[string]strike{
	"crash":             strikeCrash,
	"power-loss":        strikePowerLoss,
	"disk-loss":         strikeDiskLoss,
	"pause":             strikePause,
	"partition":         strikePartition,
	"partition-one-way": strikePartitionOneWay,
	"loss":              strikeLoss,
	"delay":             strikeDelay,
	"jitter":            strikeJitter,
	"switch-failure":    strikeSwitchFailure,
	"slow-disk":         inside(func(f *scenarios.Fault) []string { return []string{"--sync", f.Delay.Min.String()} }),
	"slow-cpu":          inside(func(f *scenarios.Fault) []string { return []string{"--work", f.Delay.Min.String()} }),
	"clock-ahead":       inside(func(f *scenarios.Fault) []string { return []string{"--clock", f.By.Min.String()} }),
	"clock-behind":      inside(func(f *scenarios.Fault) []string { return []string{"--clock", (-f.By.Min).String()} }),
	"no-capacity":       strikeNoCapacity,
	"boot-failure":      strikeBootFailure,
	"slow-boot":         strikeSlowBoot,
	"host-maintenance":  strikeHostMaintenance,
	"false-host-report": strikeFalseHostReport,
}

// Playable refuses, by name, what containers cannot suffer.
func Playable(plan *scenarios.Scenario) error {
	for i := range plan.Faults {
		if f := plan.Faults[i].Fault; strikes[f] == nil {
			return unavailable("the fault %s cannot be played on containers; use --world sim", f)
		}
	}
	return nil
}

// details says of faults what they do less than their name promises.
var details = map[string]string{
	"power-loss":       "containers were killed; the kernel, which lives on, keeps what was not synced",
	"host-maintenance": "the containers of the host are killed",
	"delay":            "of messages between nodes, by their runtime; probes and flows take no longer",
	"jitter":           "of messages between nodes, by their runtime; probes and flows take no longer",
	"slow-cpu":         "of the node; its data path is as fast as ever",
}

// playFault waits until a fault is due, strikes, and heals it when its time is over. Lasting ends with the plan.
func (r *run) playFault(ctx, lasting context.Context, step int, f *scenarios.Fault) error {
	target, err := scenarios.ParseSelector(f.Target)
	if err != nil {
		return err
	}
	to, err := scenarios.ParseSelector(f.To)
	if f.To != "" && err != nil {
		return err
	}
	if !r.until(lasting, int64(f.At.Min)) {
		return nil
	}
	b := &blow{Fault: f, step: step, targets: r.selected(target)}
	b.others = slices.DeleteFunc(r.machines(), func(m *machine) bool { return slices.Contains(b.targets, m) })
	if f.To != "" {
		b.others = r.selected(to)
	}
	e := history.Event{Type: history.Fault, Step: step, Fault: f.Fault, Target: f.Target, Resolved: names(b.targets), Optional: f.Optional,
		Phase: history.Begin, Detail: details[f.Fault]}
	e.Time = r.now()
	if len(b.targets) == 0 {
		e.Reason = "nobody matches the target at this time"
		r.record(e)
		e.Phase = history.Finish
		r.record(e)
		return nil
	}
	at, heal, err := strikes[f.Fault](ctx, r, b)
	if err != nil {
		return fmt.Errorf("the fault %s at %s: %w", f.Fault, f.Target, err)
	}
	e.Time = at
	r.record(e)
	if f.For.Min == 0 || !r.until(lasting, at+int64(f.For.Min)) {
		return nil
	}
	e.Phase, e.Detail = history.Finish, ""
	if e.Time, err = heal(ctx); err != nil {
		return fmt.Errorf("the end of the fault %s at %s: %w", f.Fault, f.Target, err)
	}
	r.record(e)
	return nil
}

// selected tells which machines a selector means at this moment.
func (r *run) selected(s scenarios.Selector) []*machine {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.called(r.roles.Resolve(s))
}

func (r *run) called(names []string) []*machine {
	out := make([]*machine, len(names))
	for i, name := range names {
		out[i] = r.byName[name]
	}
	return out
}

func names(ms []*machine) []string {
	out := make([]string, len(ms))
	for i, m := range ms {
		out[i] = m.Name
	}
	return out
}

// strikeCrash kills processes; the kernel, and so the page cache, lives on.
func strikeCrash(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	at, err := r.goDown(ctx, b.targets, "crashed")
	return at, r.comeUp(b.targets), err
}

// strikePowerLoss kills every process on the hosts that carry the targets.
func strikePowerLoss(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	_, at, heal, err := r.darken(ctx, hostsOf(b.targets), "lost power")
	return at, heal, err
}

// strikeDiskLoss does too, and throws the containers away with their disks.
func strikeDiskLoss(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	dark, at, heal, err := r.darken(ctx, hostsOf(b.targets), "lost power and its disk")
	if err != nil {
		return 0, nil, err
	}
	return at, heal, inParallel(dark, func(m *machine) error {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.replace(ctx)
	})
}

// darken takes the power from hosts, which a cloud sees. First nothing boots there any more, then what is there goes down.
func (r *run) darken(ctx context.Context, hosts []string, why string) (dark []*machine, at int64, heal heal, err error) {
	r.hypervisor.darken(hosts, 1)
	dark = slices.DeleteFunc(r.machines(), func(m *machine) bool { return !slices.Contains(hosts, m.Host) })
	for _, m := range dark {
		m.cold.Store(true)
	}
	at, err = r.goDown(ctx, dark, why)
	r.hypervisor.show()
	return dark, at, func(ctx context.Context) (int64, error) {
		r.hypervisor.darken(hosts, -1)
		at, err := r.comeUp(dark)(ctx)
		r.hypervisor.show()
		return at, err
	}, err
}

// hostsOf lists the hosts of machines, each once.
func hostsOf(ms []*machine) []string {
	var out []string
	for _, m := range ms {
		if !slices.Contains(out, m.Host) {
			out = append(out, m.Host)
		}
	}
	return out
}

// goDown kills machines, all at the same time, and tells when the first was dead.
func (r *run) goDown(ctx context.Context, ms []*machine, why string) (int64, error) {
	var mu sync.Mutex
	first := int64(-1)
	err := inParallel(ms, func(m *machine) error {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.downs++
		if !m.up {
			return nil
		}
		at, err := m.kill(ctx)
		if err != nil {
			return err
		}
		at -= r.began
		r.record(history.Event{Time: at, Type: history.NodeEv, Node: m.Name, Event: string(model.EventStopped), Detail: why})
		mu.Lock()
		defer mu.Unlock()
		if first < 0 || at < first {
			first = at
		}
		return nil
	})
	if first < 0 {
		first = r.now()
	}
	return first, err
}

// comeUp starts those that nobody wants down any more.
func (r *run) comeUp(ms []*machine) heal {
	return func(ctx context.Context) (int64, error) {
		at := r.now()
		return at, inParallel(ms, func(m *machine) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.downs--
			if m.downs > 0 {
				return nil
			}
			if err := r.start(ctx, m); err != nil || m.paused == 0 {
				return err
			}
			return m.freeze(ctx)
		})
	}
}

// strikePause freezes processes: their sockets and addresses stay, their messages pile up.
func strikePause(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	at := r.now()
	err := inParallel(b.targets, func(m *machine) error {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.paused++
		if m.paused > 1 || !m.up {
			return nil
		}
		return m.freeze(ctx)
	})
	return at, func(ctx context.Context) (int64, error) {
		at := r.now()
		return at, inParallel(b.targets, func(m *machine) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.paused--
			if m.paused > 0 || !m.up {
				return nil
			}
			return m.thaw(ctx)
		})
	}, err
}
