package controller

import (
	"fmt"
	"net/netip"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/wire"
)

// joinAsked answers a leader that wants this node as a member ("Deploying an Avi Controller Cluster").
func (c *Controller) joinAsked(from netip.Addr, r *wire.JoinRequest) {
	refusal := c.refuseJoin(r)
	if refusal == "" && !r.Trial && r.Id != c.id {
		if err := c.become(r); err != nil {
			c.fail(err)
			return
		}
	}
	c.env.Send(from, wire.Encode(&wire.Envelope_JoinResponse{JoinResponse: &wire.JoinResponse{Id: r.Id, Trial: r.Trial, Error: refusal}}))
}

// refuseJoin says why this node cannot become a member; "" if it can. A node is asked again when the answer was
// lost, so that one who has joined already agrees.
func (c *Controller) refuseJoin(r *wire.JoinRequest) string {
	objects := 0
	for _, kind := range config.Kinds() {
		if kind != config.KindCluster {
			objects += len(c.machine.List(kind))
		}
	}
	switch {
	case c.cfg.Secret != r.Secret:
		return "the cluster secret is wrong"
	case c.cfg.Version != r.Version:
		return fmt.Sprintf("the node runs version %s, the cluster %s; install the same", c.cfg.Version, r.Version)
	case r.Id == c.id:
		return ""
	case c.identity.Joined && len(c.members()) > 0 || len(c.members()) > 1: // one that joined and was never contacted may go elsewhere
		return "the node is a member of a cluster; remove it there first"
	case objects > 0:
		return fmt.Sprintf("the node has configuration (%d objects), which would be lost; reset it to factory default first", objects)
	}
	return ""
}

// become makes this node a member under a new ID. What it held is gone: the leader's configuration replaces it.
func (c *Controller) become(r *wire.JoinRequest) error {
	return c.startAnew(identity{ID: r.Id, Joined: true, Cluster: r.Cluster}, "joined")
}

// startAnew gives this node another identity and an empty log. The identity comes first: a member with an empty log
// could vote against what it has acknowledged.
func (c *Controller) startAnew(next identity, why string) error {
	next.Fresh = true
	if err := next.save(c.env.Disk()); err != nil {
		return err
	}
	next, err := next.settle(c.env.Disk())
	if err != nil {
		return err
	}
	c.env.Emit(model.Event{Kind: model.EventIdentity, Unit: next.Cluster, Detail: why})
	return c.open(next)
}

// reset takes this node back to factory default, after it was removed from its cluster.
func (c *Controller) reset() error {
	return c.startAnew(c.factoryDefault(), "removed from its cluster")
}
