package engine

import (
	"net/netip"

	"firedrill/model"
	"firedrill/model/wire"
)

// duty is how the engines of a group share its load among them, by the HA mode of the group: a legacy [pair], or the
// [team] of an elastic group. Neither needs a controller to go on.
type duty interface {
	configure(first bool)           // takes up the engine's configuration; first marks the first one of this duty
	beat()                          // sends the heartbeats that are due
	hear(h *wire.PeerHeartbeat)     // takes one
	relayed(r *wire.PeerReport)     // takes what the leader last heard of another engine
	states() []*wire.UnitState      // what this engine says of its load
	stepDown(why string)            // gives up everything and listens anew
	serves() bool                   // whether it serves anything
	held() []netip.Addr             // the addresses that it holds
	weighAll()                      // decides anew, since something has changed
	tell(report *wire.EngineReport) // adds what controllers should know
	answered()                      // a server or a gateway has answered
	yield(to string)                // hands what it serves to another engine, for the leader wants to restart this one
	describe(facts *model.Facts)    // says how it stands
}

// take puts the duty of the group's HA mode in charge, and tells whether it was not before.
func (e *Engine) takeDuty() (fresh bool) {
	var d duty = &e.pair
	if e.config.Group.HAMode.Elastic() {
		d = &e.team
	}
	if d == e.duty {
		return false
	}
	if e.duty.serves() {
		e.duty.stepDown("the group has another HA mode")
	}
	e.duty = d
	return true
}
