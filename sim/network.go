package sim

import (
	"bytes"
	"fmt"
	"net/netip"
	"time"

	"firedrill/model"
	"firedrill/scenarios"
)

// nic is a machine's interface on one segment.
type nic struct {
	m     *machine
	net   network
	ip    ipv4
	extra []ipv4 // virtual addresses held
	deaf  int    // how many faults make it deaf to gratuitous ARP
	arp   map[ipv4]*neighbour
}

func (n *nic) holds(ip ipv4) bool {
	if n.ip == ip {
		return true
	}
	for _, x := range n.extra {
		if x == ip {
			return true
		}
	}
	return false
}

// rule is a fault on the wire: it concerns frames from a machine in from to a machine in to, on the
// segments of nets.
type rule struct {
	from, to []bool  // by machine index
	later    [2]bool // whether a machine that was made since belongs to from, and to
	nets     [networks]bool
	cut      bool
	loss     uint32 // parts per million
	min, max time.Duration
	jitter   time.Duration // at most
	twice    uint32        // parts per million of the messages arrive so
}

func (r *rule) concerns(f *frame) bool {
	return r.nets[f.net] && among(r.from, r.later[0], f.src.m.index) && among(r.to, r.later[1], f.dst.m.index)
}

func among(set []bool, later bool, index int) bool {
	if index >= len(set) {
		return later
	}
	return set[index]
}

func (m *machine) nic(n network) *nic {
	for _, c := range m.nics {
		if c.net == n {
			return c
		}
	}
	return nil
}

// route picks the interface and the next hop for a destination: the segment itself, or the gateway.
func (w *World) route(m *machine, to ipv4) (*nic, ipv4) {
	if n := m.nic(networkOf(to)); n != nil {
		return n, to
	}
	if n := m.nic(data); n != nil {
		return n, w.gatewayInner
	}
	if n := m.nic(edge); n != nil {
		return n, w.gatewayOuter
	}
	return nil, 0
}

// sendMessage carries bytes from one node to another.
func (w *World) sendMessage(m *machine, to netip.Addr, msg []byte) {
	f := w.newFrame()
	f.kind, f.to, f.payload = message, pack(to), msg
	w.trace.note('s', w.now, m, uint64(f.to), 0, msg)
	if w.trace.reads() {
		w.trace.print(w.now, fmt.Sprintf("%-14s sends %s to %v", m.Name, describeMessage(msg), to))
	}
	w.sendIP(m, f)
}

// sendIP routes a frame whose destination address is set; the source is the interface's own address unless set.
func (w *World) sendIP(m *machine, f *frame) {
	n, hop := w.route(m, f.to)
	if n == nil {
		w.release(f)
		return
	}
	if f.from == 0 {
		f.from = n.ip
	}
	w.resolve(n, hop, f)
}

// transmit puts a frame on the wire towards one interface of the same segment.
func (w *World) transmit(from, to *nic, f *frame) {
	f.net, f.src, f.dst, f.sent = from.net, from, to, w.now
	if w.links.loss > 0 && w.links.rng.Uint64N(million) < uint64(w.links.loss) {
		w.lose(f)
		return
	}
	latency := w.links.latency()
	if w.links.distanceMax > 0 && from.m.Role == scenarios.RoleController && to.m.Role == scenarios.RoleController {
		latency += between(w.links.rng, w.links.distanceMin, w.links.distanceMax)
	}
	twice := false
	for _, r := range w.rules {
		if !r.concerns(f) {
			continue
		}
		if r.cut || r.loss > 0 && w.links.rng.Uint64N(million) < uint64(r.loss) {
			w.lose(f)
			return
		}
		latency += between(w.links.rng, r.min, r.max)
		if r.jitter > 0 {
			latency += between(w.faultRng, 0, r.jitter)
		}
		twice = twice || r.twice > 0 && f.kind == message && w.faultRng.Uint64N(million) < uint64(r.twice)
	}
	w.send(f, latency)
	if twice || f.kind == message && w.links.duplicate > 0 && w.links.rng.Uint64N(million) < uint64(w.links.duplicate) {
		w.again(f, latency)
	}
}

