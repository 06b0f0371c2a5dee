package checker

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/checker/words"
	"firedrill/model"
	"firedrill/model/config"
)

// checkClusterIPHeld follows the address of the cluster, which an operator may change or take away. Whenever neither the
// cluster, its leader nor a fault among the controllers has changed anything for recover_within, the leader holds it and no
// other controller does, and what was the address before is nobody's. Whoever holds it announces it again and again: an
// announcement may be lost, and neighbours may have believed a stranger.
func checkClusterIPHeld(h *evidence) []Violation {
	if h.Header.ClusterIP == nil {
		return nil
	}
	c := clusterIPCheck{h: h, is: h.Header.ClusterIP.Address, holders: make(map[string][]string), announced: make(map[string]int64)}
	c.ever = []string{c.is}
	faults := h.faults
	for i := range h.Events {
		e := &h.Events[i]
		for len(faults) > 0 && faults[0].begin <= e.Time {
			c.judge(faults[0].begin)
			faults = faults[1:]
		}
		switch {
		case e.Type == history.Call || e.Type == history.Return:
			c.operation(e)
		case e.Type == history.NodeEv && h.controllers[e.Node] && !h.elsewhere(e):
			c.follow(e)
		}
	}
	c.judge(int64(ends(h.History)))
	return c.violations
}

type clusterIPCheck struct {
	h          *evidence
	is         string   // "" while the cluster has none
	ever       []string // what it has been, in order
	lost       bool     // nobody knows what it is
	open       *history.Event
	changed    int64               // when the address, the cluster or its leader last changed
	leader     string              // who was elected last
	holders    map[string][]string // controllers, by address
	announced  map[string]int64    // when a holder last did, or took it, by address
	violations []Violation
}

// operation follows what operators make of the cluster.
func (c *clusterIPCheck) operation(e *history.Event) {
	if e.Type == history.Call {
		if what, changes := changed(e); !changes || what != "" && !strings.HasPrefix(what, string(config.KindCluster)+"/") {
			return
		}
		c.judge(e.Time)
		c.lost = c.lost || c.open != nil
		c.open = e
		return
	}
	call := c.open
	if call == nil || call.Client != e.Client || call.Op != e.Op {
		return
	}
	c.open, c.changed = nil, e.Time
	var cluster config.Cluster
	switch what, _ := changed(call); {
	case e.Outcome == history.Unknown, what == "":
		c.lost = true
	case e.Outcome == history.OK && e.Status/100 == 2:
		c.lost = c.lost || json.Unmarshal([]byte(call.Value), &cluster) != nil
		c.set(cluster.VirtualIP)
	}
}

func (c *clusterIPCheck) set(ip netip.Addr) {
	c.is = ""
	if ip.IsValid() {
		c.is = ip.String()
		c.ever = append(slices.DeleteFunc(c.ever, func(a string) bool { return a == c.is }), c.is)
	}
}

func (c *clusterIPCheck) follow(e *history.Event) {
	switch model.EventKind(e.Event) {
	case model.EventLeader:
		c.leader, c.changed = e.Node, e.Time
	case model.EventHandover:
		c.changed = e.Time
	case model.EventAddressAdded:
		c.holders[e.Unit] = append(c.holders[e.Unit], e.Node)
		c.announced[e.Unit] = e.Time
	case model.EventAnnounced:
		c.silence(e.Unit, e.Node, e.Time)
		c.announced[e.Unit] = e.Time
	case model.EventAddressRemoved:
		c.silence(e.Unit, e.Node, e.Time)
		c.drop(e.Unit, e.Node)
	case model.EventStopped:
		for _, address := range c.ever {
			c.silence(address, e.Node, e.Time)
			c.drop(address, e.Node)
		}
	}
}

func (c *clusterIPCheck) drop(address, node string) {
	c.holders[address] = slices.DeleteFunc(c.holders[address], func(n string) bool { return n == node })
}

// silence reports a holder that has not announced the address for longer than two periods, with no fault to blame.
func (c *clusterIPCheck) silence(address, node string, t int64) {
	refresh, last := 2*int64(c.h.Header.ClusterIP.Refresh), c.announced[address]
	if refresh == 0 || t-last <= refresh || !slices.Contains(c.ever, address) || !slices.Contains(c.holders[address], node) || !c.h.controllersQuiet(last, t) {
		return
	}
	c.violations = append(c.violations, violation(last+refresh, nil, "%s held the cluster IP %s and did not announce it for %s",
		node, address, words.Duration(time.Duration(t-last))))
}

// judge holds who has the address against who should.
func (c *clusterIPCheck) judge(t int64) {
	from := t - int64(c.h.recoverWithin())
	if c.lost || c.open != nil || c.leader == "" || from < c.changed || !c.h.controllersQuiet(from, t) {
		return
	}
	at := words.Instant(time.Duration(t))
	for _, address := range c.ever {
		for _, node := range c.holders[address] {
			if address != c.is {
				c.violations = append(c.violations, violation(t, nil, "%s still holds %s at %s, which is the address of the cluster no more", node, address, at))
			} else if node != c.leader {
				c.violations = append(c.violations, violation(t, nil, "%s holds the cluster IP %s at %s, while %s leads", node, address, at, c.leader))
			}
			c.silence(address, node, t)
		}
	}
	if c.is != "" && !slices.Contains(c.holders[c.is], c.leader) {
		c.violations = append(c.violations, violation(t, nil, "%s leads at %s and does not hold the cluster IP %s", c.leader, at, c.is))
	}
}
