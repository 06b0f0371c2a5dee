package config

import "slices"

// Placement is which engines of an elastic group carry each of its services. The leader writes it through the log, so
// that the next leader goes on from it and moves nothing without need. It has the name of its group.
type Placement struct {
	Name     string          `json:"name" yaml:"name"`
	Services []PlacedService `json:"services" yaml:"services"` // by name
}

// PlacedService is one service and its engines, in the order in which they take its address: the first is its primary.
type PlacedService struct {
	Service string   `json:"service" yaml:"service"`
	Engines []string `json:"engines" yaml:"engines"`
}

// Elastic tells whether services of a group with this mode are placed by the controllers.
func (m HAMode) Elastic() bool { return m == HAModeShared || m == HAModeSharedPair }

// Kind implements [Object].
func (*Placement) Kind() Kind { return KindPlacement }

// ObjectName implements [Object].
func (p *Placement) ObjectName() string { return p.Name }

// References implements [Object]. A placement is no use of its group, nor of the services and engines that it names:
// what is gone is left out of the next one.
func (*Placement) References() []Key { return nil }

// EnginesOf returns the engines of a service, none if it is not placed.
func (p *Placement) EnginesOf(service string) []string {
	for i := range p.Services {
		if p.Services[i].Service == service {
			return p.Services[i].Engines
		}
	}
	return nil
}

// Validate implements [Object].
func (p *Placement) Validate() error {
	v := &validator{object: p}
	v.name("name", p.Name)
	for i, s := range p.Services {
		field := item("services", i)
		v.name(field+".service", s.Service)
		for j, e := range s.Engines {
			v.name(item(field+".engines", j), e)
		}
		unique(v, field+".engines", s.Engines)
		v.check(i == 0 || p.Services[i-1].Service < s.Service, field+".service", "%s is not behind %s; services are listed once, by name", s.Service, p.Services[max(0, i-1)].Service)
	}
	return v.result()
}

// admitPlacement keeps engines with their group: no engine carries what belongs to another one ("Elastic HA for Avi
// Service Engines": a group is an isolation domain).
func (s *State) admitPlacement(v *validator, p *Placement) {
	group := s.entries[Key{KindServiceEngineGroup, p.Name}]
	if group == nil || !group.Object.(*ServiceEngineGroup).HAMode.Elastic() {
		v.check(false, "name", "there is no elastic group %s", p.Name)
		return
	}
	var engines []string
	for _, e := range s.lists[KindServiceEngine] {
		if e.Object.(*ServiceEngine).GroupRef == p.Name {
			engines = append(engines, e.Key.Name)
		}
	}
	for i, placed := range p.Services {
		field := item("services", i)
		vs := s.entries[Key{KindVirtualService, placed.Service}]
		v.check(vs == nil || vs.Object.(*VirtualService).SEGroupRef == p.Name, field+".service", "%s belongs to another group", placed.Service)
		for j, e := range placed.Engines {
			v.check(slices.Contains(engines, e), item(field+".engines", j), "%s is no engine of group %s", e, p.Name)
		}
	}
}
