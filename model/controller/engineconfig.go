package controller

import (
	"slices"
	"strings"

	"firedrill/model/config"
)

// visit calls see for every object that the engines of a group need, in a fixed order; an object may be seen
// more than once. It returns false when there is no such group.
func visit(state *config.State, group string, see func(*config.Entry)) bool {
	g, ok := state.Get(config.Key{Kind: config.KindServiceEngineGroup, Name: group})
	if !ok {
		return false
	}
	see(&g)
	for _, e := range state.EnginesOf(group) {
		// One that is being made has no address yet, and one that is about to end has no part any more.
		if o := e.Object.(*config.ServiceEngine); o.Data.IsValid() && o.State != config.EngineDeleting {
			see(e)
		}
	}
	if p, ok := state.Get(config.Key{Kind: config.KindPlacement, Name: group}); ok {
		see(&p)
	}
	for _, e := range state.ServicesOf(group) {
		vs := e.Object.(*config.VirtualService)
		see(e)
		pool, ok := state.Get(config.Key{Kind: config.KindPool, Name: vs.PoolRef})
		if !ok {
			continue
		}
		see(&pool)
		for _, ref := range pool.Object.(*config.Pool).HealthMonitorRefs {
			if m, ok := state.Get(config.Key{Kind: config.KindHealthMonitor, Name: ref}); ok {
				see(&m)
			}
		}
	}
	return true
}

// fingerprint changes whenever the configuration of a group does: object versions are never used twice.
func fingerprint(state *config.State, group string) uint64 {
	h := uint64(14695981039346656037)
	visit(state, group, func(e *config.Entry) { h = (h ^ e.Version) * 1099511628211 })
	return h
}

// engineConfig gathers what the engines of a group need, or nil when there is no such group.
func engineConfig(state *config.State, group string) *config.EngineConfig {
	c := &config.EngineConfig{}
	found := visit(state, group, func(e *config.Entry) {
		switch o := e.Object.(type) {
		case *config.ServiceEngineGroup:
			c.Group = *o
		case *config.ServiceEngine:
			c.Engines = append(c.Engines, *o)
		case *config.Placement:
			c.Placement = o
		case *config.VirtualService:
			c.Services = append(c.Services, *o)
		case *config.Pool:
			if c.Pool(o.Name) == nil {
				c.Pools = append(c.Pools, *o)
			}
		case *config.HealthMonitor:
			if c.Monitor(o.Name) == nil {
				c.Monitors = append(c.Monitors, *o)
			}
		}
	})
	if !found {
		return nil
	}
	slices.SortFunc(c.Engines, func(a, b config.ServiceEngine) int { return strings.Compare(a.Name, b.Name) })
	return c
}