// again puts a copy of a message on the wire, behind the first.
func (w *World) again(f *frame, latency time.Duration) {
	c := w.newFrame()
	*c = *f
	c.payload = bytes.Clone(f.payload) // whoever gets a message owns it
	w.send(c, latency+w.links.latency())
}

// send plans the arrival of a frame.
func (w *World) send(f *frame, after time.Duration) {
	due := w.now + int64(after)
	if w.film != nil {
		w.film.sent(f, due)
	}
	w.queue.push(due, event{kind: evFrame, m: f.dst.m, frame: f})
}

// lose drops a frame that the wire has lost.
func (w *World) lose(f *frame) {
	if w.film != nil {
		w.film.lost(f)
	}
	w.release(f)
}

// broadcast sends a copy of the frame to every other interface of the segment.
func (w *World) broadcast(from *nic, f *frame) {
	for _, n := range w.segments[from.net] {
		if n == from {
			continue
		}
		c := w.newFrame()
		*c = *f
		w.transmit(from, n, c)
	}
	w.release(f)
}

// arrive handles a frame at its destination: the kernel answers ARP and pings and forwards, the rest is for
// the process.
func (w *World) arrive(f *frame) {
	n, m := f.dst, f.dst.m
	if !m.up {
		w.release(f)
		return
	}
	w.trace.note('f', w.now, m, uint64(f.from)<<32|uint64(f.to), uint64(f.kind), f.payload)
	switch {
	case f.kind == arpRequest || f.kind == arpReply:
		w.arriveARP(n, f)
	case !n.holds(f.to):
		if m.Role == "gateway" {
			w.sendIP(m, f)
			return
		}
		w.release(f)
	case f.kind == message:
		from, payload := f.from.addr(), f.payload
		w.release(f)
		if w.trace.reads() {
			w.trace.print(w.now, fmt.Sprintf("%-14s hears %s from %v", m.Name, describeMessage(payload), from))
		}
		if m.onMessage != nil {
			m.onMessage(from, payload)
			return
		}
		m.deliver(delivery{kind: deliverMessage, from: from, msg: payload})
	case f.kind == checkRequest && f.check != model.CheckHTTP:
		w.reply(m, f, checkResponse, flowKey{}) // the kernel's answer: a frozen process gives it too
		w.release(f)
	default:
		m.deliver(delivery{kind: deliverFrame, frame: f})
	}
}

func (w *World) newFrame() *frame {
	if n := len(w.frames); n > 0 {
		f := w.frames[n-1]
		w.frames = w.frames[:n-1]
		return f
	}
	return new(frame)
}

func (w *World) release(f *frame) {
	*f = frame{}
	w.frames = append(w.frames, f)
}

// addAddress makes a machine answer for a virtual address.
func (w *World) addAddress(m *machine, a netip.Addr) {
	ip := pack(a)
	n := m.nic(networkOf(ip))
	if n == nil || n.holds(ip) {
		return
	}
	n.extra = append(n.extra, ip)
	w.nodeEvent(m, model.Event{Kind: model.EventAddressAdded, Unit: a.String()})
}

// removeAddress makes it stop.
func (w *World) removeAddress(m *machine, a netip.Addr) {
	ip := pack(a)
	n := m.nic(networkOf(ip))
	if n == nil {
		return
	}
	for i, x := range n.extra {
		if x == ip {
			n.extra = append(n.extra[:i], n.extra[i+1:]...)
			w.nodeEvent(m, model.Event{Kind: model.EventAddressRemoved, Unit: a.String()})
			return
		}
	}
}

// announce broadcasts a gratuitous ARP reply.
func (w *World) announce(m *machine, a netip.Addr) {
	ip := pack(a)
	n := m.nic(networkOf(ip))
	if n == nil || !n.holds(ip) {
		return
	}
	f := w.newFrame()
	f.kind, f.from, f.to, f.src = arpReply, ip, ip, n
	w.broadcast(n, f)
	w.nodeEvent(m, model.Event{Kind: model.EventAnnounced, Unit: a.String()})
}
