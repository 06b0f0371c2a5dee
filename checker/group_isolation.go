package checker

import (
	"strings"

	"firedrill/checker/history"
	"firedrill/model"
)

// checkGroupIsolation holds what engines serve, the addresses that they add and the places that services are given
// against the groups of both: a group is an isolation domain, and never lends an engine ("Elastic HA for Avi Service
// Engines").
func checkGroupIsolation(h *evidence) []Violation {
	groups, addresses, services := make(map[string]string), make(map[string]string), make(map[string]string)
	for _, n := range h.Header.Nodes {
		if n.Role == "engine" {
			groups[n.Name] = n.Group
		}
	}
	for _, s := range h.Header.Services {
		addresses[s.Address], services[s.Name] = s.Group, s.Group
	}
	var out []Violation
	check := func(e *history.Event, engine, group, what string) {
		if own := groups[engine]; own != "" && group != "" && own != group {
			out = append(out, violation(e.Time, []string{describe(e)}, "%s of group %s serves %s of group %s", engine, own, what, group))
		}
	}
	for _, e := range h.told {
		switch model.EventKind(e.Event) {
		case model.EventActive:
			group, _, _ := strings.Cut(e.Unit, "/")
			check(e, e.Node, group, e.Unit)
		case model.EventAddressAdded:
			check(e, e.Node, addresses[e.Unit], e.Unit)
		case model.EventPlaced:
			for _, engine := range strings.Fields(e.Peer) {
				check(e, engine, services[e.Unit], e.Unit)
			}
		}
	}
	return out
}
