package sim

import (
	"net/netip"
	"slices"
	"time"

	"firedrill/model"
)

// flowState is what an engine remembers of an accepted flow. An engine that does not know a flow resets it.
type flowState struct {
	server  ipv4
	port    uint16
	since   int64 // when it was last used
	service *carried
	last    bool // the client closes after the next answer
}

const (
	flowsKept = 4096             // beyond so many, an engine forgets idle flows
	flowIdle  = 60 * time.Second // older than this
)

// dataPath handles a frame for the data path of a machine: the engine's proxy, the server's listener, the
// client's sockets.
func (w *World) dataPath(m *machine, f *frame) {
	switch f.kind {
	case open:
		w.openFlow(m, f)
	case request:
		w.requestOnFlow(m, f)
	case backendResponse:
		w.reply(m, f, response, f.flow)
	case backendRequest:
		w.reply(m, f, backendResponse, f.flow)
	case checkRequest:
		w.reply(m, f, checkResponse, flowKey{})
	case checkResponse:
		w.finishCheck(m, model.CheckID(f.id), uint64(f.gen))
	case accept, reset, response:
		if m.sockets != nil {
			m.sockets.receive(f)
		}
		if m.longFlows != nil {
			m.longFlows.receive(f)
		}
		if f.kind == reset {
			m.dropFlow(f.flow)
		}
	}
	w.release(f)
}

// openFlow asks the forwarding table that the engine has published, as the proxy of a container does.
func (w *World) openFlow(m *machine, f *frame) {
	flow := f.identity()
	if s, known := m.flows[f.flow]; known && w.now-s.since < int64(flowPatience) && m.table.Carries(flow.Service) {
		w.toClient(m, f.flow, accept, s.server) // it was sent again because the answer was late
		return
	}
	d := m.table.Lookup(flow, model.Load{Taken: m.traffic.flowsOf, Open: m.openTo})
	if d.Action == model.ActionGive {
		w.give(m, f, d.Engine, false, nil)
		return
	}
	var service *carried
	if d.Service != "" { // else nothing listens there
		service = m.countFlow(d.Service, flow, d.Server)
	}
	if d.Action == model.ActionRefuse {
		w.toClient(m, f.flow, reset, 0)
		return
	}
	if len(m.flows) >= flowsKept {
		w.forgetIdleFlows(m)
	}
	m.addFlow(f.flow, flowState{server: pack(d.Server.Addr()), port: d.Server.Port(), since: w.now, service: service})
	w.toClient(m, f.flow, accept, pack(d.Server.Addr()))
}

func (w *World) forgetIdleFlows(m *machine) {
	for k, s := range m.flows { // deletes by age alone, so the order does not matter
		if w.now-s.since > int64(flowIdle) {
			m.dropFlow(k)
		}
	}
}

// requestOnFlow passes a client's request to the flow's server.
func (w *World) requestOnFlow(m *machine, f *frame) {
	s, known := m.flows[f.flow]
	if known && !m.table.Carries(f.identity().Service) {
		known = false // the time to go on with it is over
		m.dropFlow(f.flow)
	}
	if !known {
		w.seekHolder(m, f)
		return
	}
	if f.last {
		s.last = true
	} else {
		s.since = w.now
	}
	m.flows[f.flow] = s
	s.service.Requests++
	b := w.newFrame()
	b.kind, b.to, b.flow = backendRequest, s.server, f.flow
	if takes := m.pace.serve(); takes > 0 {
		w.queue.push(w.now+int64(takes), event{kind: evEffect, m: m, inc: m.inc, call: func() { w.sendIP(m, b) }})
		return
	}
	w.sendIP(m, b)
}

