package config

// EngineConfig is what the leader pushes to the engines of one group, and what an engine keeps on its disk
// so that it can start without a controller: the group, its engines, and all that its services need.
type EngineConfig struct {
	Index    uint64             `json:"index"` // log index of the change that made it; grows
	Group    ServiceEngineGroup `json:"group"`
	Engines  []ServiceEngine    `json:"engines"` // by name; the first is preferred
	Services []VirtualService   `json:"services"`
	Pools    []Pool             `json:"pools"`
	Monitors []HealthMonitor    `json:"monitors"`
	// Placement is unset in a legacy group, whose two engines settle that between them.
	Placement *Placement `json:"placement,omitempty"`
}

// Pool returns the pool of that name, or nil.
func (c *EngineConfig) Pool(name string) *Pool {
	for i := range c.Pools {
		if c.Pools[i].Name == name {
			return &c.Pools[i]
		}
	}
	return nil
}

// Monitor returns the health monitor of that name, or nil.
func (c *EngineConfig) Monitor(name string) *HealthMonitor {
	for i := range c.Monitors {
		if c.Monitors[i].Name == name {
			return &c.Monitors[i]
		}
	}
	return nil
}
