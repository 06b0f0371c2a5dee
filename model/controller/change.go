package controller

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/consensus"
	"firedrill/model/wire"

	"github.com/cespare/xxhash/v2"
)

// clusterKey is the one object of its kind: who the members should be. The leader brings the members that raft knows
// in line with it, step by step, never through a state without quorum; a leader that takes over in the middle goes on.
var clusterKey = config.Key{Kind: config.KindCluster, Name: "cluster"}

// trial is a change of the cluster that was asked for: before it is written, the nodes to be added are asked whether
// they would join.
type trial struct {
	call    *call
	cluster *config.Cluster
	waiting []config.ClusterNode // that have not answered
	due     time.Duration
}

// putCluster changes the cluster ("Changing Avi Controller Cluster Configuration").
func (a *call) putCluster() {
	if refusal := a.c.refusal(); refusal != nil {
		a.refused(refusal)
		return
	}
	object, err := config.Decode(config.KindCluster, a.r.Body)
	if err == nil {
		err = object.Validate()
	}
	if err != nil {
		a.fail(400, err.Error())
		return
	}
	cluster := object.(*config.Cluster)
	repeated := a.r.IdempotencyKey != "" && a.c.replica.Remembers(a.session().client)
	switch under := a.c.changeUnderWay(); {
	case repeated: // the answer was lost; the session knows it
		a.c.writeCluster(a, cluster)
	case a.c.trial != nil && a.r.IdempotencyKey != "" && a.c.trial.call.session() == a.session():
		a.c.trial.call = a
	case cluster.Name != clusterKey.Name:
		a.fail(400, fmt.Sprintf("name: the cluster is called %q", clusterKey.Name))
	case under != "":
		a.fail(409, "one change at a time: "+under)
	default:
		a.c.try(a, cluster)
	}
}

// try asks the nodes that are to be added whether they would join, and refuses what would lose the quorum.
func (c *Controller) try(a *call, cluster *config.Cluster) {
	t := &trial{call: a, cluster: cluster, due: c.env.Now() + c.patience() + c.cfg.Timers.APIAttempt.Std()}
	ready := 0
	for _, n := range cluster.Nodes {
		if m, known := c.memberFor(n); known {
			if c.nodes.responsive(m.ID) {
				ready++
			}
			continue
		}
		ready++ // it answers, or nothing is changed
		t.waiting = append(t.waiting, n)
	}
	if ready <= len(cluster.Nodes)/2 {
		a.fail(409, fmt.Sprintf("%d of the %d nodes would be there, which is no quorum", ready, len(cluster.Nodes)))
		return
	}
	c.trial = t
	for _, n := range t.waiting {
		c.askToJoin(n, true, 0)
	}
	c.tried()
}

func (c *Controller) askToJoin(n config.ClusterNode, trial bool, id uint64) {
	c.env.Send(n.IP, wire.Encode(&wire.Envelope_JoinRequest{JoinRequest: &wire.JoinRequest{
		Trial: trial, Secret: c.cfg.Secret, Version: c.cfg.Version, Id: id, Name: n.Name, Address: n.IP.String(), Cluster: c.identity.Cluster,
	}}))
}

// memberID is the raft ID of a node that a change adds, where change is the place of that in the log. Every leader
// computes the same for the same node, and it is higher than all that were given before, as consensus wants it.
func (c *Controller) memberID(change uint64, n config.ClusterNode) uint64 {
	return max(change, c.replica.NextID()>>idBits+1)<<idBits | xxhash.Sum64String(n.Name+"@"+n.IP.String())&(1<<idBits-1)
}

// joinAnswered takes the answer of a node that was asked to join.
func (c *Controller) joinAnswered(from netip.Addr, r *wire.JoinResponse) {
	if !r.Trial {
		if r.Error == "" && leads(c.status) {
			c.joined[r.Id] = true
		}
		return
	}
	t := c.trial
	if t == nil {
		return
	}
	i := slices.IndexFunc(t.waiting, func(n config.ClusterNode) bool { return n.IP == from })
	switch {
	case i < 0:
	case r.Error != "":
		c.trial = nil
		t.call.fail(422, fmt.Sprintf("%s at %s refuses to join: %s", t.waiting[i].Name, from, r.Error))
	default:
		t.waiting = slices.Delete(t.waiting, i, i+1)
		c.tried()
	}
}

// tried writes the change once nobody is waited for.
func (c *Controller) tried() {
	t := c.trial
	if t == nil || len(t.waiting) > 0 {
		return
	}
	c.trial = nil
	c.writeCluster(t.call, t.cluster)
}

// writeCluster writes who the members should be; reconcile does the rest.
func (c *Controller) writeCluster(a *call, cluster *config.Cluster) {
	body := config.Encode(cluster)
	update := &wire.Request{Operation: wire.Operation_UPDATE, Kind: string(clusterKey.Kind), Name: clusterKey.Name, Version: a.r.IfMatch, Body: body}
	event := c.event(EventClusterChanged, clusterKey.Name, "to "+nodeNames(cluster.Nodes))
	c.write(a.session(), encodeNoted(update, event), func(r *wire.Response) {
		if a.refused(r) {
			return
		}
		a.send(202, "application/json", r.Version, body)
	})
}

func nodeNames(nodes []config.ClusterNode) string {
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = n.Name
	}
	return strings.Join(names, ", ")
}

