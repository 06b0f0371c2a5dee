package sim

import (
	"cmp"
	"slices"
	"strings"

	"firedrill/scenarios"
)

// resolveSelector tells which machines a selector means at this moment, by number, each once.
func (w *World) resolveSelector(s scenarios.Selector) []*machine {
	ms := w.matches(s)
	slices.SortFunc(ms, func(a, b *machine) int { return cmp.Compare(a.index, b.index) })
	return slices.Compact(ms)
}

// matches lists the machines in no order that counts. It returns a slice of its own.
func (w *World) matches(s scenarios.Selector) []*machine {
	switch s.Kind {
	case scenarios.SelectNode:
		return w.where(func(m *machine) bool { return m.Name == s.Name })
	case scenarios.SelectLeader:
		return w.where(func(m *machine) bool { return m == w.roles.leader })
	case scenarios.SelectFollower:
		followers := w.followers()
		if s.Index >= len(followers) {
			return nil
		}
		return followers[s.Index : s.Index+1]
	case scenarios.SelectFollowers:
		return w.followers()
	case scenarios.SelectControllers:
		return w.where(func(m *machine) bool { return w.roles.members[m.Name] })
	case scenarios.SelectServers:
		return w.with(scenarios.RoleServer)
	case scenarios.SelectEngines:
		return w.where(func(m *machine) bool { return m.Role == scenarios.RoleEngine && (s.Name == "" || m.Group == s.Name) })
	case scenarios.SelectActive:
		return w.where(func(m *machine) bool { return m.Group == s.Name && w.roles.serves(m, s.Name, true) })
	case scenarios.SelectStandby:
		return w.where(func(m *machine) bool { return m.Group == s.Name && !w.roles.serves(m, s.Name, false) })
	case scenarios.SelectPrimary:
		return w.where(func(m *machine) bool { return m == w.primary(s.Name) })
	case scenarios.SelectSecondary:
		return w.where(func(m *machine) bool { return m == w.secondary(s.Name) })
	case scenarios.SelectRack:
		return w.where(func(m *machine) bool { return m.host.rack == s.Name })
	case scenarios.SelectHost:
		return w.onSameHosts(w.matches(*s.Of))
	default: // scenarios.SelectAll: clients are no part of what is rehearsed
		return w.where(func(m *machine) bool { return m.Role != scenarios.RoleClient })
	}
}

// where lists the machines that a test picks, by number.
func (w *World) where(pick func(*machine) bool) []*machine {
	var out []*machine
	for _, m := range w.machines {
		if !m.gone && pick(m) {
			out = append(out, m)
		}
	}
	return out
}

func (w *World) with(role string) []*machine {
	return w.where(func(m *machine) bool { return m.Role == role })
}

// followers lists every member of the cluster but the one that leads.
func (w *World) followers() []*machine {
	return w.where(func(m *machine) bool { return w.roles.members[m.Name] && m != w.roles.leader })
}

// serves tells whether an engine is active for a group or a unit of it; where two believe to be, only the latest
// counts if so wanted.
func (r *roles) serves(m *machine, group string, latest bool) bool {
	for unit, holders := range r.active {
		if name, _, _ := strings.Cut(unit, "/"); name != group {
			continue
		}
		at := slices.Index(holders, m)
		if at >= 0 && (!latest || at == len(holders)-1) {
			return true
		}
	}
	return false
}

// onSameHosts lists every machine on the hosts that carry the given ones.
func (w *World) onSameHosts(ms []*machine) []*machine {
	return w.where(func(m *machine) bool {
		return slices.ContainsFunc(ms, func(o *machine) bool { return o.host == m.host })
	})
}

// primary is the engine that holds the address of a service of an elastic group; where two do, the latest.
func (w *World) primary(service string) *machine {
	for _, vs := range w.plan.Config.Services {
		if holders := w.roles.active[vs.SEGroupRef+"/"+vs.VIP.String()]; vs.Name == service && len(holders) > 0 {
			return holders[len(holders)-1]
		}
	}
	return nil
}

// secondary is the first engine of a service, as it is placed, that runs and is not the primary.
func (w *World) secondary(service string) *machine {
	for _, name := range w.roles.placed[service] {
		if m := w.byName[name]; m != nil && m.up && m != w.primary(service) {
			return m
		}
	}
	return nil
}
