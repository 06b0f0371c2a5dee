package engine

import (
	"net/netip"
	"slices"
)

// announcer tells the neighbours which addresses this engine holds: a few times when it has taken one, because a single
// gratuitous ARP may be lost, and all of them now and then.
type announcer struct {
	engine *Engine
	due    map[netip.Addr]int // announcements left in the present burst
}

// burst announces addresses now and a few times more.
func (a *announcer) burst(addresses ...netip.Addr) {
	if a.due == nil {
		a.due = make(map[netip.Addr]int)
	}
	for _, ip := range addresses {
		a.due[ip] = a.engine.cfg.Timers.GARPCount
		a.announce(ip)
	}
	a.planNext()
}

// announce announces an address, unless the peer was asked to take it over: neighbours may hear the two in either order.
func (a *announcer) announce(ip netip.Addr) {
	if !a.engine.pair.yields(ip) {
		a.engine.env.Announce(ip)
	}
	if a.due[ip]--; a.due[ip] <= 0 {
		delete(a.due, ip)
	}
}

// again announces the addresses in a burst, or all that are held when none is.
func (a *announcer) again() {
	bursting := a.bursting()
	for _, ip := range a.engine.duty.held() {
		if a.due[ip] > 0 || !bursting {
			a.announce(ip)
		}
	}
	a.planNext()
}

func (a *announcer) bursting() bool {
	return slices.ContainsFunc(a.engine.duty.held(), func(ip netip.Addr) bool { return a.due[ip] > 0 })
}

func (a *announcer) planNext() {
	next := a.engine.cfg.Timers.GARPRefresh
	if a.bursting() {
		next = a.engine.cfg.Timers.GARPSpacing
	}
	a.engine.env.SetTimer(timerAnnounce, next.Std())
}
