package sim

import (
	"net/netip"
	"time"

	"firedrill/checker/history"
	"firedrill/scenarios"
)

// flowClient keeps flows open to services for as long as they last, a request on each every so often, and records where
// they begin and what ends them. Probes are over at once; it is only by these that one sees what a failover does to the
// clients that were there before.
type flowClient struct {
	w      *World
	m      *machine
	every  time.Duration
	from   time.Duration
	flows  []*longFlow
	byPort map[uint16]*longFlow
	opened uint64 // numbers the flows
}

// longFlow is one place for a flow; when the flow has broken, the next one takes it.
type longFlow struct {
	service  string
	address  netip.AddrPort
	number   uint64 // of the present flow
	port     uint16
	state    flowPhase
	by       string // the engine that answers it
	sent     int64  // when it was opened
	answered int64  // when an answer last came, or the flow was opened
}

type flowPhase uint8

const (
	flowClosed flowPhase = iota
	flowOpening
	flowOpen
)

// flowPatience is how long a client waits for an answer before it gives the flow up. It is far longer than a takeover
// takes: TCP sends again, and so does this client with its next request.
const flowPatience = 3 * time.Second

func newFlowClient(w *World, m *machine, f scenarios.Flows) {
	c := &flowClient{w: w, m: m, every: f.Every.Std(), from: f.From.Std(), byPort: make(map[uint16]*longFlow)}
	for _, vs := range w.plan.Config.Services {
		for range f.PerService {
			c.flows = append(c.flows, &longFlow{service: vs.Name, address: netip.AddrPortFrom(vs.VIP, vs.Port)})
		}
	}
	m.longFlows = c
}

// begin spreads the flows over the interval.
func (c *flowClient) begin() {
	for i, l := range c.flows {
		c.next(l, c.from+time.Duration(i)*c.every/time.Duration(len(c.flows)))
	}
}

func (c *flowClient) next(l *longFlow, after time.Duration) {
	c.w.queue.push(c.w.now+int64(after), event{kind: evCall, m: c.m, call: func() {
		c.turn(l)
		c.next(l, c.every)
	}})
}

// turn does what is due on a flow.
func (c *flowClient) turn(l *longFlow) {
	silent := c.w.now-l.answered > int64(flowPatience)
	switch {
	case l.state == flowOpen && silent:
		c.send(l, reset) // as a kernel does for a socket that is given up
		c.broken(l, l.by, "silence")
		c.open(l)
	case l.state == flowOpen:
		c.send(l, request)
	case l.state == flowClosed || silent:
		c.open(l)
	default:
		c.send(l, open) // as TCP does when it hears nothing
	}
}

// open begins a flow, from a port of its own.
func (c *flowClient) open(l *longFlow) {
	delete(c.byPort, l.port)
	c.opened++
	l.number, l.port = c.opened, portOf(c.opened)
	c.byPort[l.port] = l
	l.state, l.by, l.sent, l.answered = flowOpening, "", c.w.now, c.w.now
	c.send(l, open)
}

func (c *flowClient) send(l *longFlow, kind frameKind) {
	f := c.w.newFrame()
	f.kind, f.to = kind, pack(l.address.Addr())
	f.flow = flowKey{client: c.m.nics[0].ip, clientPort: l.port, service: f.to, servicePort: l.address.Port()}
	c.w.sendIP(c.m, f)
}

// receive takes a frame of a flow.
func (c *flowClient) receive(f *frame) {
	l := c.byPort[f.flow.clientPort]
	if l == nil {
		return
	}
	switch {
	case f.kind == reset:
		if l.state == flowOpen {
			c.broken(l, l.by, "reset by "+f.by.Name)
		}
		l.state = flowClosed
	case f.kind == accept && l.state == flowOpening:
		l.state = flowOpen
		c.begun(l, f)
	case f.kind == response && l.state == flowOpen && l.by != f.by.Name:
		c.begun(l, f) // an opening that was sent twice may have been accepted twice
	}
	l.answered = c.w.now
}

// begun records that an engine has let the flow in, and to which server.
func (c *flowClient) begun(l *longFlow, f *frame) {
	l.by = f.by.Name
	c.record(l, history.Event{Phase: history.Begin, By: l.by, Server: f.server, Sent: l.sent})
}

func (c *flowClient) broken(l *longFlow, by, reason string) {
	c.record(l, history.Event{Phase: history.Finish, By: by, Reason: reason})
}

func (c *flowClient) record(l *longFlow, e history.Event) {
	e.Type, e.Client, e.Op, e.Service = history.Flow, c.m.Name, l.number, l.service
	c.w.record(e)
}
