package config

import (
	"slices"
	"strings"
)

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
	// Next is the list that Engines is on its way to, where it is another one: an engine that loses the service stays on
	// Engines until all that are to have it report that they carry it.
	Next []string `json:"next,omitempty" yaml:"next,omitempty"`
	// Scale is on how many engines the service should run, as an operator wants it, within min_scaleout_per_vs and
	// max_scaleout_per_vs of the group; zero: on as few as the group allows.
	Scale int `json:"scale,omitempty" yaml:"scale,omitempty"`
}

// Goal is where the service will run once all moves that are under way are made.
func (s PlacedService) Goal() []string {
	if s.Next != nil {
		return s.Next
	}
	return s.Engines
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

// Of finds a service, nil if it is not placed.
func (p *Placement) Of(service string) *PlacedService {
	i, found := slices.BinarySearchFunc(p.Services, service, func(s PlacedService, name string) int { return strings.Compare(s.Service, name) })
	if !found {
		return nil
	}
	return &p.Services[i]
}

// EnginesOf returns the engines of a service, none if it is not placed.
func (p *Placement) EnginesOf(service string) []string {
	if s := p.Of(service); s != nil {
		return s.Engines
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
		for j, e := range s.Next {
			v.name(item(field+".next", j), e)
		}
		unique(v, field+".next", s.Next)
		v.between(field+".scale", s.Scale, 0, 64)
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
	mine := func(engine string) bool {
		e := s.entries[Key{KindServiceEngine, engine}]
		return e != nil && e.Object.(*ServiceEngine).GroupRef == p.Name
	}
	for i, placed := range p.Services {
		field := item("services", i)
		vs := s.entries[Key{KindVirtualService, placed.Service}]
		v.check(vs == nil || vs.Object.(*VirtualService).SEGroupRef == p.Name, field+".service", "%s belongs to another group", placed.Service)
		for j, e := range placed.Engines {
			v.check(mine(e), item(field+".engines", j), "%s is no engine of group %s", e, p.Name)
		}
		for j, e := range placed.Next {
			v.check(mine(e), item(field+".next", j), "%s is no engine of group %s", e, p.Name)
		}
	}
}

// Clone returns a copy whose list of services may be changed.
func (p *Placement) Clone() *Placement {
	return &Placement{Name: p.Name, Services: slices.Clone(p.Services)}
}
