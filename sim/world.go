package sim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"firedrill/checker/history"
	"firedrill/checker/history/scene"
	"firedrill/model"
	"firedrill/model/config"
	"firedrill/scenarios"
)

// World is one simulated cluster: everything that exists, and the queue of what happens next.
type World struct {
	now        int64 // true time, nanoseconds since the run began
	queue      queue
	generation uint64 // numbers timers, questions and other things that may be void when their time comes
	checks     uint32

	plan        *scenarios.Scenario
	timers      config.Timers
	seed        uint64
	machines    []*machine
	byName      map[string]*machine
	serverNames map[ipv4]string // of the back-end servers
	hosts       []*host

	links        links
	rules        []*rule
	inForce      []*scene.Fault // in the order in which they struck
	segments     [networks][]*nic
	hypervisor   *hypervisor // nil without a cloud
	gatewayInner ipv4
	gatewayOuter ipv4
	frames       []*frame
	diskRng      *rand.Rand
	faultRng     *rand.Rand // of what faults leave to chance
	strangers    int        // machines that claimed an address of others, so far

	roles   *scenarios.Roles
	trace   *trace
	film    *film // nil unless somebody wants one
	history history.History
}

// links is what every link is like when nothing is wrong.
type links struct {
	rng                      *rand.Rand
	measured                 *scenarios.Spread // instead of min, max and the tail; nil: not measured
	min, max                 time.Duration
	loss                     uint32 // parts per million
	tail                     uint32 // parts per million of the frames that take longer, by tailMin to tailMax
	tailMin                  time.Duration
	tailMax                  time.Duration
	duplicate                uint32        // parts per million of the messages
	distanceMin, distanceMax time.Duration // between two controllers, on top
	arpExpiry                time.Duration
}

// latency draws how long a frame is on its way.
func (l *links) latency() time.Duration {
	if l.measured != nil {
		return spread(l.rng, l.measured)
	}
	d := between(l.rng, l.min, l.max)
	if l.tail > 0 && l.rng.Uint64N(million) < uint64(l.tail) {
		d += between(l.rng, l.tailMin, l.tailMax)
	}
	return d
}

// host is a piece of hardware that loses power as one.
type host struct {
	name, rack string
	machines   []*machine
	dark       int // how many faults keep it without power
}

// Run is what came of a simulation.
type Run struct {
	History   *history.History
	TraceHash string // 16 hex digits over every event delivered and every effect
	Events    uint64 // events played
	Film      *scene.Film
}

// Options are for those who want to look on.
type Options struct {
	// Trace, if set, gets a line for everything that happens.
	Trace io.Writer
	// Film asks for [Run.Film].
	Film bool
}

// Play simulates a plan. The seed settles what the plan leaves to the world: latencies, clocks, what a disk
// loses. The same plan and seed give the same bytes, always and everywhere. It fails when the plan asks for
// something that the simulator does not know.
//
// Play must not run twice at the same time in one process: see seedProcessRandomness.
func Play(plan *scenarios.Scenario, seed uint64, opt Options) (*Run, error) {
	defer seedProcessRandomness(seed)()
	w, err := newWorld(plan, seed, opt)
	if err != nil {
		return nil, err
	}
	w.loop(int64(plan.Duration))
	w.tellAllCarried("")
	w.record(history.Event{Type: history.End})
	return &Run{History: &w.history, TraceHash: w.trace.sum(), Events: w.trace.events, Film: w.film.done()}, nil
}

// mostWaiting is how many events may be due. A thousand engines have some ten thousand; beyond this, it is a storm that would
// eat the machine's memory before the run ends.
const mostWaiting = 1 << 20

// loop runs events until the time is up.
func (w *World) loop(until int64) {
	defer w.explainPanic()
	if w.film != nil {
		w.film.after(nil)
	}
	for {
		at, e, ok := w.queue.pop()
		if !ok || at > until {
			w.now = until
			return
		}
		w.now = at
		w.trace.events++
		if w.queue.len() > mostWaiting {
			panic(fmt.Sprintf("%d messages and timers are due: the nodes answer each other without end", w.queue.len()))
		}
		w.handle(&e)
		if w.film != nil {
			w.film.after(e.m)
		}
	}
}

// explainPanic adds to a panic of the model when it happened, so that a replay can look there.
func (w *World) explainPanic() {
	if r := recover(); r != nil {
		panic(fmt.Sprintf("at %v of simulated time: %v\n\n%s", time.Duration(w.now), r, debug.Stack()))
	}
}

func (w *World) handle(e *event) {
	m := e.m
	switch e.kind {
	case evFrame:
		w.arrive(e.frame)
	case evTimer:
		if m.inc != e.inc || !m.up {
			return
		}
		if t := m.timer(model.TimerID(e.id)); t != nil && t.gen == e.gen {
			w.trace.note('t', w.now, m, e.id, 0, nil)
			if w.trace.reads() {
				w.trace.print(w.now, fmt.Sprintf("%-14s timer %d", m.Name, e.id))
			}
			m.deliver(delivery{kind: deliverTimer, id: e.id, gen: e.gen})
		}
	case evEffect:
		if m.inc == e.inc {
			e.call()
		}
	case evWake:
		if m.inc == e.inc {
			m.drain()
		}
	case evARP:
		if m.inc == e.inc {
			w.arpDue(m, e.id, e.gen)
		}
	case evCheck:
		if m.inc == e.inc {
			w.checkDue(m, model.CheckID(e.id), e.gen)
		}
	case evProbe:
		if e.call != nil {
			e.call()
		} else {
			m.sockets.giveUp(e.id)
		}
	case evCall:
		e.call()
	}
}

// at plans a moment.
func (w *World) at(t int64, call func()) { w.queue.push(t, event{kind: evCall, call: call}) }

// record adds an event to the history, at the present time.
func (w *World) record(e history.Event) {
	e.Time = w.now
	w.history.Events = append(w.history.Events, e)
	w.trace.noteEvent(&e)
	if w.trace.reads() {
		w.trace.print(w.now, describe(&e))
	}
}

// nodeEvent records what a node did. What the analytics say stands beside what is true at that moment.
func (w *World) nodeEvent(m *machine, e model.Event) {
	event := history.Event{
		Type: history.NodeEv, Node: m.Name, Event: string(e.Kind), Unit: e.Unit, Peer: e.Peer,
		Term: e.Term, Index: e.Index, Hash: e.Hash, State: e.State, Detail: e.Detail,
	}
	w.roles.Follow(&event)
	if e.Kind == model.EventMetricsRead {
		w.tellAllCarried(e.Unit)
	}
	w.record(event)
}
