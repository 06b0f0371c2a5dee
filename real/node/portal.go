package node

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/vishvananda/netlink"

	"firedrill/scenarios"
)

// portalIP is the management address of the way into a live cluster: the last of those for clients.
var portalIP = scenarios.APIClientIP(scenarios.MaxAPIClients)

// portalPatience is for a controller to take a connection.
const portalPatience = 500 * time.Millisecond

// Portal is a way into the cluster from outside: it takes connections at the address that the container engine handed out,
// and passes each on to the REST API of the first of some controllers that takes it, until the context ends.
func Portal(ctx context.Context, controllers []netip.Addr) error {
	link, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(link, address(netip.PrefixFrom(portalIP, scenarios.ManagementNet.Bits()))); err != nil {
		return fmt.Errorf("adding %v (capability NET_ADMIN): %w", portalIP, err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp4", fmt.Sprintf(":%d", RESTPort))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for {
		c, err := l.Accept()
		if err != nil {
			return ignoreEnd(ctx, err)
		}
		go passOn(ctx, c.(*net.TCPConn), controllers)
	}
}

// passOn carries a connection to a controller and back.
func passOn(ctx context.Context, c *net.TCPConn, controllers []netip.Addr) {
	defer c.Close()
	d := net.Dialer{Timeout: portalPatience, LocalAddr: tcpAddr(portalIP)}
	for _, ip := range controllers {
		to, err := d.DialContext(ctx, "tcp4", netip.AddrPortFrom(ip, RESTPort).String())
		if err != nil {
			continue
		}
		defer to.Close()
		var both sync.WaitGroup
		for _, way := range [][2]net.Conn{{c, to}, {to, c}} {
			both.Go(func() {
				_, _ = io.Copy(way[0], way[1])
				_ = way[0].(*net.TCPConn).CloseWrite()
			})
		}
		both.Wait()
		return
	}
}
