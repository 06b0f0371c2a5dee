package sim

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"firedrill/model"
)

// Now implements [model.Env].
func (m *machine) Now() time.Duration { return m.local(m.now()) }

// Wall implements [model.Env].
func (m *machine) Wall() time.Time { return m.wall(m.now()) }

// SetTimer implements [model.Env].
func (m *machine) SetTimer(id model.TimerID, after time.Duration) {
	t := m.timer(id)
	if t == nil {
		m.timers = append(m.timers, timer{id: id})
		t = &m.timers[len(m.timers)-1]
	}
	m.wind(t, after)
}

// wind makes a timer due after a time on the node's clock, whatever it was before.
func (m *machine) wind(t *timer, after time.Duration) {
	m.w.generation++
	t.gen, t.due = m.w.generation, m.Now()+after
	m.w.queue.push(m.now()+m.span(after), event{kind: evTimer, m: m, inc: m.inc, id: uint64(t.id), gen: t.gen})
}

// StopTimer implements [model.Env].
func (m *machine) StopTimer(id model.TimerID) {
	if t := m.timer(id); t != nil {
		t.gen = 0
	}
}

// Send implements [model.Env].
func (m *machine) Send(to netip.Addr, msg []byte) {
	if m.spent > 0 {
		m.later(func() { m.w.sendMessage(m, to, msg) })
		return
	}
	m.w.sendMessage(m, to, msg)
}

// Check implements [model.Env].
func (m *machine) Check(id model.CheckID, check model.Check) {
	if m.spent > 0 {
		m.later(func() { m.w.startCheck(m, id, check) })
		return
	}
	m.w.startCheck(m, id, check)
}

// AddAddress implements [model.Env].
func (m *machine) AddAddress(ip netip.Addr) { m.effect(func() { m.w.addAddress(m, ip) }) }

// RemoveAddress implements [model.Env].
func (m *machine) RemoveAddress(ip netip.Addr) { m.effect(func() { m.w.removeAddress(m, ip) }) }

// Announce implements [model.Env].
func (m *machine) Announce(ip netip.Addr) { m.effect(func() { m.w.announce(m, ip) }) }

// Publish implements [model.Env].
func (m *machine) Publish(table *model.Table) { m.effect(func() { m.table = table }) }

// Disk implements [model.Env].
func (m *machine) Disk() model.Disk { return m.disk }

// Rand implements [model.Env].
func (m *machine) Rand() *rand.Rand { return m.rng }

// Emit implements [model.Env].
func (m *machine) Emit(e model.Event) {
	if m.spent > 0 {
		m.later(func() { m.w.nodeEvent(m, e) })
		return
	}
	m.w.nodeEvent(m, e)
}

// effect is for what happens rarely; what happens often avoids the closure.
func (m *machine) effect(f func()) {
	if m.spent > 0 {
		m.later(f)
		return
	}
	f()
}
