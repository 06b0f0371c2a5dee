package node

import (
	"context"
	crand "crypto/rand"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"firedrill/model"
)

// Runtime runs one [model.Node] on a real clock. One goroutine, that of [Runtime.Run], calls the node; everybody else
// leaves what is due to it in the inbox.
type Runtime struct {
	settings Settings
	node     model.Node
	ctx      context.Context // ends when the run of the node does
	stop     context.CancelFunc
	inbox    chan func()
	timers   timers
	checks   map[model.CheckID]check // under way: of those with one id, the one that counts
	checked  uint64
	rng      *rand.Rand
	work     sync.WaitGroup // goroutines of this runtime
}

// Settings are what a runtime is made of. A part that the node has no use for may be left out.
type Settings struct {
	Name      string
	Clock     *Clock
	Record    *Recorder
	Faults    *Faults
	Send      func(to netip.Addr, msg []byte)
	Disk      model.Disk
	Addresses *Addresses
	DataPath  *DataPath
	Restart   func(version string) // never returns
}

// inboxSize is how many deliveries may wait. When it is full those who deliver wait too, so that a slow node slows the
// connections to it, and what its peers cannot send they drop.
const inboxSize = 1024

// NewRuntime returns a runtime for a node. It takes deliveries at once, and hands them out when it runs.
func NewRuntime(node model.Node, s Settings) *Runtime {
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails
	r := &Runtime{
		settings: s, node: node, inbox: make(chan func(), inboxSize), timers: newTimers(),
		checks: make(map[model.CheckID]check), rng: rand.New(rand.NewChaCha8(seed)),
	}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

// Run runs the node until the context ends, and returns when nothing of it runs any more.
func (r *Runtime) Run(ctx context.Context) {
	defer r.work.Wait()
	defer r.stop()
	r.node.Start(r)
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		wait := time.Hour
		if due, ok := r.timers.next(); ok {
			wait = r.settings.Faults.span(due - r.Now())
		}
		alarm.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case deliver := <-r.inbox:
			r.labour()
			deliver()
		case <-alarm.C:
		case <-r.settings.Faults.changes(): // of the clock, perhaps
		}
		r.runTimers()
	}
}

// check is a question to a foreign host that is under way.
type check struct {
	number uint64
	due    time.Duration // when it has failed, if there is no answer
}

// expireChecks tells the node of those whose time is up. That must not wait until their goroutines notice: a node that asks
// the next question just then would never learn of it.
func (r *Runtime) expireChecks(now time.Duration) {
	for id, c := range r.checks {
		if c.due <= now {
			delete(r.checks, id)
			r.node.Checked(id, false)
		}
	}
}

// runTimers calls those that are due now. One that is set meanwhile waits for the next turn, so that a node that sets
// timers without end still gets its messages.
func (r *Runtime) runTimers() {
	now := r.Now()
	r.expireChecks(now)
	for {
		id, ok := r.timers.take(now)
		if !ok {
			return
		}
		r.labour()
		r.node.Timer(id)
	}
}

// labour takes the time that a fault wants of everything.
func (r *Runtime) labour() {
	if d := r.settings.Faults.sum(func(f *Fault) time.Duration { return f.Work }); d > 0 {
		time.Sleep(d)
	}
}

// Do runs f where the node runs, when it is its turn, or never once the runtime has stopped.
func (r *Runtime) Do(f func()) {
	select {
	case r.inbox <- f:
	case <-r.ctx.Done():
	}
}

// Receive delivers a message to the node.
func (r *Runtime) Receive(from netip.Addr, msg []byte) {
	r.Do(func() { r.node.Receive(from, msg) })
}

// Now implements [model.Env].
func (r *Runtime) Now() time.Duration { return r.settings.Clock.Now() + r.settings.Faults.ahead() }

// Wall implements [model.Env].
func (r *Runtime) Wall() time.Time {
	return time.Now().Add(r.settings.Faults.clockOffset() + r.settings.Faults.ahead())
}

// SetTimer implements [model.Env]. A timer is never due at the very moment at which it is set.
func (r *Runtime) SetTimer(id model.TimerID, after time.Duration) {
	r.timers.set(id, r.Now()+max(after, 1))
}

// StopTimer implements [model.Env].
func (r *Runtime) StopTimer(id model.TimerID) { r.timers.stop(id) }

// Send implements [model.Env].
func (r *Runtime) Send(to netip.Addr, msg []byte) { r.settings.Send(to, msg) }

// Check implements [model.Env]. A later check of the same id makes the answer to an earlier one void.
func (r *Runtime) Check(id model.CheckID, question model.Check) {
	r.checked++
	number := r.checked
	r.checks[id] = check{number, r.Now() + question.Timeout}
	r.work.Go(func() {
		ok := answers(r.ctx, question)
		r.Do(func() {
			if r.checks[id].number == number {
				delete(r.checks, id)
				r.node.Checked(id, ok)
			}
		})
	})
}

// AddAddress implements [model.Env].
func (r *Runtime) AddAddress(ip netip.Addr) {
	r.settings.DataPath.hold(ip, true) // before the first frame comes
	if r.settings.Addresses.add(ip) {
		r.world(model.EventAddressAdded, ip)
	}
}

// RemoveAddress implements [model.Env].
func (r *Runtime) RemoveAddress(ip netip.Addr) {
	if r.settings.Addresses.remove(ip) {
		r.settings.DataPath.hold(ip, false)
		r.world(model.EventAddressRemoved, ip)
	}
}

// Announce implements [model.Env].
func (r *Runtime) Announce(ip netip.Addr) {
	if r.settings.Addresses.announce(ip) {
		r.world(model.EventAnnounced, ip)
	}
}

func (r *Runtime) world(kind model.EventKind, ip netip.Addr) {
	r.Emit(model.Event{Kind: kind, Unit: ip.String()})
}

// Publish implements [model.Env].
func (r *Runtime) Publish(table *model.Table) {
	if r.settings.DataPath != nil {
		r.settings.DataPath.publish(table)
	}
}

// Traffic implements [model.Env].
func (r *Runtime) Traffic(yield func(*model.TrafficSample)) {
	if r.settings.DataPath != nil {
		r.settings.DataPath.traffic.samples(yield)
	}
}

// Restart implements [model.Env].
func (r *Runtime) Restart(version string) {
	if r.settings.Restart != nil {
		r.settings.Restart(version)
	}
}

// Disk implements [model.Env].
func (r *Runtime) Disk() model.Disk { return r.settings.Disk }

// Rand implements [model.Env].
func (r *Runtime) Rand() *rand.Rand { return r.rng }

// Emit implements [model.Env].
func (r *Runtime) Emit(e model.Event) { r.settings.Record.Node(r.settings.Name, e) }
