package node

import (
	"fmt"
	"net/netip"
	"slices"

	"firedrill/scenarios"
	"firedrill/scenarios/clients"
)

// Containers are the names of all containers that a plan begins with: one for each node, and the three with clients.
func Containers(plan *scenarios.Scenario) []string {
	var names []string
	for _, n := range plan.Nodes() {
		names = append(names, n.Name)
	}
	return append(names, ClientOutside, ClientNearby, ClientAPI)
}

// AddressesOf are the addresses of a container from the start, and so the networks that it is plugged into. Only
// [ClientAPI] has several on one network: its own, and one for each operator.
func AddressesOf(plan *scenarios.Scenario, container string) ([]netip.Addr, error) {
	switch container {
	case ClientOutside:
		return []netip.Addr{scenarios.OutsideClientIP(1)}, nil
	case ClientNearby:
		return []netip.Addr{scenarios.NearbyClientIP(1)}, nil
	case ClientAPI:
		out := []netip.Addr{scenarios.APIClientIP(1)}
		for i := range clients.Names(plan) {
			out = append(out, operatorIP(i))
		}
		return out, nil
	}
	for _, n := range plan.Nodes() {
		if n.Name == container {
			return n.Addresses(), nil
		}
	}
	return nil, fmt.Errorf("the plan has no node %q; its containers are %v", container, Containers(plan))
}

// operatorIP is the address of the i-th operator, from 0; the first address of clients is that of who watches.
func operatorIP(i int) netip.Addr { return scenarios.APIClientIP(i + 2) }

// onNetwork picks the addresses on one network; if it is empty, all.
func onNetwork(all []netip.Addr, network string) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(all), func(ip netip.Addr) bool {
		on, _, _ := scenarios.NetworkOf(ip)
		return network != "" && on != network
	})
}
