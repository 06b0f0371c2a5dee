package engine

import (
	"errors"
	"net/netip"
	"slices"

	"firedrill/model"
	"firedrill/model/wire"
)

// ordered takes an order of the leader of an upgrade: to tell what this engine is, to hand over what it serves, or to
// restart with another build. An order is for one life, so that one which comes late, or twice, does nothing.
func (e *Engine) ordered(from netip.Addr, o *wire.UpgradeOrder) {
	if o.Cluster != e.cfg.Cluster || o.Term < e.term {
		return
	}
	e.term = o.Term
	meant := o.Life == e.pair.life
	switch {
	case meant && slices.Contains(e.cfg.Images, o.Version):
		e.env.Emit(model.Event{Kind: model.EventRestart, Unit: o.Version})
		e.env.Restart(o.Version)
		return
	case meant && o.Yield != "" && e.config != nil:
		e.duty.yield(o.Yield)
	}
	e.env.Send(from, wire.Encode(&wire.Envelope_UpgradeAnswer{UpgradeAnswer: &wire.UpgradeAnswer{
		Node: e.cfg.Name, Version: e.cfg.Version, Life: e.pair.life, Images: e.cfg.Images,
	}}))
}

// refuse drops a message that this build cannot read, and says so if a newer one wrote it.
func (e *Engine) refuse(from netip.Addr, err error) {
	if errors.Is(err, wire.ErrNewer) {
		e.env.Emit(model.Event{Kind: model.EventRefused, Peer: from.String(), Detail: err.Error()})
	}
}

// yield implements [duty]: the controllers place the services of an elastic group.
func (t *team) yield(string) {}
