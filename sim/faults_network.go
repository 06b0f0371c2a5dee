package sim

import (
	"fmt"
	"net/netip"
	"slices"

	"firedrill/scenarios"
)

func strikeJitter(w *World, f *scenarios.Fault, targets, others []*machine) func() {
	there, back := w.wire(f, targets, others), w.wire(f, others, targets)
	there.jitter, back.jitter = f.Delay.Min, f.Delay.Min
	return w.lay(there, back)
}

func strikeDuplication(w *World, f *scenarios.Fault, targets, others []*machine) func() {
	there, back := w.wire(f, targets, others), w.wire(f, others, targets)
	there.twice, back.twice = uint32(f.Share), uint32(f.Share)
	return w.lay(there, back)
}

// strikeFlappingLink takes links down and up, for as long as it lasts.
func strikeFlappingLink(w *World, f *scenarios.Fault, targets, others []*machine) func() {
	there, back := w.wire(f, targets, others), w.wire(f, others, targets)
	lift, over := w.lay(there, back), false
	var flap func()
	flap = func() {
		if over {
			return
		}
		there.cut, back.cut = !there.cut, !back.cut
		w.at(w.now+int64(between(w.faultRng, f.Period.Min, f.Period.Max)), flap)
	}
	flap()
	return func() {
		over = true
		lift()
	}
}

// strikeSwitchFailure cuts whoever is on the switch off from everybody, and from each other.
func strikeSwitchFailure(w *World, f *scenarios.Fault, targets, others []*machine) func() {
	there, back, among := w.wire(f, targets, others), w.wire(f, others, targets), w.wire(f, targets, targets)
	there.cut, back.cut, among.cut = true, true, true
	return w.lay(there, back, among)
}

// strikeStaleARP makes interfaces deaf to gratuitous ARP.
func strikeStaleARP(_ *World, f *scenarios.Fault, targets, _ []*machine) func() {
	deafen := func(by int) {
		for _, m := range targets {
			for _, n := range m.nics {
				if concerns(f, n.net) {
					n.deaf += by
				}
			}
		}
	}
	deafen(1)
	return func() { deafen(-1) }
}

// strikeDuplicateAddress puts foreign machines on the networks, which claim what the targets hold now.
func strikeDuplicateAddress(w *World, f *scenarios.Fault, targets, _ []*machine) func() {
	var strangers []*machine
	for _, m := range targets {
		for _, n := range m.nics {
			if concerns(f, n.net) {
				strangers = append(strangers, w.stranger(n))
			}
		}
	}
	return func() {
		for _, m := range strangers {
			m.up, m.gone = false, true
			for n := range w.segments {
				w.segments[n] = slices.DeleteFunc(w.segments[n], func(c *nic) bool { return c.m == m })
			}
		}
	}
}

// stranger is a machine of somebody else that was given the addresses of an interface by mistake. It runs nothing: it
// announces the addresses as it comes up, answers who asks for them, and refuses connections.
func (w *World) stranger(like *nic) *machine {
	w.strangers++
	name := fmt.Sprintf("stranger-%d", w.strangers)
	m := w.addMachine(scenarios.Node{Name: name, Role: "stranger", Host: "host-" + name}, w.seed)
	m.up = true
	m.onMessage = func(netip.Addr, []byte) {} // nobody listens
	claims := slices.Clone(like.extra)
	if len(claims) == 0 {
		claims = []ipv4{like.ip}
	}
	m.plug(like.net, netip.IPv4Unspecified())
	n := m.nics[0]
	n.extra = claims
	for _, ip := range claims {
		f := w.newFrame()
		f.kind, f.from, f.to, f.src = arpReply, ip, ip, n
		w.broadcast(n, f)
	}
	return m
}
