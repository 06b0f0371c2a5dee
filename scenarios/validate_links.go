package scenarios

import (
	"slices"
	"strings"
)

// links checks that a fault of the network finds a link to strike: on a network that both ends are plugged into, and to
// somebody else. Without one it would do nothing, and the run would pass for what it has not tried.
func (v *validation) links(path string, kind FaultKind, f *Fault) {
	if !slices.Contains(kind.Takes, "network") || f.Optional { // of which nobody expects that it strikes
		return
	}
	to, err := ParseSelector(f.To)
	if known := f.To != "" && err == nil; !known {
		to = Selector{Kind: SelectAll}
	}
	for _, text := range append(slices.Clone(f.Targets), f.Target) {
		from, err := ParseSelector(text)
		if err != nil { // which has been said, or there is none
			continue
		}
		v.check(!from.single() || from.String() != to.String(), path+".to", "%s has no link to itself; name somebody else, or leave it out", from)
		at := slices.DeleteFunc(from.networks(), func(n string) bool { return !slices.Contains(to.networks(), n) })
		v.check(len(at) > 0, path+".to", "%s and %s are on no network together; one is on %v, the other on %v", from, to, from.networks(), to.networks())
		v.check(f.Network == "" || slices.Contains(at, f.Network), path+".network", "%s and %s have no link there; use one of %v, or leave it out", from, to, at)
	}
}

// single tells whether a selector never picks more than one node.
func (s Selector) single() bool {
	switch s.Kind {
	case SelectNode, SelectLeader, SelectFollower, SelectActive, SelectStandby, SelectPrimary, SelectSecondary:
		return true
	}
	return false
}

// networks are those that what a selector picks may be plugged into.
func (s Selector) networks() []string {
	role := s.role()
	if role == "" {
		return slices.Clone(networks)
	}
	var out []string
	for _, ip := range (Node{Role: role, Number: 1}).Addresses() {
		if name, _, ok := NetworkOf(ip); ok {
			out = append(out, name)
		}
	}
	return out
}

// role is that of the nodes that a selector picks; empty: several.
func (s Selector) role() string {
	switch s.Kind {
	case SelectLeader, SelectFollower, SelectFollowers, SelectControllers:
		return RoleController
	case SelectEngines, SelectActive, SelectStandby, SelectPrimary, SelectSecondary:
		return RoleEngine
	case SelectServers:
		return RoleServer
	case SelectNode:
		for _, role := range []string{RoleController, RoleEngine, RoleServer, RoleGateway, RoleCloud} {
			if strings.HasPrefix(s.Name, role+"-") {
				return role
			}
		}
	}
	return ""
}
