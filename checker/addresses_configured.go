package checker

import (
	"maps"
	"slices"
	"time"

	"firedrill/checker/words"
	"firedrill/model/config"
)

// checkAddressesConfigured holds the addresses that engines have against the configuration, whenever nothing has changed
// for recover_within: engines of a group hold the addresses of its enabled services, a legacy pair its floating addresses
// too, and nobody holds another one. That is so of addresses, too, which no client probes.
func checkAddressesConfigured(h *evidence) []Violation {
	var out []Violation
	told := make(map[string]bool) // each once
	h.calm(func(t int64, s *settings, f *fleet) {
		from := t - int64(h.recoverWithin())
		if s.changed > from || from < 0 {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(s.groups)) {
			g := s.groups[name]
			engines := f.of(name, from)
			if len(engines) == 0 || !h.quiet(name, from, t) {
				continue
			}
			out = append(out, misheld(t, s, f, g, engines, told)...)
		}
	})
	return out
}

// misheld lists the addresses that engines of a group hold and should not, and those that nobody of it holds.
func misheld(t int64, s *settings, f *fleet, g *config.ServiceEngineGroup, engines []string, told map[string]bool) []Violation {
	var out []Violation
	say := func(key, format string, args ...any) {
		if !told[key] {
			told[key] = true
			out = append(out, violation(t, nil, format, args...))
		}
	}
	given, wanted := addressesOf(s, f, g, engines)
	at := words.Instant(time.Duration(t))
	for _, engine := range engines {
		for _, a := range slices.Sorted(maps.Keys(f.holds[engine])) {
			if !given[a] {
				say(engine+" "+a, "%s still holds %s at %s, which the configuration does not give to group %s", engine, a, at, g.Name)
			}
		}
	}
	for _, a := range slices.Sorted(maps.Keys(wanted)) {
		if !slices.ContainsFunc(f.of(g.Name, t), func(e string) bool { return f.holds[e][a] }) {
			say(a, "nobody of group %s holds %s at %s, which the configuration gives to it", g.Name, a, at)
		}
	}
	return out
}

// addressesOf are the addresses that engines of a group may hold, and of these those that one must hold: a service of an
// elastic group may wait for a slot.
func addressesOf(s *settings, f *fleet, g *config.ServiceEngineGroup, engines []string) (given, wanted map[string]bool) {
	given, wanted = make(map[string]bool), make(map[string]bool)
	elastic := g.HAMode.Elastic()
	for _, vs := range s.services {
		if vs.SEGroupRef != g.Name || vs.Disabled {
			continue
		}
		given[vs.VIP.String()] = true
		if !elastic || slices.ContainsFunc(f.placed[vs.Name], func(e string) bool { return slices.Contains(engines, e) }) {
			wanted[vs.VIP.String()] = true
		}
	}
	if !elastic {
		for _, a := range g.FloatingIPs {
			given[a.String()], wanted[a.String()] = true, true
		}
	}
	return given, wanted
}
