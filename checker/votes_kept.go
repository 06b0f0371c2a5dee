package checker

import (
	"firedrill/checker/history"
	"firedrill/model"
)

// checkVotesKept: figure 2 of the Raft paper, the persistent state. Two candidates of one term would both win if one voter
// forgot the first, and that takes more luck than a run has; so what voters say they promised is held against what they
// said before. A node that begins anew votes under another ID.
func checkVotesKept(h *evidence) []Violation {
	var out []Violation
	last := make(map[string]*history.Event)
	for _, e := range h.told {
		switch model.EventKind(e.Event) {
		case model.EventIdentity:
			delete(last, e.Node)
		case model.EventVoted:
			was := last[e.Node]
			last[e.Node] = e
			switch {
			case was == nil || e.Term > was.Term:
			case e.Term < was.Term:
				out = append(out, violation(e.Time, []string{describe(was), describe(e)},
					"%s went back from term %d to term %d", e.Node, was.Term, e.Term))
			case was.Peer != "" && e.Peer == "":
				out = append(out, violation(e.Time, []string{describe(was), describe(e)},
					"%s forgot in term %d that it had voted for %s", e.Node, e.Term, was.Peer))
			case was.Peer != "" && e.Peer != was.Peer:
				out = append(out, violation(e.Time, []string{describe(was), describe(e)},
					"%s voted for %s and then for %s in term %d", e.Node, was.Peer, e.Peer, e.Term))
			}
		}
	}
	return out
}
