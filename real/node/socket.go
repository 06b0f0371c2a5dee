package node

import (
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// lostAfter is how long data may wait for its acknowledgement before a connection between nodes counts as lost
// (TCP_USER_TIMEOUT, RFC 5482). Left to itself TCP would wait for minutes, ever longer between two tries, and then deliver
// what is long out of date.
const lostAfter = 300 * time.Millisecond

// idleProbes find out that a peer is gone while nothing is sent.
var idleProbes = net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 2}

// userTimeout is a socket's control function that sets TCP_USER_TIMEOUT.
func userTimeout(d time.Duration) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var err error
		if problem := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
		}); problem != nil {
			return problem
		}
		return err
	}
}

// resetConn closes a connection by a reset instead of a farewell.
func resetConn(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // where it cannot be set, the connection is gone already
	}
	_ = c.Close()
}

// ends are the addresses of a connection.
func ends(c net.Conn) (local, remote netip.AddrPort) {
	return addrPort(c.LocalAddr()), addrPort(c.RemoteAddr())
}

func addrPort(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := t.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// tcpAddr is the address to bind a connection to; nil, for any, if it is invalid.
func tcpAddr(ip netip.Addr) net.Addr {
	if !ip.IsValid() {
		return nil
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, 0))
}
