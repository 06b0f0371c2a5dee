package checker

import (
	"slices"
	"strings"

	"firedrill/model"
)

// checkAntiAffinity looks at every placement of a service on engines that it did not have before: where live engines of
// the group are on hosts without the service, no host has two of its engines (anti-affinity, in every elastic mode). A
// full engine is no choice, which a history does not tell; scenarios that are judged by this leave slots free. Nor is one
// that is emptied for its upgrade, so that placements while engines are upgraded are not judged.
func checkAntiAffinity(h *evidence) []Violation {
	hosts, groups, services := make(map[string]string), make(map[string][]string), make(map[string]string)
	for _, n := range h.Header.Nodes {
		if n.Role == "engine" {
			hosts[n.Name] = n.Host
			groups[n.Group] = append(groups[n.Group], n.Name)
		}
	}
	for _, s := range h.Header.Services {
		services[s.Name] = s.Group
	}
	var out []Violation
	alive, before, upgrading := make(map[string]bool), make(map[string][]string), false
	for _, e := range h.told {
		switch model.EventKind(e.Event) {
		case model.EventEngineUp:
			alive[e.Peer] = true
		case model.EventEngineDn:
			delete(alive, e.Peer)
		case model.EventUpgrade:
			upgrading = strings.HasSuffix(e.Unit, "SERVICE_ENGINES")
		case model.EventPlaced:
			engines, old := strings.Fields(e.Peer), before[e.Unit]
			before[e.Unit] = engines
			if upgrading || !slices.ContainsFunc(engines, func(name string) bool { return !slices.Contains(old, name) }) {
				continue // what stays may stay together: nothing moves for this alone
			}
			choice := 0 // hosts of live engines
			var known []string
			for _, name := range groups[services[e.Unit]] {
				if alive[name] && !slices.Contains(known, hosts[name]) {
					known = append(known, hosts[name])
					choice++
				}
			}
			if used := distinctHosts(engines, hosts); used < len(engines) && used < choice {
				out = append(out, violation(e.Time, []string{describe(e)}, "%s is on %d hosts with %d engines; live engines of its group are on %d hosts",
					e.Unit, used, len(engines), choice))
			}
		}
	}
	return out
}

func distinctHosts(engines []string, hosts map[string]string) int {
	var seen []string
	for _, e := range engines {
		if !slices.Contains(seen, hosts[e]) {
			seen = append(seen, hosts[e])
		}
	}
	return len(seen)
}