// trialDue gives up waiting for nodes that do not answer.
func (c *Controller) trialDue() {
	t := c.trial
	switch {
	case t == nil:
	case !leads(c.status):
		c.trial = nil
		t.call.refused(c.unavailable("leadership was lost"))
	case c.env.Now() >= t.due:
		c.trial = nil
		t.call.fail(422, fmt.Sprintf("%s does not answer at %s; nothing was changed", t.waiting[0].Name, t.waiting[0].IP))
	}
}

// memberFor finds the member that a node of the configuration is. A node whose address has changed is the same member
// while that answers, and another one if it is gone: then what stands at the address is its replacement.
func (c *Controller) memberFor(n config.ClusterNode) (consensus.Member, bool) {
	members := c.members()
	for _, m := range members {
		if m.Name == n.Name && m.Address == n.IP {
			return m, true
		}
	}
	for _, m := range members {
		if m.Name == n.Name && c.nodes.responsive(m.ID) {
			return m, true
		}
	}
	return consensus.Member{}, false
}

// gap is what separates the members that there are from those that there should be.
type gap struct {
	add     []consensus.Member // to be asked to join, and then to become learners
	promote []uint64
	remove  []uint64
	readdr  []consensus.Member
}

func (c *Controller) gap() (gap, *config.Entry) {
	var g gap
	e, ok := c.machine.Get(clusterKey)
	if !ok || c.identity.Recovered {
		return g, nil
	}
	wanted := make(map[uint64]bool)
	for _, n := range e.Object.(*config.Cluster).Nodes {
		m, known := c.memberFor(n)
		switch {
		case !known:
			g.add = append(g.add, consensus.Member{ID: c.memberID(e.Version, n), Name: n.Name, Address: n.IP, Learner: true})
			continue
		case m.Address != n.IP:
			m.Address = n.IP
			g.readdr = append(g.readdr, m)
		}
		if m.Learner {
			g.promote = append(g.promote, m.ID)
		}
		wanted[m.ID] = true
	}
	for _, m := range c.members() {
		if !wanted[m.ID] {
			g.remove = append(g.remove, m.ID)
		}
	}
	return g, &e
}

// changeUnderWay says which change of the cluster is not done yet; "" if none is.
func (c *Controller) changeUnderWay() string {
	g, _ := c.gap()
	switch {
	case c.trial != nil:
		return "nodes are asked to join"
	case len(g.add) > 0:
		return g.add[0].Name + " is being added"
	case len(g.promote) > 0:
		return "a new node is catching up"
	case len(g.remove) > 0:
		return "a node is being removed"
	case len(g.readdr) > 0:
		return g.readdr[0].Name + " is changing its address"
	}
	return ""
}

// reconcile takes the next step towards the members that there should be.
func (c *Controller) reconcile() {
	if !c.ready || c.trial != nil {
		return
	}
	g, e := c.gap()
	if e == nil {
		return
	}
	switch {
	case len(g.add) > 0:
		c.addLearners(g.add)
	case len(g.readdr) > 0:
		_ = c.replica.ChangeMembers(consensus.Change{Update: g.readdr}) // refused for now: the next beat tries again
	case slices.ContainsFunc(g.promote, func(id uint64) bool { return !c.replica.CaughtUp(id) }):
		// Learners cost nobody's quorum while they catch up.
	case slices.Contains(g.remove, c.id) && c.handOver(g.remove):
	case slices.Contains(g.remove, c.id) && len(g.promote) == 0: // nobody who stays can be handed over to now
	case slices.Contains(g.remove, c.id): // or votes, of a cluster that moves as a whole: let them, and leave last
		others := slices.DeleteFunc(g.remove, func(id uint64) bool { return id == c.id })
		_ = c.replica.ChangeMembers(consensus.Change{Promote: g.promote, Remove: others})
	case len(g.promote)+len(g.remove) > 0:
		_ = c.replica.ChangeMembers(consensus.Change{Promote: g.promote, Remove: g.remove})
	}
}

// addLearners makes nodes learners once they have agreed to join.
func (c *Controller) addLearners(nodes []consensus.Member) {
	var agreed []consensus.Member
	for _, m := range nodes {
		if c.joined[m.ID] {
			agreed = append(agreed, m)
			continue
		}
		c.askToJoin(config.ClusterNode{Name: m.Name, IP: m.Address}, false, m.ID)
	}
	if len(agreed) == len(nodes) {
		slices.SortFunc(agreed, func(a, b consensus.Member) int { return cmp.Compare(a.ID, b.ID) })
		_ = c.replica.ChangeMembers(consensus.Change{Add: agreed})
	}
}

// handOver lets another lead that stays, because a leader does not remove itself. It tells whether there is one.
func (c *Controller) handOver(remove []uint64) bool {
	for _, m := range c.members() {
		if !m.Learner && !slices.Contains(remove, m.ID) && c.nodes.responsive(m.ID) {
			c.clusterIP.release()                          // before another may hold it
			if c.replica.TransferLeadership(m.ID) == nil { // else the next beat tries again
				c.env.Emit(model.Event{Kind: model.EventHandover, Unit: c.identity.Cluster, Peer: m.Name, Term: c.status.Term})
			}
			return true
		}
	}
	return false
}
