package controller

import (
	"time"

	"firedrill/model/wire"
)

// forwards are the requests that this follower has handed to the leader, by the id that it gave them.
type forwards struct {
	last    uint64 // begins anywhere, so that the answer to an earlier life is not taken for one to this
	pending map[uint64]*forwarded
}

type forwarded struct {
	call *call
	due  time.Duration
}

// forward hands a request to the leader, and its answer back when it comes.
func (c *Controller) forward(a *call) {
	c.forwards.last++
	c.forwards.pending[c.forwards.last] = &forwarded{a, c.env.Now() + c.cfg.Timers.APITimeout.Std()}
	c.env.Send(c.addressOf(c.status.Leader), wire.Encode(&wire.Envelope_HttpRequest{HttpRequest: &wire.HTTPRequest{
		Id: c.forwards.last, Method: a.r.Method, Path: a.r.Path, Token: a.r.Token, IfMatch: a.r.IfMatch,
		IdempotencyKey: a.r.IdempotencyKey, Body: a.r.Body, Forwarded: true,
	}}))
}

// forwardDone hands the leader's answer back.
func (c *Controller) forwardDone(r *wire.HTTPResponse) {
	if f := c.forwards.pending[r.Id]; f != nil {
		delete(c.forwards.pending, r.Id)
		f.call.send(r.Status, r.ContentType, r.Etag, r.Body)
	}
}

// forgetForwards answers what the leader did not: nobody here knows whether it was done.
func (c *Controller) forgetForwards() {
	now := c.env.Now()
	for _, id := range sortedKeys(c.forwards.pending) {
		if f := c.forwards.pending[id]; now >= f.due {
			delete(c.forwards.pending, id)
			f.call.failNaming(504, "the leader did not answer; the request may have been carried out", c.leaderAddress())
		}
	}
}
