package sim

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"firedrill/model"
	"firedrill/scenarios"
)

// machine is one node of the cluster, with its process, its clock, its disk and its network interfaces. To
// the process it is the [model.Env].
type machine struct {
	w     *World
	index int
	scenarios.Node
	host *host

	// boot makes the process of a controller, an engine or an API client; nil for plain hosts.
	boot func() model.Node
	node model.Node
	disk *disk
	rng  *rand.Rand
	pace *pace
	clock

	up        bool          // it has power and its process runs
	inc       uint32        // counts incarnations; what an earlier one left in the queue is void
	downs     int           // how many faults keep it down
	gone      bool          // its cloud has ended it for good
	build     string        // the version of the platform that its process is started with
	images    []string      // versions that it could be started with
	told      string        // the version to be told at the next start
	broken    string        // the one of them that does not come up here
	replaced  bool          // its disk is not the one that it was installed on
	cold      bool          // it has no power, so that its monotonic clock begins anew
	paused    int           // how many faults keep the process frozen
	slow      time.Duration // what each callback takes
	spent     int64         // what the callback under way has spent so far, in true time
	busyUntil int64
	inbox     []delivery // what arrived while busy or paused
	waking    bool       // an evWake is in the queue
	timers    []timer
	checks    map[model.CheckID]uint32 // pending, by generation

	nics    []*nic
	table   *model.Table
	flows   map[flowKey]flowState
	open    map[uint64]int // flows, by server
	traffic traffic

	// What the world itself runs on plain machines.
	sockets   *prober
	longFlows *flowClient
	onMessage func(from netip.Addr, payload []byte)
}

// delivery is one callback due to a process, or one frame due to its data path.
type delivery struct {
	kind  deliveryKind
	from  netip.Addr
	msg   []byte
	id    uint64
	gen   uint64
	ok    bool
	frame *frame
}

type deliveryKind uint8

const (
	deliverStart deliveryKind = iota
	deliverMessage
	deliverTimer
	deliverCheck
	deliverFrame
)

type timer struct {
	id  model.TimerID
	gen uint64        // 0: not pending
	due time.Duration // on the node's clock
}

// bootTime is how long the kernel may have run before the process starts.
const bootTime = 10 * time.Second

// start boots the machine's process.
func (m *machine) start() {
	if m.up {
		return
	}
	if m.cold {
		m.cold, m.base, m.origin = false, 0, m.w.now-int64(between(m.rng, 0, bootTime))
	}
	m.up = true
	m.inc++
	m.busyUntil = m.w.now
	m.inbox = m.inbox[:0]
	m.waking = false
	m.timers = m.timers[:0]
	clear(m.checks)
	clear(m.flows)
	clear(m.open)
	m.traffic.reset(m.w.now)
	m.table = nil
	for _, n := range m.nics {
		n.clearARP()
	}
	m.w.nodeEvent(m, model.Event{Kind: model.EventStarted, Unit: m.told})
	m.told = ""
	if m.sockets != nil {
		m.sockets.begin()
	}
	if m.longFlows != nil {
		m.longFlows.begin()
	}
	if m.boot == nil {
		return
	}
	m.node = m.boot()
	m.deliver(delivery{kind: deliverStart})
}

// stop ends the process, or the power, at once. What the disk keeps is the caller's to say.
func (m *machine) stop(why string) {
	if !m.up {
		return
	}
	m.tellCarried("")
	m.up = false
	m.inc++
	m.node = nil
	for _, n := range m.nics {
		n.extra = n.extra[:0]
	}
	m.w.nodeEvent(m, model.Event{Kind: model.EventStopped, Detail: why})
}

// deliver hands d to the process, or keeps it while the process is busy or frozen.
func (m *machine) deliver(d delivery) {
	if !m.up {
		return
	}
	if m.paused == 0 && m.w.now >= m.busyUntil && len(m.inbox) == 0 {
		m.busyUntil = m.w.now + int64(m.pace.wake())
	}
	if m.paused > 0 || m.w.now < m.busyUntil || len(m.inbox) > 0 {
		m.inbox = append(m.inbox, d)
		m.wakeLater()
		return
	}
	m.run(d)
}

// wakeLater makes sure that the inbox is drained once the process is free.
func (m *machine) wakeLater() {
	if m.waking || m.paused > 0 {
		return
	}
	m.waking = true
	m.w.queue.push(max(m.busyUntil, m.w.now), event{kind: evWake, m: m, inc: m.inc})
}

// drain runs what has piled up until the process is busy again.
func (m *machine) drain() {
	m.waking = false
	n := 0
	for ; n < len(m.inbox) && m.up && m.paused == 0 && m.w.now >= m.busyUntil; n++ {
		m.run(m.inbox[n])
	}
	if !m.up {
		return
	}
	m.inbox = m.inbox[:copy(m.inbox, m.inbox[n:])]
	if len(m.inbox) > 0 {
		m.wakeLater()
	}
}

// run calls the process once. The call takes no time but what its disk syncs take, and a slow processor; effects
// asked for after a sync happen after it.
func (m *machine) run(d delivery) {
	if d.kind == deliverFrame {
		m.w.dataPath(m, d.frame)
		m.busyUntil = max(m.busyUntil, m.w.now+int64(m.slow))
		return
	}
	m.spent = int64(m.slow)
	if m.disk != nil {
		m.disk.settle()
	}
	switch d.kind {
	case deliverStart:
		m.node.Start(m)
	case deliverMessage:
		m.node.Receive(d.from, d.msg)
	case deliverTimer:
		if t := m.timer(model.TimerID(d.id)); t != nil && t.gen == d.gen {
			t.gen = 0
			m.node.Timer(model.TimerID(d.id))
		}
	case deliverCheck:
		m.node.Checked(model.CheckID(d.id), d.ok)
	}
	m.busyUntil = m.w.now + m.spent
	m.spent = 0
}

// now is the true time within the callback under way.
func (m *machine) now() int64 { return m.w.now + m.spent }

// spend makes the callback under way take longer; the disk calls it.
func (m *machine) spend(d time.Duration) { m.spent += int64(d) }

func (m *machine) timer(id model.TimerID) *timer {
	for i := range m.timers {
		if m.timers[i].id == id {
			return &m.timers[i]
		}
	}
	return nil
}

// later runs an effect now, or, if the callback has spent time, when that time has passed; a machine that
// stops in between never gets to it.
func (m *machine) later(effect func()) {
	m.w.queue.push(m.now(), event{kind: evEffect, m: m, inc: m.inc, call: effect})
}
