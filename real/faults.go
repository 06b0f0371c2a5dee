package real

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/real/node"
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

// diskFull takes a disk of a limited size, see [machine.shelve].
const diskFull = "disk-full"

// strikes plays those of the fault catalogue that containers can suffer.
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
	"jitter":            strikeJitter,
	"switch-failure":    strikeSwitchFailure,
	"duplication":       strikeDuplication,
	"flapping-link":     strikeFlappingLink,
	"stale-arp":         strikeStaleARP,
	"duplicate-address": strikeDuplicateAddress,
	"slow-disk":         inside(func(f *scenarios.Fault) node.Fault { return node.Fault{Sync: f.Delay.Min} }),
	"stuck-disk":        inside(func(*scenarios.Fault) node.Fault { return node.Fault{Stuck: true} }),
	diskFull:            inside(func(*scenarios.Fault) node.Fault { return node.Fault{Full: true} }),
	"read-error":        inside(func(*scenarios.Fault) node.Fault { return node.Fault{Unreadable: true} }),
	"bit-rot":           strikeBitRot,
	"slow-cpu":          inside(func(f *scenarios.Fault) node.Fault { return node.Fault{Work: f.Delay.Min} }),
	"clock-ahead":       inside(func(f *scenarios.Fault) node.Fault { return node.Fault{Clock: f.By.Min} }),
	"clock-behind":      inside(func(f *scenarios.Fault) node.Fault { return node.Fault{Clock: -f.By.Min} }),
	"clock-fast":        inside(func(f *scenarios.Fault) node.Fault { return node.Fault{Skew: int64(f.Share)} }),
	"clock-slow":        inside(func(f *scenarios.Fault) node.Fault { return node.Fault{Skew: -int64(f.Share)} }),
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
	"duplication":      "of messages between nodes, by their runtime: the copy comes right behind",
	"flapping-link":    "a link takes some tens of milliseconds to go down, and to come up",
	"slow-cpu":         "of the node; its data path is as fast as ever",
	"clock-fast":       "of the node; the time limits of its connections and of its data path are as ever",
	"clock-slow":       "of the node; the time limits of its connections and of its data path are as ever",
	"stuck-disk":       "the node's runtime holds syncs back; the file system is well",
	diskFull:           "of a tmpfs to its last page, where a sync costs nothing; what fits into pages that a file has is still taken",
	"read-error":       "the node's runtime fails reads; the file system is well",
	"bit-rot":          "of machines that are up, by their runtime in the file; the medium is well",
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
	if f.For.Min == 0 || heal == nil || !r.until(lasting, at+int64(f.For.Min)) {
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
			return m.goOn(ctx)
		})
	}, err
}

// goOn lets a machine that was frozen run, and gives it the orders that it was given meanwhile.
func (m *machine) goOn(ctx context.Context) error {
	if err := m.thaw(ctx); err != nil {
		return err
	}
	for _, o := range m.owed {
		if _, err := m.obey(ctx, o); err != nil {
			return err
		}
	}
	m.owed = nil
	return nil
}
