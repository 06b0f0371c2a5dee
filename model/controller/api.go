package controller

import (
	"net/netip"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/consensus"
	"firedrill/model/wire"
)

// reply takes the answer to an operation, at once or later; it is never called when the answer is beyond knowing.
type reply func(*wire.Response)

// session identifies a write under way. A sequence of 0 is a write outside of any session, whose client is a name
// that is used once.
type session struct {
	client   string
	sequence uint64
}

// serve takes a request of a client that speaks the internal protocol.
func (c *Controller) serve(from netip.Addr, r *wire.Request) {
	answer := func(response *wire.Response) {
		response.Client, response.Sequence, response.Controller = r.Client, r.Sequence, c.name()
		c.env.Send(from, wire.Encode(&wire.Envelope_Response{Response: response}))
	}
	if r.Cluster != c.identity.Cluster {
		answer(&wire.Response{Status: wire.Status_NOT_LEADER, Error: "this controller belongs to another cluster"})
		return
	}
	c.do(r, answer)
}

// do runs an operation. Only a leader that is ready does; the others name it.
func (c *Controller) do(r *wire.Request, answer reply) {
	if refusal := c.refusal(); refusal != nil {
		answer(refusal)
		return
	}
	switch r.Operation {
	case wire.Operation_READ, wire.Operation_LIST:
		c.linearize(func(ok bool) {
			if !ok {
				answer(c.unavailable("leadership was lost"))
				return
			}
			answer(c.read(r))
		})
	case wire.Operation_CREATE, wire.Operation_UPDATE, wire.Operation_DELETE, wire.Operation_OPEN:
		if config.Kind(r.Kind).Fact() {
			answer(&wire.Response{Status: wire.Status_INVALID, Error: r.Kind + ": it is written by the controllers themselves"})
			return
		}
		c.write(session{r.Client, r.Sequence}, encodeCommand(r), answer)
	default:
		answer(&wire.Response{Status: wire.Status_INVALID, Error: "operation: unknown to this version"})
	}
}

// refusal is the answer of a controller that cannot serve now, or nil.
func (c *Controller) refusal() *wire.Response {
	switch {
	case !leads(c.status):
		return &wire.Response{Status: wire.Status_NOT_LEADER, Error: "this controller does not lead", Leader: c.leaderAddress()}
	case !c.ready:
		return c.unavailable("the new leader is still starting")
	}
	return nil
}

func (c *Controller) unavailable(why string) *wire.Response {
	return &wire.Response{Status: wire.Status_UNAVAILABLE, Error: why, Leader: c.leaderAddress()}
}

// linearize calls then once the applied state is at least as recent as everything that was answered before this
// call; or with false when that can no longer be had.
func (c *Controller) linearize(then func(ok bool)) {
	c.lastRead++
	c.reads[c.lastRead] = then
	if err := c.replica.ReadIndex(c.lastRead); err != nil {
		c.readDone(c.lastRead, false)
	}
}

func (c *Controller) readDone(id uint64, ok bool) {
	if then, pending := c.reads[id]; pending {
		delete(c.reads, id)
		then(ok)
	}
}

// read answers from the applied state, secrets left out.
func (c *Controller) read(r *wire.Request) *wire.Response {
	response := &wire.Response{Status: wire.Status_OK}
	if r.Operation == wire.Operation_LIST {
		for _, e := range c.machine.List(config.Kind(r.Kind)) {
			response.Items = append(response.Items, &wire.Item{Kind: string(e.Key.Kind), Name: e.Key.Name, Version: e.Version, Body: e.RedactedBody()})
		}
		return response
	}
	e, ok := c.machine.Get(config.Key{Kind: config.Kind(r.Kind), Name: r.Name})
	if !ok {
		response.Status = wire.Status_NOT_FOUND
		return response
	}
	response.Version, response.Body = e.Version, e.RedactedBody()
	return response
}

// write proposes a command. It is answered when it has been applied, if this controller leads then.
func (c *Controller) write(s session, command []byte, answer reply) {
	if err := c.propose(s, command); err != nil {
		answer(c.unavailable(err.Error()))
		return
	}
	c.writes[s] = answer
}

// once is a session for a write of the controller's own, or of a caller without one.
func (c *Controller) once() session {
	c.lastOnce++
	return session{client: onceName(c.cfg.Name, c.status.Term, c.lastOnce)}
}

// applied answers the client of a command, if it asked here.
func (c *Controller) applied(a *consensus.Applied) {
	c.env.Emit(model.Event{Kind: model.EventApplied, Unit: c.identity.Cluster, Index: a.Index, Term: a.Term, Hash: a.Hash, State: a.State})
	if !leads(c.status) {
		return
	}
	c.tellLogged(a.Index)
	c.fleet.stale, c.fleet.placing.due, c.clouds.due = true, true, true
	s := session{a.Client, a.Sequence}
	answer, here := c.writes[s]
	if !here || a.Client == "" {
		return
	}
	delete(c.writes, s)
	var r wire.Response
	if a.Expired {
		r.Status, r.Error = wire.Status_SESSION_EXPIRED, "the cluster has forgotten this client"
	} else {
		decodeResult(a.Result, &r)
	}
	answer(&r)
}
