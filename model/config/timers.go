package config

// Timers are the platform's timers; a profile sets them all, a scenario may override each.
type Timers struct {
	// Controllers among themselves ("High Availability for Avi Controllers").
	ControllerHeartbeat        Duration `json:"controller_heartbeat" yaml:"controller_heartbeat,omitempty"`
	ControllerFailedHeartbeats int      `json:"controller_failed_heartbeats" yaml:"controller_failed_heartbeats,omitempty"`
	// WarmStart is how long a new leader takes before it answers the API ("Impact of a Controller Failure").
	WarmStart Duration `json:"warm_start" yaml:"warm_start,omitempty"`

	// SnapshotEvery is how many applied entries of the log lie between two snapshots of a controller.
	SnapshotEvery int `json:"snapshot_every" yaml:"snapshot_every,omitempty"`
	// LatencyWarning is the round trip between two controllers above which the event log warns ("Clustering Avi
	// Controllers That Are in Different Networks").
	LatencyWarning Duration `json:"controller_latency_warning" yaml:"controller_latency_warning,omitempty"`

	// Controllers and engines ("Service Engine Failure Detection").
	SEHeartbeat        Duration `json:"se_heartbeat" yaml:"se_heartbeat,omitempty"`
	SEFailedHeartbeats int      `json:"se_failed_heartbeats" yaml:"se_failed_heartbeats,omitempty"`

	// Engines of one group among themselves on the data network (dp_hb_frequency, dp_hb_timeout_count).
	DPHeartbeat        Duration `json:"dp_hb_frequency" yaml:"dp_hb_frequency,omitempty"`
	DPFailedHeartbeats int      `json:"dp_hb_timeout_count" yaml:"dp_hb_timeout_count,omitempty"`

	// FailbackDelay is how long a preferred engine must have been well before it asks for its load back,
	// where the group wants that (auto_redistribute_active_standby_load).
	FailbackDelay Duration `json:"failback_delay" yaml:"failback_delay,omitempty"`

	// Engines and their cloud, named as in the vendor's SDK. SECreateTimeout is how long an engine may take from when it is
	// asked for until it reports; attempts that fail follow each other more slowly, at most MaxSESpawnDelay apart.
	SECreateTimeout Duration `json:"se_create_timeout" yaml:"se_create_timeout,omitempty"`
	MaxSESpawnDelay Duration `json:"max_se_spawn_interval_delay" yaml:"max_se_spawn_interval_delay,omitempty"`
	// SEFailoverInterval is how long an engine that has failed is given nothing new (se_failover_attempt_interval).
	SEFailoverInterval Duration `json:"se_failover_attempt_interval" yaml:"se_failover_attempt_interval,omitempty"`
	// QueryHostFail is how often the cloud is asked how its hosts and engines are, beside what it reports by itself.
	QueryHostFail Duration `json:"query_host_fail" yaml:"query_host_fail,omitempty"`
	// An engine that is down for UnresponsiveSEReboot is started anew by its cloud, and counts as dead after DeadSEDetection;
	// dead ones beyond MaxDeadSE of a group are deleted.
	UnresponsiveSEReboot Duration `json:"unresponsive_se_reboot" yaml:"unresponsive_se_reboot,omitempty"`
	DeadSEDetection      Duration `json:"dead_se_detection_timer" yaml:"dead_se_detection_timer,omitempty"`
	MaxDeadSE            int      `json:"max_dead_se_in_grp" yaml:"max_dead_se_in_grp,omitempty"`
	// Upgrades: how long the services and flows of an engine are given to go elsewhere before it is restarted, and how
	// long a node that restarts may take before it counts as failed.
	UpgradeDrain   Duration `json:"upgrade_drain" yaml:"upgrade_drain,omitempty"`
	UpgradeRestart Duration `json:"upgrade_restart" yaml:"upgrade_restart,omitempty"`

	// Gratuitous ARP of an engine: this often at a takeover, this far apart, then again every Refresh.
	GARPCount   int      `json:"garp_count" yaml:"garp_count,omitempty"`
	GARPSpacing Duration `json:"garp_spacing" yaml:"garp_spacing,omitempty"`
	GARPRefresh Duration `json:"garp_refresh" yaml:"garp_refresh,omitempty"`

	// API clients: how long one attempt at one controller may take, and the whole operation.
	APIAttempt Duration `json:"api_attempt" yaml:"api_attempt,omitempty"`
	APITimeout Duration `json:"api_timeout" yaml:"api_timeout,omitempty"`
}
