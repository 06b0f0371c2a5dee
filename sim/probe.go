package sim

import (
	"net/netip"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/model/config"
	"firedrill/model/wire"
)

// prober watches services as their clients see them: slowly while a service answers, quickly once it does
// not, each probe with a patience of its own, so that an outage is measured finely and cheaply.
type prober struct {
	w                    *World
	m                    *machine
	every, fast, timeout time.Duration
	pending              map[uint64]pendingProbe // by probe number
	next                 uint64
	watches              []*watch
	byPort               map[uint16]uint64
}

// watch is one service under observation.
type watch struct {
	name     string
	send     func(number uint64) int // puts one probe on the wire and tells how many it asks
	dark     bool
	answered int64 // when the last answered probe had been sent; 0: none yet
	gen      uint64
}

type pendingProbe struct {
	watch *watch
	sent  int64
	port  uint16
	asked int // how many were asked and have not refused
}

func newProber(w *World, m *machine, p probeTimes) *prober {
	m.sockets = &prober{w: w, m: m, every: p.every, fast: p.fast, timeout: p.timeout,
		pending: make(map[uint64]pendingProbe), byPort: make(map[uint16]uint64)}
	return m.sockets
}

type probeTimes struct{ every, fast, timeout time.Duration }

// watchService probes a virtual service by a flow with one request.
func (p *prober) watchService(name string, address netip.AddrPort) {
	w := p.w
	wt := &watch{name: name}
	wt.send = func(number uint64) int {
		port := portOf(number)
		p.byPort[port] = number
		f := w.newFrame()
		f.kind, f.to = open, pack(address.Addr())
		f.flow = flowKey{client: p.m.nics[0].ip, clientPort: port, service: f.to, servicePort: address.Port()}
		w.sendIP(p.m, f)
		return 1
	}
	p.add(wt)
}

// watchAPI probes the configuration API by a linearizable read, at the controller that answered last. While the
// API is dark every controller is asked at once, because a client does not know which will lead next.
func (p *prober) watchAPI(members func() []netip.Addr) {
	wt := &watch{name: "api"}
	var leader netip.Addr
	wt.send = func(number uint64) int {
		ask := []netip.Addr{leader}
		if wt.dark || !leader.IsValid() {
			ask = members()
		}
		for _, c := range ask {
			p.w.sendMessage(p.m, c, wire.Encode(&wire.Envelope_Request{Request: &wire.Request{
				Sequence: number, Operation: wire.Operation_READ, Kind: string(config.KindCloud), Name: "probe",
			}}))
		}
		return len(ask)
	}
	p.m.onMessage = func(from netip.Addr, payload []byte) {
		body, err := wire.Decode(payload)
		if err != nil {
			return
		}
		r, ok := body.(*wire.Envelope_Response)
		if !ok {
			return
		}
		switch s := r.Response.Status; s {
		case wire.Status_OK, wire.Status_NOT_FOUND:
			leader = from
			p.finish(r.Response.Sequence, true, r.Response.Controller, "")
		default:
			p.refused(r.Response.Sequence, r.Response.Controller, strings.ToLower(s.String()))
		}
	}
	p.add(wt)
}

func (p *prober) add(wt *watch) { p.watches = append(p.watches, wt) }

// begin starts to watch; probes of different services are spread over the interval.
func (p *prober) begin() {
	for i, wt := range p.watches {
		p.schedule(wt, time.Duration(i+1)*p.every/16%p.every)
	}
}

func (p *prober) schedule(wt *watch, after time.Duration) {
	p.w.generation++
	wt.gen = p.w.generation
	gen := wt.gen
	p.w.queue.push(p.w.now+int64(after), event{kind: evProbe, m: p.m, call: func() {
		if wt.gen == gen {
			p.probe(wt)
		}
	}})
}

// probe sends one probe and plans the next.
func (p *prober) probe(wt *watch) {
	p.next++
	number := p.next
	p.w.queue.push(p.w.now+int64(p.timeout), event{kind: evProbe, m: p.m, id: number})
	p.pending[number] = pendingProbe{watch: wt, sent: p.w.now, port: portOf(number), asked: wt.send(number)}
	if wt.dark && wt.answered > 0 { // what never answered cannot have an outage, and deserves no hurry
		p.schedule(wt, p.fast)
	} else {
		p.schedule(wt, p.every)
	}
}

// receive takes a flow frame addressed to this client.
func (p *prober) receive(f *frame) {
	number := p.byPort[f.flow.clientPort]
	pending, ok := p.pending[number]
	if !ok || pending.port != f.flow.clientPort {
		return
	}
	switch f.kind {
	case accept:
		r := p.w.newFrame()
		r.kind, r.to, r.flow, r.last = request, f.flow.service, f.flow, true
		p.w.sendIP(p.m, r)
	case response:
		p.finish(number, true, f.by.Name, "")
	case reset:
		p.refused(number, f.by.Name, "reset")
	}
}

// portOf is the port that a probe comes from; a port is used again long after its probe is over.
func portOf(number uint64) uint16 { return uint16(1024 + number%60000) }

// refused notes that one of those asked said no; the probe has failed when all have.
func (p *prober) refused(number uint64, by, reason string) {
	pending, open := p.pending[number]
	if !open {
		return
	}
	pending.asked--
	p.pending[number] = pending
	if pending.asked == 0 {
		p.finish(number, false, by, reason)
	}
}

// finish records the fate of a probe and adapts the pace.
func (p *prober) finish(number uint64, ok bool, by, reason string) {
	pending, open := p.pending[number]
	if !open {
		return
	}
	delete(p.pending, number)
	wt := pending.watch
	p.w.record(history.Event{Type: history.Probe, Service: wt.name, Client: p.m.Name, Sent: pending.sent, OK: ok, By: by, Reason: reason})
	switch {
	case ok:
		wt.answered = max(wt.answered, pending.sent)
		if wt.dark {
			wt.dark = false
			p.schedule(wt, p.every)
		}
	case !wt.dark && pending.sent > wt.answered:
		wt.dark = true
		if wt.answered > 0 {
			p.probe(wt)
		}
	}
}
