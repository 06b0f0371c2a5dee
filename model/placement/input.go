package placement

import "firedrill/model/config"

// Input is everything a plan depends on.
type Input struct {
	Groups   []Group
	Engines  []Engine
	Hosts    []Host // empty: nothing is known of hosts
	Services []Service
}

// Group is a service-engine group, and what its cloud allows.
type Group struct {
	// Config may leave fields unset: they take the vendor's defaults.
	Config config.ServiceEngineGroup
	// Access is that of the group's cloud; unset is NO_ACCESS.
	Access config.CloudAccess
	// IncludeHosts, unless empty, are the only hosts that engines may be on; ExcludeHosts are never. An engine whose
	// host is not known counts as allowed.
	IncludeHosts, ExcludeHosts []string
	// Rebalance allows moves that serve balance and anti-affinity alone; the vendor's default is off ("Virtual Service
	// Scaling").
	Rebalance bool
}

// Engine is a service engine as the leader knows it.
type Engine struct {
	Name  string
	Group string
	Host  string // empty: not known, and taken for a host of its own
	State EngineState
	// FailedLately says that the engine has failed within se_failover_attempt_interval: it keeps what it has and gets
	// nothing, and counts neither as an engine of N + M nor towards the buffer.
	FailedLately bool
	// Serves says that an engine of a legacy pair is the one that serves.
	Serves bool
	// Managed says that the controller had it created: only such an engine is ever deleted.
	Managed bool
}

// EngineState is what is known of an engine; a state that is none of these counts as down.
type EngineState string

// The states.
const (
	EngineUp        EngineState = "up"
	EngineSuspected EngineState = "suspected" // reported, not confirmed: keeps what it has, gets nothing, is not replaced yet
	EngineDown      EngineState = "down"      // confirmed: serves nothing
	EngineDraining  EngineState = "draining"  // to be emptied, and then back: serves until its services run elsewhere
	EngineBooting   EngineState = "booting"   // created, not heard yet: its slots are awaited
)

// Host is a machine that engines run on.
type Host struct {
	Name string
	Rack string // empty: not known
	// Down is the cloud's word. Cloud reports may be wrong, so an engine that is up there is only held for suspected.
	Down bool
	// Full says that it has no room for another engine.
	Full bool
	// Maintenance says that it will be shut down for a while: what runs there leaves, and no other engine is made there.
	Maintenance bool
}

// Service is a virtual service.
type Service struct {
	Name  string
	Group string
	// Scale is on how many engines it should run; the group's min_scaleout_per_vs and max_scaleout_per_vs bound it.
	Scale int
	// Engines are where it runs, or ran until they went down, the primary first.
	Engines  []string
	Disabled bool
	// Patient says that it is not in use yet and rather waits for engines that are being made than crowd those that
	// are up. Without it a group that grows from nothing fills its first engine before the second has booted. The
	// caller takes it back for good when an engine of the service has failed, as every plan does by itself, and after a
	// while (se_create_timeout): a cloud may never deliver.
	Patient bool
}
