package sim

import (
	"net/netip"
	"time"

	"firedrill/checker/history"
	"firedrill/scenarios"
	"firedrill/scenarios/clients"
)

// prober watches services as their clients see them, each probe with a patience of its own.
type prober struct {
	w       *World
	m       *machine
	probes  scenarios.Probes
	pending map[uint64]pendingProbe // by probe number
	next    uint64
	watches []*watch
	byPort  map[uint16]uint64
}

// watch is one service under observation.
type watch struct {
	name    string
	address netip.AddrPort          // of a virtual service
	send    func(number uint64) int // puts one probe on the wire and tells how many it asks
	pace    clients.Pace
	gen     uint64
}

type pendingProbe struct {
	watch *watch
	sent  int64
	port  uint16
	asked int // how many were asked and have not refused
}

func newProber(w *World, m *machine, probes scenarios.Probes) *prober {
	m.sockets = &prober{w: w, m: m, probes: probes,
		pending: make(map[uint64]pendingProbe), byPort: make(map[uint16]uint64)}
	return m.sockets
}

// watchService probes a virtual service by a flow with one request.
func (p *prober) watchService(name string, address netip.AddrPort) {
	wt := &watch{name: name, address: address, pace: clients.NewPace(p.probes)}
	wt.send = func(number uint64) int {
		port := portOf(number)
		p.byPort[port] = number
		p.sendOn(wt, port, open)
		return 1
	}
	p.add(wt)
}

// sendOn sends what opens or ends the flow of a probe.
func (p *prober) sendOn(wt *watch, port uint16, kind frameKind) {
	f := p.w.newFrame()
	f.kind, f.to = kind, pack(wt.address.Addr())
	f.flow = flowKey{client: p.m.nics[0].ip, clientPort: port, service: f.to, servicePort: wt.address.Port()}
	p.w.sendIP(p.m, f)
}

// giveUp ends a probe that has waited long enough, and its flow, as a kernel does for a socket that is closed.
func (p *prober) giveUp(number uint64) {
	if pending, open := p.pending[number]; open && pending.watch.address.IsValid() {
		p.sendOn(pending.watch, pending.port, reset)
	}
	p.finish(number, false, "", "", "silence")
}

// watchAPI probes the configuration API by a linearizable read, at the controller that answered last. While the
// API is dark every controller is asked at once, because a client does not know which will lead next.
func (p *prober) watchAPI(members func() []netip.Addr) {
	wt := &watch{name: "api", pace: clients.NewPace(p.probes)}
	var leader netip.Addr
	wt.send = func(number uint64) int {
		ask := []netip.Addr{leader}
		if wt.pace.Dark() || !leader.IsValid() {
			ask = members()
		}
		for _, c := range ask {
			p.w.sendMessage(p.m, c, clients.APIProbe(number))
		}
		return len(ask)
	}
	p.m.onMessage = func(from netip.Addr, payload []byte) {
		a, ok := clients.ReadAPIAnswer(payload)
		switch {
		case !ok:
		case a.Refusal == "":
			leader = from
			p.finish(a.Number, true, a.Controller, "", "")
		default:
			p.refused(a.Number, a.Controller, a.Refusal)
		}
	}
	p.add(wt)
}

func (p *prober) add(wt *watch) { p.watches = append(p.watches, wt) }

// begin starts to watch.
func (p *prober) begin() {
	for i, wt := range p.watches {
		p.schedule(wt, wt.pace.First(i))
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
	p.w.queue.push(p.w.now+int64(p.probes.Timeout), event{kind: evProbe, m: p.m, id: number})
	p.pending[number] = pendingProbe{watch: wt, sent: p.w.now, port: portOf(number), asked: wt.send(number)}
	p.schedule(wt, wt.pace.Next())
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
		p.finish(number, true, f.by.Name, f.server, "")
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
		p.finish(number, false, by, "", reason)
	}
}

// finish records the fate of a probe and adapts the pace.
func (p *prober) finish(number uint64, ok bool, by, server, reason string) {
	pending, open := p.pending[number]
	if !open {
		return
	}
	delete(p.pending, number)
	wt := pending.watch
	p.w.record(history.Event{Type: history.Probe, Service: wt.name, Client: p.m.Name, Sent: pending.sent, OK: ok, By: by, Server: server, Reason: reason})
	switch wt.pace.Finished(pending.sent, ok) {
	case clients.Slower:
		p.schedule(wt, p.probes.Every.Std())
	case clients.AtOnce:
		p.probe(wt)
	}
}
