package node

import (
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const (
	inetConf          = 1  // IFLA_INET_CONF of linux/if_link.h
	dropGratuitousARP = 31 // IPV4_DEVCONF_DROP_GRATUITOUS_ARP of linux/ip.h
)

// hearGratuitousARP lets the kernel heed gratuitous ARP on each network, or not: its setting drop_gratuitous_arp. By netlink,
// because /proc/sys cannot be written in a container.
func (a *Addresses) hearGratuitousARP(deaf func(network string) bool) error {
	if a == nil {
		return nil
	}
	for _, l := range a.links {
		value := uint32(0)
		if deaf(l.network) {
			value = 1
		}
		if l.deaf == (value == 1) {
			continue
		}
		request := nl.NewNetlinkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK)
		message := nl.NewIfInfomsg(unix.AF_UNSPEC)
		message.Index = int32(l.link.Attrs().Index)
		request.AddData(message)
		spec := nl.NewRtAttr(unix.IFLA_AF_SPEC, nil)
		spec.AddRtAttr(unix.AF_INET, nil).AddRtAttr(inetConf, nil).AddRtAttr(dropGratuitousARP, nl.Uint32Attr(value))
		request.AddData(spec)
		if _, err := request.Execute(unix.NETLINK_ROUTE, 0); err != nil {
			return fmt.Errorf("network %s: drop_gratuitous_arp (capability NET_ADMIN): %w", l.network, err)
		}
		l.deaf = value == 1
	}
	return nil
}
