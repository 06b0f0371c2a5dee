package sim

import "firedrill/scenarios"

// selected tells which machines a selector means at this moment, by number, each once.
func (w *World) selected(s scenarios.Selector) []*machine { return w.called(w.roles.Resolve(s)) }

// called finds machines by their names.
func (w *World) called(names []string) []*machine {
	out := make([]*machine, len(names))
	for i, name := range names {
		out[i] = w.byName[name]
	}
	return out
}

// onSameHosts lists every machine on the hosts that carry the given ones.
func (w *World) onSameHosts(ms []*machine) []*machine {
	return w.called(w.roles.OnSameHosts(names(ms)))
}

// with lists the machines of a role, by number.
func (w *World) with(role string) []*machine {
	var out []*machine
	for _, m := range w.machines {
		if m.Role == role && !m.gone {
			out = append(out, m)
		}
	}
	return out
}
