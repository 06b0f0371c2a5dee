package node

import (
	"fmt"
	"net/netip"
	"slices"

	"firedrill/scenarios"
	"firedrill/scenarios/clients"
)

// Containers are the names of all containers of a plan: one for each node, and the three with clients.
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

// peerAddresses are the addresses of several containers on one network, or on all if it is empty.
func peerAddresses(plan *scenarios.Scenario, containers []string, network string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, name := range containers {
		all, err := AddressesOf(plan, name)
		if err != nil {
			return nil, err
		}
		for _, ip := range all {
			if on, _, _ := scenarios.NetworkOf(ip); network == "" || on == network {
				out = append(out, ip)
			}
		}
	}
	return out, nil
}

// everybodyElse tells whether these are all containers of a network but one.
func everybodyElse(plan *scenarios.Scenario, but string, containers []string, network string) bool {
	return !slices.ContainsFunc(Containers(plan), func(name string) bool {
		if name == but || slices.Contains(containers, name) {
			return false
		}
		on, err := peerAddresses(plan, []string{name}, network)
		return err == nil && len(on) > 0
	})
}

// PeerAddresses are the addresses of several containers of the run on one network, or on all if it is empty.
func (s *Spec) PeerAddresses(containers []string, network string) ([]netip.Addr, error) {
	plan, err := scenarios.Parse(s.Name, []byte(s.Plan))
	if err != nil {
		return nil, err
	}
	return peerAddresses(plan, containers, network)
}