// seekHolder finds who has a flow that is not known here, one after the other. Who is asked says that it is not there.
func (w *World) seekHolder(m *machine, f *frame) {
	if f.given && !f.missed {
		w.give(m, f, f.from.addr(), true, f.asked)
		return
	}
	if engine := m.table.Holder(f.identity(), f.asked); engine.IsValid() {
		w.give(m, f, engine, false, slices.Concat(f.asked, []netip.Addr{engine}))
		return
	}
	w.toClient(m, f.flow, reset, 0)
}

// addFlow remembers a flow.
func (m *machine) addFlow(k flowKey, s flowState) {
	m.dropFlow(k)
	m.flows[k] = s
	m.open[s.at()]++
}

// dropFlow forgets it.
func (m *machine) dropFlow(k flowKey) {
	if s, known := m.flows[k]; known {
		delete(m.flows, k)
		m.open[s.at()]--
	}
}

// openTo counts the flows that are open to a server.
func (m *machine) openTo(server netip.AddrPort) int {
	return m.open[flowState{server: pack(server.Addr()), port: server.Port()}.at()]
}

// at is the server, as a key.
func (s flowState) at() uint64 { return uint64(s.server)<<16 | uint64(s.port) }

// identity is the flow of a frame as the forwarding table knows it.
func (f *frame) identity() model.Flow {
	return model.Flow{
		Client:  netip.AddrPortFrom(f.flow.client.addr(), f.flow.clientPort),
		Service: netip.AddrPortFrom(f.flow.service.addr(), f.flow.servicePort),
		Given:   f.given,
	}
}

// give hands a frame of a client to another engine of the service, as it is, inside a frame between the two ("Virtual
// Service Scaling": forwarded at layer 2). That engine answers the client itself.
func (w *World) give(m *machine, f *frame, engine netip.Addr, missed bool, asked []netip.Addr) {
	g := w.newFrame()
	g.kind, g.to, g.flow, g.last, g.given, g.missed, g.asked = f.kind, pack(engine), f.flow, f.last, true, missed, asked
	w.sendIP(m, g)
}

// reply answers a frame to whom it came from; a response of the engine goes to the flow's client, from the
// service's address.
func (w *World) reply(m *machine, f *frame, kind frameKind, flow flowKey) {
	if kind == response {
		if s, known := m.flows[flow]; known {
			s.service.Responses++
			w.toClient(m, flow, response, s.server)
			if s.last {
				m.dropFlow(flow)
			}
		}
		return
	}
	r := w.newFrame()
	r.kind, r.to, r.flow, r.id, r.gen = kind, f.from, flow, f.id, f.gen
	w.sendIP(m, r)
}

// toClient sends what an engine has to say on a flow, and which server has the flow.
func (w *World) toClient(m *machine, flow flowKey, kind frameKind, server ipv4) {
	r := w.newFrame()
	r.kind, r.from, r.to, r.flow, r.by, r.server = kind, flow.service, flow.client, flow, m, w.serverNames[server]
	w.sendIP(m, r)
}

// startCheck sends a health check or a ping; its answer or its timeout becomes a Checked callback.
func (w *World) startCheck(m *machine, id model.CheckID, check model.Check) {
	w.checks++
	gen := w.checks
	m.checks[id] = gen
	f := w.newFrame()
	f.kind, f.to, f.id, f.gen, f.check = checkRequest, pack(check.Target.Addr()), uint64(id), gen, check.Kind
	w.sendIP(m, f)
	w.queue.push(w.now+m.span(check.Timeout), event{kind: evCheck, m: m, inc: m.inc, id: uint64(id), gen: uint64(gen)})
}

func (w *World) finishCheck(m *machine, id model.CheckID, gen uint64) {
	if m.checks[id] == uint32(gen) {
		delete(m.checks, id)
		m.deliver(delivery{kind: deliverCheck, id: uint64(id), ok: true})
	}
}

func (w *World) checkDue(m *machine, id model.CheckID, gen uint64) {
	if m.checks[id] == uint32(gen) {
		delete(m.checks, id)
		m.deliver(delivery{kind: deliverCheck, id: uint64(id)})
	}
}
