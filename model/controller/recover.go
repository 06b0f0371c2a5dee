package controller

import (
	"encoding/json"
	"fmt"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/consensus"
	"firedrill/model/wire"
)

const dataLossWarning = "manual recovery makes this node a cluster of its own: what only the other nodes hold is lost for good, " +
	"and they must never be started again as they are"

// recoverCluster makes the sole survivor of a lost quorum a cluster of one ("Impact of a Controller Failure"). It is a
// decision of people, who alone can know that the others are gone.
func (a *call) recoverCluster() {
	var order struct {
		AcceptDataLoss bool `json:"accept_data_loss"`
	}
	if err := json.Unmarshal(a.r.Body, &order); err != nil {
		a.fail(400, `the body must be {"accept_data_loss": true}: `+dataLossWarning)
		return
	}
	_, member := a.c.member(a.c.id)
	switch {
	case !member:
		a.fail(409, "this node is no member of a cluster; there is nothing to recover")
	case a.c.clusterState() != ClusterDown:
		a.fail(409, "the cluster is up; there is nothing to recover")
	case !order.AcceptDataLoss:
		a.fail(400, dataLossWarning+`; send {"accept_data_loss": true} to go ahead`)
	default:
		if err := a.c.forceStandalone(); err != nil {
			a.c.fail(err)
			return
		}
		a.answer(200, 0, map[string]string{"warning": dataLossWarning})
	}
}

// forceStandalone notes the new ID first, so that a loss of power at any step leaves either the member or the
// standalone node, never a mixture.
func (c *Controller) forceStandalone() error {
	old := c.consensusConfig(c.identity)
	c.identity.Forcing = c.memberID(c.replica.Status().Applied+forcedAhead, config.ClusterNode{Name: c.cfg.Name, IP: c.cfg.Address})
	if err := c.identity.save(c.env.Disk()); err != nil {
		return err
	}
	if err := consensus.ForceStandalone(c.env.Disk(), old, c.identity.Forcing); err != nil {
		return err
	}
	next, err := c.identity.settle(c.env.Disk())
	if err != nil {
		return err
	}
	c.env.Emit(model.Event{Kind: model.EventIdentity, Unit: next.Cluster, Detail: "made a cluster of one by hand"})
	if err := c.open(next); err != nil {
		return err
	}
	c.tellMembers()
	return nil
}

// forcedAhead is how much further in the log a change of the cluster could be that this node has but has not applied.
const forcedAhead = 1 << 20

// settleRecovered writes into the configuration that the cluster is this node alone.
func (c *Controller) settleRecovered() {
	if !c.identity.Recovered || !c.ready || c.recovering || c.machine.upgrade.Active() {
		return
	}
	e, ok := c.machine.Get(clusterKey)
	if !ok {
		return
	}
	cluster := *e.Object.(*config.Cluster)
	cluster.Nodes = []config.ClusterNode{{Name: c.cfg.Name, IP: c.cfg.Address}}
	update := &wire.Request{Operation: wire.Operation_UPDATE, Kind: string(clusterKey.Kind), Name: clusterKey.Name, Body: config.Encode(&cluster)}
	c.recovering = true
	c.write(c.once(), encodeCommand(update), func(r *wire.Response) {
		c.recovering = false
		if r.Status != wire.Status_OK {
			return // it is tried again
		}
		c.identity.Recovered = false
		if err := c.identity.save(c.env.Disk()); err != nil {
			c.fail(err)
			return
		}
		c.log(EventRecovered, c.cfg.Name, fmt.Sprintf("cluster of one under the ID %x", c.id))
	})
}
