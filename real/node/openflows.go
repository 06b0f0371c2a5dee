package node

import (
	"net"
	"net/netip"
	"sync"
)

// openFlows counts the flows that are open to each server, for least connections.
type openFlows struct {
	mu sync.Mutex
	to map[netip.AddrPort]int
}

// count is how many are open to a server.
func (o *openFlows) count(server netip.AddrPort) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.to[server]
}

func (o *openFlows) add(server netip.AddrPort, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.to == nil {
		o.to = make(map[netip.AddrPort]int)
	}
	if o.to[server] += n; o.to[server] == 0 {
		delete(o.to, server)
	}
}

// opened counts a flow until it is closed.
func (o *openFlows) opened(c net.Conn, server netip.AddrPort) net.Conn {
	o.add(server, 1)
	return &countedConn{Conn: c, closed: sync.OnceFunc(func() { o.add(server, -1) })}
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
