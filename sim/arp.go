package sim

import "time"

// neighbour is an entry of an ARP cache. It follows Linux: an entry older than the cache's expiry is stale
// but used on while its holder is asked again; only when three questions stay unanswered is it dropped and
// the segment asked.
type neighbour struct {
	hw      *nic // nil while unresolved
	expires int64
	asking  bool
	tries   int
	gen     uint64
	waiting []*frame // what to send once resolved
}

const (
	arpRetry   = time.Second // between two questions (Linux: retrans_time_ms)
	arpTries   = 3           // questions before giving up (Linux: ucast_solicit, mcast_solicit)
	arpWaiting = 256         // frames kept per unresolved neighbour (Linux: 212,992 bytes, some 270 small packets)
)

func (n *nic) clearARP() { clear(n.arp) }

// resolve sends a frame to the next hop as soon as its hardware address is known.
func (w *World) resolve(n *nic, hop ipv4, f *frame) {
	e := n.arp[hop]
	if e == nil {
		e = &neighbour{}
		n.arp[hop] = e
	}
	if e.hw == nil {
		if len(e.waiting) == arpWaiting { // Linux drops the one that has waited longest
			w.release(e.waiting[0])
			e.waiting = e.waiting[:copy(e.waiting, e.waiting[1:])]
		}
		f.sent = w.now
		e.waiting = append(e.waiting, f)
		w.ask(n, hop, e)
		return
	}
	if w.now >= e.expires {
		w.ask(n, hop, e)
	}
	w.transmit(n, e.hw, f)
}

// ask starts to question who holds an address, unless that is under way.
func (w *World) ask(n *nic, ip ipv4, e *neighbour) {
	if e.asking {
		return
	}
	e.asking, e.tries = true, 0
	w.askOnce(n, ip, e)
}

func (w *World) askOnce(n *nic, ip ipv4, e *neighbour) {
	e.tries++
	w.generation++
	e.gen = w.generation
	f := w.newFrame()
	f.kind, f.from, f.to, f.src = arpRequest, n.ip, ip, n
	if e.hw != nil {
		w.transmit(n, e.hw, f)
	} else {
		w.broadcast(n, f)
	}
	w.queue.push(w.now+int64(arpRetry), event{kind: evARP, m: n.m, inc: n.m.inc, id: uint64(n.net)<<32 | uint64(ip), gen: e.gen})
}

// arpDue looks at a question that has had its time.
func (w *World) arpDue(m *machine, id, gen uint64) {
	n, ip := m.nic(network(id>>32)), ipv4(id)
	e := n.arp[ip]
	if e == nil || e.gen != gen || !e.asking {
		return
	}
	if e.tries < arpTries {
		w.askOnce(n, ip, e)
		return
	}
	for _, f := range e.waiting {
		w.release(f)
	}
	delete(n.arp, ip)
}

// arriveARP answers questions for addresses held here, and learns. A reply or a question refreshes an entry
// that exists; a gratuitous reply creates none (Linux: arp_accept is off).
func (w *World) arriveARP(n *nic, f *frame) {
	src, from, to, asks := f.src, f.from, f.to, f.kind == arpRequest
	w.release(f)
	if n.deaf > 0 && !asks && from == to {
		return
	}
	mine := n.holds(to)
	if e := n.arp[from]; e != nil {
		w.learn(n, e, src)
	} else if asks && mine {
		e := &neighbour{}
		n.arp[from] = e
		w.learn(n, e, src)
	}
	if asks && mine {
		r := w.newFrame()
		r.kind, r.from, r.to = arpReply, to, from
		w.transmit(n, src, r)
	}
}

func (w *World) learn(n *nic, e *neighbour, hw *nic) {
	e.hw, e.asking = hw, false
	e.expires = w.now + int64(w.links.arpExpiry)
	waiting := e.waiting
	e.waiting = nil
	for _, f := range waiting {
		w.transmit(n, hw, f)
	}
}
