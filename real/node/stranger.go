package node

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
)

// settleAsStranger takes addresses as [Settle] does, under a MAC address that is none of the plan's: they may be another's.
func settleAsStranger(networks []Network, claims []netip.Addr, log *slog.Logger) (*Addresses, error) {
	return settleAs(func(netip.Addr) net.HardwareAddr { return nil }, networks, claims, log)
}

// beginStranger announces the addresses that were given to this machine by mistake. That it answers who asks for them, and
// refuses connections, is its kernel's doing.
func (c *container) beginStranger(ctx context.Context) {
	for _, ip := range c.spec.Claims {
		c.addresses.announce(ip)
	}
	c.part(func() { <-ctx.Done() })
}
