package controller

import (
	"net/netip"

	"firedrill/model/config"
)

// clusterIP is the address of the cluster, held by its leader alone ("Controller Cluster IP"). It is fenced by the
// leader's lease: by the time another can be elected, this node has given it up by its own clock, however the
// network is cut. Only a process that is frozen cannot; it does so first thing when it wakes.
type clusterIP struct {
	c         *Controller
	held      netip.Addr // invalid: none
	announces int        // announcements still due in the present burst
}

// wanted is the address that this node should hold now; invalid: none.
func (i *clusterIP) wanted() netip.Addr {
	if until, ok := i.c.replica.LeaseUntil(); !i.c.ready || !ok || i.c.env.Now() >= until {
		return netip.Addr{}
	}
	e, ok := i.c.machine.Get(clusterKey)
	if !ok {
		return netip.Addr{}
	}
	return e.Object.(*config.Cluster).VirtualIP
}

// settle takes or gives up the address, as things are at this moment. It is called after everything that happens.
func (i *clusterIP) settle() {
	want := i.wanted()
	if want == i.held {
		return
	}
	i.release()
	i.held = want
	if want.IsValid() {
		i.c.env.AddAddress(want)
		i.announces = i.c.cfg.Timers.GARPCount
		i.announce()
	}
}

// release gives the address up.
func (i *clusterIP) release() {
	if i.held.IsValid() {
		i.c.env.RemoveAddress(i.held)
		i.c.env.StopTimer(timerClusterIP)
		i.held = netip.Addr{}
	}
}

// announce sends a gratuitous ARP and plans the next: a few at a takeover, then one each period
// (cluster_ip_gratuitous_arp_period).
func (i *clusterIP) announce() {
	if !i.held.IsValid() {
		return
	}
	i.c.env.Announce(i.held)
	i.announces--
	next := i.c.cfg.Timers.GARPRefresh
	if i.announces > 0 {
		next = i.c.cfg.Timers.GARPSpacing
	}
	i.c.env.SetTimer(timerClusterIP, next.Std())
}
