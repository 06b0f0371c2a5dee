package node

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"firedrill/scenarios"
)

// Addresses are the interfaces of a container and the addresses that its node holds besides its own. It needs the
// capabilities NET_ADMIN and NET_RAW.
type Addresses struct {
	log   *slog.Logger
	links []*link
	held  []netip.Addr
}

// link is an interface on one network of the plan.
type link struct {
	network string
	net     netip.Prefix
	own     []netip.Addr // its first is the source of what the container sends there
	link    netlink.Link
	arp     *arp.Client
	deaf    bool // gratuitous ARP goes unnoticed
}

// HardwareAddr is the MAC address of the container whose first address on a network is ip: a locally administered one, made
// of that address. So it stays when the container is started again, and others know it without asking.
func HardwareAddr(ip netip.Addr) net.HardwareAddr {
	b := ip.As4()
	return append(net.HardwareAddr{0x02, 0xfd}, b[:]...)
}

// Settle gives the interfaces of a container the addresses of the plan instead of those that the container engine handed
// out, and its routes. Of several addresses on one network the first is the container's source.
func Settle(networks []Network, own []netip.Addr, log *slog.Logger) (*Addresses, error) {
	return settleAs(HardwareAddr, networks, own, log)
}

// settleAs does so under MAC addresses that are made of the plan's; where none is made, that of the container engine stays.
func settleAs(mac func(netip.Addr) net.HardwareAddr, networks []Network, own []netip.Addr, log *slog.Logger) (*Addresses, error) {
	a := &Addresses{log: log}
	for _, n := range networks {
		l, err := settle(mac, n, own)
		if err != nil {
			a.Close()
			return nil, fmt.Errorf("network %s: %w", n.Name, err)
		}
		a.links = append(a.links, l)
	}
	if err := a.route(); err != nil {
		a.Close()
		return nil, fmt.Errorf("routes: %w", err)
	}
	return a, nil
}

// settle lays out the interface of one network.
func settle(mac func(netip.Addr) net.HardwareAddr, n Network, own []netip.Addr) (*link, error) {
	l := &link{network: n.Name}
	for _, ip := range own {
		if name, prefix, ok := scenarios.NetworkOf(ip); ok && name == n.Name {
			l.net = prefix
			l.own = append(l.own, ip)
		}
	}
	if l.own == nil {
		return nil, errors.New("the plan gives this container no address there")
	}
	var err error
	if l.link, err = linkOf(n.Handed, l.own[0]); err != nil {
		return nil, err
	}
	if err := l.replaceAddresses(mac(l.own[0])); err != nil {
		return nil, err
	}
	device, err := net.InterfaceByIndex(l.link.Attrs().Index)
	if err != nil {
		return nil, err
	}
	l.arp, err = arp.Dial(device)
	if err != nil {
		return nil, fmt.Errorf("raw socket for ARP (capability NET_RAW): %w", err)
	}
	return l, nil
}

// replaceAddresses flushes the interface and gives it the plan's addresses, and a MAC address unless it is nil.
func (l *link) replaceAddresses(mac net.HardwareAddr) error {
	old, err := netlink.AddrList(l.link, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	for i := range old {
		if err := netlink.AddrDel(l.link, &old[i]); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return fmt.Errorf("removing %v: %w", old[i].IPNet, err) // one that is gone went with its primary
		}
	}
	if mac != nil {
		if err := netlink.LinkSetHardwareAddr(l.link, mac); err != nil {
			return fmt.Errorf("setting the MAC address (capability NET_ADMIN): %w", err)
		}
	}
	for _, ip := range l.own {
		if err := netlink.AddrAdd(l.link, address(netip.PrefixFrom(ip, l.net.Bits()))); err != nil {
			return fmt.Errorf("adding %v: %w", ip, err)
		}
	}
	return netlink.LinkSetUp(l.link)
}

// linkOf finds the interface that the container engine plugged into a network: it has an address in the prefix, or the
// container's own already.
func linkOf(handed netip.Prefix, own netip.Addr) (netlink.Link, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, err
	}
	var seen []string
	for _, l := range links {
		addresses, err := netlink.AddrList(l, netlink.FAMILY_V4)
		if err != nil {
			return nil, err
		}
		for _, a := range addresses {
			if ip, ok := netip.AddrFromSlice(a.IP.To4()); ok && (handed.Contains(ip) || ip == own) {
				return l, nil
			}
			seen = append(seen, l.Attrs().Name+" "+a.IPNet.String())
		}
	}
	return nil, fmt.Errorf("no interface has an address in %v; there are %v", handed, seen)
}

