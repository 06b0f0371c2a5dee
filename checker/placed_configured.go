package checker

import (
	"maps"
	"slices"

	"firedrill/model/config"
)

// checkPlacedConfigured holds where the services of elastic groups are placed against the configuration, whenever nothing
// has changed for recover_within and the engines that have always been well have slots for all: every service is on as
// many of them as it should, and on no more than it may; no engine has more than max_vs_per_se, and none on a host that
// the group's lists bar has any.
func checkPlacedConfigured(h *evidence) []Violation {
	var out []Violation
	told := make(map[string]bool)
	h.calm(func(t int64, s *settings, f *fleet) {
		from := t - int64(h.recoverWithin())
		if s.changed > from || from < 0 || f.upgrading {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(s.groups)) {
			g := s.groups[name].WithDefaults()
			if !g.HAMode.Elastic() || !h.quiet(name, from, t) {
				continue
			}
			p := spread{group: &g, fleet: f, engines: f.of(name, from), units: unitsOf(s, name)}
			p.judge(func(format string, args ...any) {
				if v := violation(t, nil, format, args...); !told[v.Message] {
					told[v.Message] = true
					out = append(out, v)
				}
			})
		}
	})
	return out
}

// spread is the services of one elastic group, and where they are.
type spread struct {
	group   *config.ServiceEngineGroup
	fleet   *fleet
	engines []string            // that have run for long enough
	units   map[string][]string // enabled services, by address
}

func unitsOf(s *settings, group string) map[string][]string {
	units := make(map[string][]string)
	for _, name := range slices.Sorted(maps.Keys(s.services)) {
		if vs := s.services[name]; vs.SEGroupRef == group && !vs.Disabled {
			units[vs.VIP.String()] = append(units[vs.VIP.String()], name)
		}
	}
	return units
}

// barred tells whether the group's lists of hosts exclude that of an engine.
func (p *spread) barred(engine string) bool {
	host := p.fleet.hosts[engine]
	return slices.Contains(p.group.HostExclude, host) || len(p.group.HostInclude) > 0 && !slices.Contains(p.group.HostInclude, host)
}

func (p *spread) judge(say func(format string, args ...any)) {
	takers := slices.DeleteFunc(slices.Clone(p.engines), func(e string) bool { return p.fleet.down[e] || p.barred(e) })
	want := min(p.group.MinScaleoutPerVS, len(takers))
	if want == 0 || len(p.units)*p.group.MinScaleoutPerVS > len(takers)*p.group.MaxVSPerSE {
		return
	}
	load := make(map[string]int)
	for _, address := range slices.Sorted(maps.Keys(p.units)) {
		for i, service := range p.units[address] {
			on := p.fleet.placed[service]
			if n := p.living(on); n < want || len(on) > p.group.MaxScaleoutPerVS {
				say("%s of group %s is placed on %d engines that run, where it could be on %d", service, p.group.Name, n, want)
			}
			if first := p.fleet.placed[p.units[address][0]]; i > 0 && !slices.Equal(on, first) {
				say("%s and %s share an address, but not their engines", service, p.units[address][0])
			}
			for _, e := range on {
				if p.barred(e) {
					say("%s is placed on %s, whose host %s the lists of group %s bar", service, e, p.fleet.hosts[e], p.group.Name)
				}
				if i == 0 {
					load[e]++
				}
			}
		}
	}
	for _, e := range p.engines {
		if load[e] > p.group.MaxVSPerSE {
			say("%s has services of %d addresses; max_vs_per_se of group %s allows %d", e, load[e], p.group.Name, p.group.MaxVSPerSE)
		}
	}
}

// living counts the engines of a list that run.
func (p *spread) living(list []string) (n int) {
	for _, e := range list {
		if _, runs := p.fleet.since[e]; runs {
			n++
		}
	}
	return n
}
