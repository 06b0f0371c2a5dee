package checker

import (
	"slices"
	"strings"

	"firedrill/checker/history"
	"firedrill/model"
)

// checkUpgradeOneAtATime follows the nodes that ask to be restarted, until each is back: a controller when it is ready, an
// engine when it runs its configuration. A fault that strikes a node meanwhile is no fault of the upgrade. An order may
// come late or twice: nobody is restarted with what it runs.
func checkUpgradeOneAtATime(h *evidence) []Violation {
	nodes := make(map[string]history.Node)
	controllers := 0
	for _, n := range h.Header.Nodes {
		nodes[n.Name] = n
		if n.Role == "controller" {
			controllers++
		}
	}
	var out []Violation
	var away []*history.Event                   // nodes that are out, by when they went
	leader, runs := "", make(map[string]string) // the build of each node, where it was said
	for _, e := range h.told {
		switch model.EventKind(e.Event) {
		case model.EventMembers:
			controllers = len(strings.Fields(e.Unit))
		case model.EventLeader:
			leader = e.Node
		case model.EventFollower:
			if leader == e.Node {
				leader = ""
			}
		case model.EventRestart:
			n := nodes[e.Node]
			for _, o := range away {
				if p := nodes[o.Node]; p.Role == n.Role && p.Group == n.Group && !h.strickenSince(o.Node, o.Time, e.Time) {
					out = append(out, violation(e.Time, []string{describe(o), describe(e)}, "%s was restarted while %s was out for the upgrade", e.Node, o.Node))
				}
			}
			if e.Node == leader && controllers > 1 {
				out = append(out, violation(e.Time, []string{describe(e)}, "%s was restarted while it led; another has to lead first", e.Node))
			}
			if e.Unit != "" && e.Unit == runs[e.Node] {
				out = append(out, violation(e.Time, []string{describe(e)}, "%s was restarted with %s, which it ran already", e.Node, e.Unit))
			}
			away = append(away, e)
		case model.EventStarted:
			if e.Unit != "" {
				runs[e.Node] = e.Unit
			}
		case model.EventNodeState:
			if e.Unit == "Ready" {
				away = slices.DeleteFunc(away, func(o *history.Event) bool { return o.Node == e.Node })
			}
		case model.EventConfigured:
			away = slices.DeleteFunc(away, func(o *history.Event) bool { return o.Node == e.Node })
		}
	}
	return out
}

// strickenSince tells whether a fault struck a node in a time, or was in force then.
func (h *evidence) strickenSince(node string, from, until int64) bool {
	return slices.ContainsFunc(h.faults, func(f fault) bool {
		return f.kind != string(model.EventRestart) && f.begin <= until && f.end >= from && f.reaches(func(n history.Node) bool { return n.Name == node })
	})
}