// route removes default routes, so that nothing leaves the run, and sends what is for the other side of the gateway there.
func (a *Addresses) route() error {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	for i := range routes {
		if dst := routes[i].Dst; dst == nil || dst.IP.IsUnspecified() {
			if err := netlink.RouteDel(&routes[i]); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("removing the default route: %w", err)
			}
		}
	}
	data, edge := a.on(scenarios.NetworkData), a.on(scenarios.NetworkEdge)
	switch {
	case data != nil && edge == nil:
		return data.via(scenarios.GatewayInner, scenarios.EdgeNet)
	case edge != nil && data == nil:
		return edge.via(scenarios.GatewayOuter, scenarios.DataNet)
	}
	return nil
}

func (l *link) via(gateway netip.Addr, to netip.Prefix) error {
	return netlink.RouteReplace(&netlink.Route{
		LinkIndex: l.link.Attrs().Index, Gw: gateway.AsSlice(), Dst: address(to).IPNet, Src: l.own[0].AsSlice(),
	})
}

func (a *Addresses) on(network string) *link {
	for _, l := range a.links {
		if l.network == network {
			return l
		}
	}
	return nil
}

// source is the container's own address on the way to another, as the simulator has it: on that network, or on the one with
// the gateway.
func (a *Addresses) source(to netip.Addr) netip.Addr {
	if l := a.towards(to); l != nil {
		return l.own[0]
	}
	if l := a.on(scenarios.NetworkData); l != nil {
		return l.own[0]
	}
	return netip.Addr{}
}

// towards is the interface on the network that holds an address.
func (a *Addresses) towards(ip netip.Addr) *link {
	if a == nil {
		return nil
	}
	network, _, _ := scenarios.NetworkOf(ip)
	return a.on(network)
}

// add takes an address; false if the node has it already or is on no network that holds it. It is added as one of its own
// (/32), never as a second of the network's, so that the source of what the container sends stays its own address.
func (a *Addresses) add(ip netip.Addr) bool {
	l := a.towards(ip)
	if l == nil || slices.Contains(l.own, ip) || slices.Contains(a.held, ip) {
		return false
	}
	if err := netlink.AddrAdd(l.link, address(netip.PrefixFrom(ip, ip.BitLen()))); err != nil && !errors.Is(err, syscall.EEXIST) {
		a.log.Error("address not taken", "address", ip, "error", err)
		return false
	}
	a.held = append(a.held, ip)
	return true
}

// remove gives an address up; false if it was not taken.
func (a *Addresses) remove(ip netip.Addr) bool {
	if a == nil || !slices.Contains(a.held, ip) {
		return false
	}
	a.held = slices.DeleteFunc(a.held, func(h netip.Addr) bool { return h == ip })
	err := netlink.AddrDel(a.towards(ip).link, address(netip.PrefixFrom(ip, ip.BitLen())))
	if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
		a.log.Error("address not given up", "address", ip, "error", err)
	}
	return true
}

// announce broadcasts an ARP announcement (RFC 5227, section 3: a request whose sender and target are the address).
func (a *Addresses) announce(ip netip.Addr) bool {
	l := a.towards(ip)
	if l == nil || !slices.Contains(l.own, ip) && !slices.Contains(a.held, ip) {
		return false
	}
	p, err := arp.NewPacket(arp.OperationRequest, l.arp.HardwareAddr(), ip, make(net.HardwareAddr, 6), ip)
	if err == nil {
		err = l.arp.WriteTo(p, ethernet.Broadcast)
	}
	if err != nil {
		a.log.Error("address not announced", "address", ip, "error", err)
		return false
	}
	return true
}

// Close gives back the sockets. The addresses stay until the network namespace goes.
func (a *Addresses) Close() {
	for _, l := range a.links {
		_ = l.arp.Close()
	}
}

func address(p netip.Prefix) *netlink.Addr {
	return &netlink.Addr{IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}}
}
