package checker

import (
	"slices"

	"firedrill/model"
)

// checkEngineDownWithCause wants a reason behind every engine that a leader declares dead: it has stopped, or a fault
// struck it or the network. A leader that was frozen, or is new, has not listened, which is no reason.
func checkEngineDownWithCause(h *evidence) []Violation {
	var out []Violation
	stopped := make(map[string]int64) // when engines last stopped
	strange := make(map[string]bool)  // controllers that are a cluster of their own now, whose word counts for nothing
	for _, e := range h.told {
		switch model.EventKind(e.Event) {
		case model.EventIdentity:
			strange[e.Node] = e.Unit != ""
		case model.EventStopped:
			stopped[e.Node] = e.Time
		case model.EventEngineDn:
			at, ever := stopped[e.Peer]
			if strange[e.Node] || ever && e.Time-at <= int64(defaultRecoverWithin)+aftermath || h.down(e.Peer, e.Time) || h.unreachable(e.Peer, e.Time) {
				continue
			}
			out = append(out, violation(e.Time, []string{describe(e)}, "%s declared %s dead, which lived and could be reached", e.Node, e.Peer))
		}
	}
	return out
}

// down tells whether the node has stopped and not started again by then.
func (h *evidence) down(node string, t int64) bool {
	down := false
	for _, e := range h.told {
		if e.Time > t {
			break
		}
		switch {
		case e.Node != node:
		case is(e, model.EventStopped):
			down = true
		case is(e, model.EventStarted):
			down = false
		}
	}
	return down
}

// networkFaults are those that keep a node from being heard without touching it.
var networkFaults = []string{"partition", "partition-one-way", "loss", "loss-one-way", "delay", "jitter", "flapping-link", "switch-failure", "duplicate-address"}

// unreachable tells whether a fault may have kept the node from being heard at a time.
func (h *evidence) unreachable(node string, t int64) bool {
	return slices.ContainsFunc(h.faults, func(f fault) bool {
		return f.felt(t) && (f.stranger || f.struckNode(node) || slices.Contains(networkFaults, f.kind))
	})
}
