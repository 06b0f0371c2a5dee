package placement

import (
	"cmp"
	"slices"

	"firedrill/model/config"
)

// site is the input with its references resolved. Every list is sorted by name, so that the order of the input's lists
// decides nothing.
type site struct {
	groups   []*group
	services []*service // of groups that do not exist
	engines  []*engine
	hosts    []*host
}

// host is a host of the input, or one that only an engine names.
type host struct {
	Host
	rack   *rack
	listed bool // in the input: engines can be made on it
	marks  int  // placements there of the service that is being looked at
	id     int
}

// rack is a rack; hosts whose rack is not known have none.
type rack struct {
	marks int
	id    int
}

// group is an elastic group at work.
type group struct {
	spec     Group
	config   config.ServiceEngineGroup
	site     *site
	engines  []*engine
	takers   []*engine // those that take services now
	stops    []*engine // those, and crowded ones: where a way to a slot may lead
	services []*service
	demand
	free     int             // slots of takers
	exact    bool            // a free slot need not be the cheapest: services were moved to make room
	ways     map[*engine]hop // see hops; nil when something has changed since
	creating int             // engines that the plan asks for
	missing  int             // placements without a slot
}

// engine is an engine at work.
type engine struct {
	Engine
	group     *group
	host      *host
	barred    bool       // its host is not one for this group any more, or not for a while
	crowded   bool       // it held more than max_vs_per_se
	holds     []*service // those that stay or come
	running   int        // placements now, whatever becomes of them
	retained  int        // placements that should leave, and have to stay
	primaries int        // services that it holds as primary
	slots     int        // free while the moves are made; negative: it holds too much
	mark      *service   // the service being looked at, if it is here
}

// service is a service at work.
type service struct {
	Service
	group   *group
	want    int
	runs    []*engine // now, the primary first
	at      []*engine // where it stays or comes: these count against capacity
	leaving []leave   // runs there, should not
	lost    []leave   // ran there
	picks   []pick
	moved   Reason // why it was taken from an engine where it could have stayed
	primary *engine
	stays   int       // engines that it should leave, but cannot
	final   []*engine // at, and what is left of leaving, the primary first
}

type leave struct {
	name   string
	engine *engine // nil: not known
	why    Reason
}

type pick struct {
	engine *engine
	where  Reason
}

func newSite(in Input) *site {
	s := &site{}
	hosts := s.addHosts(in.Hosts)
	groups := make(map[string]*group, len(in.Groups))
	for _, spec := range in.Groups {
		g := &group{spec: spec, config: spec.Config.WithDefaults(), site: s}
		groups[spec.Config.Name] = g
		s.groups = append(s.groups, g)
	}
	slices.SortFunc(s.groups, func(a, b *group) int { return cmp.Compare(a.config.Name, b.config.Name) })
	engines := make(map[string]*engine, len(in.Engines))
	for _, e := range sorted(in.Engines, func(e *Engine) string { return e.Name }) {
		x := &engine{Engine: e, group: groups[e.Group], host: s.hostOf(e, hosts)}
		engines[e.Name] = x
		s.engines = append(s.engines, x)
		if x.group != nil {
			x.barred = x.host.Maintenance || !x.group.allows(x.host)
			x.group.engines = append(x.group.engines, x)
		}
	}
	for _, v := range sorted(in.Services, func(v *Service) string { return v.Name }) {
		s.addService(v, groups[v.Group], engines)
	}
	return s
}

// sorted returns a sorted copy: the input belongs to the caller.
func sorted[T any](list []T, name func(*T) string) []T {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(name(&a), name(&b)) })
	return list
}

func (s *site) addHosts(list []Host) map[string]*host {
	hosts := make(map[string]*host, len(list))
	racks := map[string]*rack{}
	for _, h := range sorted(list, func(h *Host) string { return h.Name }) {
		x := &host{Host: h, listed: true, id: len(s.hosts)}
		if h.Rack != "" {
			if racks[h.Rack] == nil {
				racks[h.Rack] = &rack{id: len(racks)}
			}
			x.rack = racks[h.Rack]
		}
		hosts[h.Name] = x
		s.hosts = append(s.hosts, x)
	}
	return hosts
}

// hostOf finds or makes up the host of an engine: engines that name no host share none.
func (s *site) hostOf(e Engine, hosts map[string]*host) *host {
	if h := hosts[e.Host]; h != nil && e.Host != "" {
		return h
	}
	h := &host{Host: Host{Name: e.Host}, id: len(s.hosts)}
	s.hosts = append(s.hosts, h)
	if e.Host != "" {
		hosts[e.Host] = h
	}
	return h
}

func (s *site) addService(v Service, g *group, engines map[string]*engine) {
	x := &service{Service: v, group: g}
	if g == nil {
		s.services = append(s.services, x)
		return
	}
	if !v.Disabled {
		x.want = min(max(v.Scale, g.config.MinScaleoutPerVS), g.config.MaxScaleoutPerVS)
	}
	for i, name := range v.Engines {
		if !slices.Contains(v.Engines[:i], name) {
			x.arrange(name, engines[name])
		}
	}
	x.primary = x.lead()
	x.Patient = v.Patient && len(x.lost) == 0
	g.services = append(g.services, x)
}

// elastic tells whether the group is ours: a legacy pair places its services itself.
func (g *group) elastic() bool { return g.config.HAMode != config.HAModeLegacyActiveStandby }

// allows applies the lists of hosts, which are hard.
func (g *group) allows(h *host) bool {
	if h.Name == "" {
		return true
	}
	return !slices.Contains(g.spec.ExcludeHosts, h.Name) &&
		(len(g.spec.IncludeHosts) == 0 || slices.Contains(g.spec.IncludeHosts, h.Name))
}
