package checker

import (
	"firedrill/model"
)

// nodeLeft is how the event log says that a controller has gone.
const nodeLeft = "CONTROLLER_NODE_LEFT"

// checkNodeLeftWithCause wants a reason behind every controller of which the event log says that it has left: it has
// stopped, or a fault struck it or the network. That the leader did not listen is none.
func checkNodeLeftWithCause(h *evidence) []Violation {
	var out []Violation
	stopped := make(map[string]int64) // when controllers last stopped
	heard := make(map[uint64]bool)    // places in the log that were told of; a leader that starts anew tells of them again
	for _, e := range h.told {
		switch {
		case is(e, model.EventStopped):
			stopped[e.Node] = e.Time
		case is(e, model.EventLogged) && e.Unit == nodeLeft && !heard[e.Index]:
			heard[e.Index] = true
			if at, ever := stopped[e.Peer]; ever && e.Time-at <= int64(defaultRecoverWithin)+aftermath {
				continue
			}
			if h.down(e.Peer, e.Time) || h.unreachable(e.Peer, e.Time) {
				continue
			}
			out = append(out, violation(e.Time, []string{describe(e)}, "%s wrote that %s has left, which lived and could be reached", e.Node, e.Peer))
		}
	}
	return out
}
