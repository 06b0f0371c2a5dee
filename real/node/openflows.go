package node

import (
	"net"
	"net/netip"
	"sync"

	"firedrill/model"
)

// openFlows knows the flows that are open, and counts those to each server, for least connections.
type openFlows struct {
	mu    sync.Mutex
	to    map[netip.AddrPort]int
	flows map[flowEnds]int // a client may come again before the flow before is gone
}

// flowEnds tell a flow from others.
type flowEnds struct{ client, service netip.AddrPort }

// count is how many are open to a server.
func (o *openFlows) count(server netip.AddrPort) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.to[server]
}

// has tells whether a flow is open.
func (o *openFlows) has(f model.Flow) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.flows[flowEnds{f.Client, f.Service}] > 0
}

func (o *openFlows) add(f model.Flow, server netip.AddrPort, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.to == nil {
		o.to, o.flows = make(map[netip.AddrPort]int), make(map[flowEnds]int)
	}
	if o.to[server] += n; o.to[server] == 0 {
		delete(o.to, server)
	}
	ends := flowEnds{f.Client, f.Service}
	if o.flows[ends] += n; o.flows[ends] == 0 {
		delete(o.flows, ends)
	}
}

// opened counts a flow until it is closed.
func (o *openFlows) opened(c net.Conn, f model.Flow, server netip.AddrPort) net.Conn {
	o.add(f, server, 1)
	return &countedConn{Conn: c, closed: sync.OnceFunc(func() { o.add(f, server, -1) })}
}

// countedConn tells of its first closing.
type countedConn struct {
	net.Conn
	closed func()
}

// Close implements [net.Conn].
func (c *countedConn) Close() error {
	c.closed()
	return c.Conn.Close()
}
