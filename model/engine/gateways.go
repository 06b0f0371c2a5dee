package engine

import (
	"net/netip"
	"slices"
	"time"

	"firedrill/model"
)

// gateways pings what the group monitors ("Gateway Monitoring for Legacy HA"). An active engine that loses any of its
// gateways, while its peer reaches all of its own, lets the peer serve. Where both have lost one, nothing is gained by
// moving, and the load stays where it is.
type gateways struct {
	engine *Engine
	list   []*gateway
	lastID model.CheckID
}

// gateway is one address. It counts as there until pings say otherwise.
type gateway struct {
	id      model.CheckID // stays with it from configuration to configuration: an answer under way is not lost
	address netip.Addr
	lost    bool
	since   time.Duration // when it was found lost
	against int           // answers in a row that contradict lost
}

// gatewayCheck marks the checks of gateways among those of the engine.
const gatewayCheck model.CheckID = 1 << 48

// configure keeps what is known of gateways that stay.
func (g *gateways) configure() {
	old := g.list
	g.list = nil
	for _, address := range g.engine.config.Group.GatewayMon {
		var next *gateway
		for _, o := range old {
			if o.address == address {
				next = o
			}
		}
		if next == nil {
			g.lastID++
			next = &gateway{id: gatewayCheck | g.lastID, address: address}
		}
		g.list = append(g.list, next)
	}
	if len(g.list) > 0 && len(old) == 0 {
		g.ask()
	}
}

// ask pings every gateway and plans the next round.
func (g *gateways) ask() {
	group := g.engine.config.Group.WithDefaults()
	for _, gw := range g.list {
		g.engine.env.Check(gw.id, model.Check{Kind: model.CheckPing, Target: netip.AddrPortFrom(gw.address, 0), Timeout: group.GatewayInterval.Std()})
	}
	if len(g.list) > 0 {
		g.engine.env.SetTimer(timerGateways, group.GatewayInterval.Std())
	}
}

// checked counts an answer, and takes a gateway for lost or back when enough agree.
func (g *gateways) checked(id model.CheckID, ok bool) {
	i := slices.IndexFunc(g.list, func(gw *gateway) bool { return gw.id == id })
	if i < 0 {
		return // it is monitored no more
	}
	gw := g.list[i]
	if ok {
		g.engine.duty.answered()
	}
	if ok != gw.lost {
		gw.against = 0
		return
	}
	gw.against++
	group := g.engine.config.Group.WithDefaults()
	needed := group.GatewayFailThreshold
	if ok {
		needed = group.GatewaySuccessThreshold
	}
	if gw.against < needed {
		return
	}
	gw.lost, gw.against, gw.since = !ok, 0, g.engine.env.Now()
	kind := model.EventGatewayUp
	if gw.lost {
		kind = model.EventGatewayDown
	}
	g.engine.env.Emit(model.Event{Kind: kind, Unit: g.engine.cfg.Group, Peer: gw.address.String()})
}

// wait is how much later than one engine of a pair the other may find a gateway lost or back, and say so: their pings
// fall between each other's.
func (g *gateways) wait() time.Duration {
	return g.engine.config.Group.WithDefaults().GatewayInterval.Std() + 2*g.engine.heartbeat()
}

// settled tells whether a gateway has been lost for long enough that the peer would have said so if it had lost it too.
func (g *gateways) settled() bool {
	for _, gw := range g.list {
		if gw.lost && g.engine.env.Now()-gw.since >= g.wait() {
			return true
		}
	}
	return false
}

// lost counts the gateways that do not answer.
func (g *gateways) lost() int {
	n := 0
	for _, gw := range g.list {
		if gw.lost {
			n++
		}
	}
	return n
}
