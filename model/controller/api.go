package controller

import (
	"net/netip"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/consensus"
	"firedrill/model/wire"
)

// serve takes a request of an API client. Only a leader that is ready serves; the others name it.
func (c *Controller) serve(from netip.Addr, r *wire.Request) {
	if !leads(c.status) {
		c.answer(from, r, &wire.Response{Status: wire.Status_NOT_LEADER, Error: "this controller does not lead", Leader: c.leaderAddress()})
		return
	}
	if !c.ready {
		c.answer(from, r, &wire.Response{Status: wire.Status_UNAVAILABLE, Error: "the new leader is still starting", Leader: c.leaderAddress()})
		return
	}
	switch r.Operation {
	case wire.Operation_READ, wire.Operation_LIST:
		c.lastReq++
		c.reads[c.lastReq] = pendingRead{from: from, request: r}
		if err := c.replica.ReadIndex(c.lastReq); err != nil {
			c.refuseRead(c.lastReq)
		}
	case wire.Operation_CREATE, wire.Operation_UPDATE, wire.Operation_DELETE, wire.Operation_OPEN:
		c.write(from, r)
	default:
		c.answer(from, r, &wire.Response{Status: wire.Status_INVALID, Error: "operation: unknown to this version"})
	}
}

// write proposes a change. It is answered when it has been applied, by whoever leads then.
func (c *Controller) write(from netip.Addr, r *wire.Request) {
	if err := c.replica.Propose(r.Client, r.Sequence, encodeCommand(r)); err != nil {
		c.answer(from, r, &wire.Response{Status: wire.Status_UNAVAILABLE, Error: err.Error(), Leader: c.leaderAddress()})
		return
	}
	c.writes[session{r.Client, r.Sequence}] = from
}

// applied answers the client of a command, if it asked here.
func (c *Controller) applied(a *consensus.Applied) {
	c.env.Emit(model.Event{Kind: model.EventApplied, Index: a.Index, Term: a.Term, Hash: a.Hash, State: a.State})
	if !leads(c.status) {
		return
	}
	c.fleet.stale = true
	s := session{a.Client, a.Sequence}
	from, here := c.writes[s]
	if !here || a.Client == "" {
		return
	}
	delete(c.writes, s)
	r := &wire.Response{Client: a.Client, Sequence: a.Sequence, Controller: c.name(c.cfg.ID)}
	if a.Expired {
		r.Status, r.Error = wire.Status_SESSION_EXPIRED, "the cluster has forgotten this client"
	} else {
		decodeResult(a.Result, r)
	}
	c.env.Send(from, wire.Encode(&wire.Envelope_Response{Response: r}))
}

// answerRead answers a read from the applied state: the replica has made sure that it is recent enough.
func (c *Controller) answerRead(id uint64) {
	p, ok := c.reads[id]
	if !ok {
		return
	}
	delete(c.reads, id)
	response := &wire.Response{Status: wire.Status_OK}
	if p.request.Operation == wire.Operation_LIST {
		for _, e := range c.state.List(config.Kind(p.request.Kind)) {
			response.Items = append(response.Items, &wire.Item{Kind: string(e.Key.Kind), Name: e.Key.Name, Version: e.Version, Body: e.Body})
		}
	} else if e, ok := c.state.Get(config.Key{Kind: config.Kind(p.request.Kind), Name: p.request.Name}); ok {
		response.Version, response.Body = e.Version, e.Body
	} else {
		response.Status = wire.Status_NOT_FOUND
	}
	c.answer(p.from, p.request, response)
}

// refuseRead answers a read that this controller can no longer vouch for.
func (c *Controller) refuseRead(id uint64) {
	if p, ok := c.reads[id]; ok {
		delete(c.reads, id)
		c.answer(p.from, p.request, &wire.Response{Status: wire.Status_UNAVAILABLE, Error: "leadership was lost", Leader: c.leaderAddress()})
	}
}

func (c *Controller) answer(to netip.Addr, r *wire.Request, response *wire.Response) {
	response.Client, response.Sequence, response.Controller = r.Client, r.Sequence, c.name(c.cfg.ID)
	c.env.Send(to, wire.Encode(&wire.Envelope_Response{Response: response}))
}
