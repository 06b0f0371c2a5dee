// Package config is the platform's configuration: typed objects named as in the vendor's SDK, their
// validation, and the replicated state that holds them.
package config

import "net/netip"

// Kind names an object type; the strings are the vendor's.
type Kind string

// The kinds of object.
const (
	KindCluster            Kind = "Cluster"
	KindCloud              Kind = "Cloud"
	KindServiceEngineGroup Kind = "ServiceEngineGroup"
	KindServiceEngine      Kind = "ServiceEngine"
	KindHealthMonitor      Kind = "HealthMonitor"
	KindPool               Kind = "Pool"
	KindVirtualService     Kind = "VirtualService"

	KindBackupConfiguration Kind = "BackupConfiguration"
	KindPlacement           Kind = "Placement"
	KindUpgrade             Kind = "Upgrade"
)

// Object is one of the types below.
type Object interface {
	Kind() Kind
	// ObjectName is unique within the kind.
	ObjectName() string
	// Validate checks the object alone; what it refers to is checked when it is applied. The error is a
	// *FieldError.
	Validate() error
	// References lists the keys of the objects this one needs.
	References() []Key
}

// Key identifies an object; as text it is Kind/name.
type Key struct {
	Kind Kind
	Name string
}

// Cluster is the set of controllers.
type Cluster struct {
	Name  string        `json:"name" yaml:"name"`
	Nodes []ClusterNode `json:"nodes" yaml:"nodes"`
	// VirtualIP is the cluster IP, held by the leader; unset for none.
	VirtualIP netip.Addr `json:"virtual_ip,omitzero" yaml:"virtual_ip,omitempty"`
	// SubnetMask is how many bits of an address name the subnet that the nodes share with the cluster IP; default 24.
	SubnetMask int `json:"subnet_mask,omitempty" yaml:"subnet_mask,omitempty"`
}

// ClusterNode is one controller.
type ClusterNode struct {
	Name string     `json:"name" yaml:"name"`
	IP   netip.Addr `json:"ip" yaml:"ip"`
}

// Cloud is what service engines come from.
type Cloud struct {
	Name string `json:"name" yaml:"name"`
	// Access says whether the controller may create engines.
	Access CloudAccess `json:"access" yaml:"access"`
	// Management is the address of the cloud's own management, which the controller asks for engines.
	Management netip.Addr `json:"mgmt_ip,omitzero" yaml:"mgmt_ip,omitempty"`
	// Username and Password are how the controller logs in there; unset for none.
	Username string `json:"username,omitempty" yaml:"username,omitempty"`
	Password string `json:"password,omitempty" yaml:"password,omitempty" secret:"true"`
}

// CloudAccess is NO_ACCESS (default) or WRITE_ACCESS.
type CloudAccess string

// The kinds of access.
const (
	NoAccess    CloudAccess = "NO_ACCESS"
	WriteAccess CloudAccess = "WRITE_ACCESS"
)

// ServiceEngineGroup is a set of engines with one HA mode, and an isolation domain.
type ServiceEngineGroup struct {
	Name     string `json:"name" yaml:"name"`
	CloudRef string `json:"cloud_ref,omitempty" yaml:"cloud_ref,omitempty"`
	HAMode   HAMode `json:"ha_mode" yaml:"ha_mode"`

	// Of a legacy pair ("Legacy HA for Avi Service Engines"). Load is compacted onto one engine unless
	// DistributeLoad, and stays where a failover put it unless AutoRedistribute.
	DistributeLoad   bool         `json:"distribute_load_active_standby,omitempty" yaml:"distribute_load_active_standby,omitempty"`
	AutoRedistribute bool         `json:"auto_redistribute_active_standby_load,omitempty" yaml:"auto_redistribute_active_standby_load,omitempty"`
	FloatingIPs      []netip.Addr `json:"floating_intf_ip,omitempty" yaml:"floating_intf_ip,omitempty"`

	// HMOnStandby says whether a standby checks the back ends too; unset: it does.
	HMOnStandby *bool `json:"hm_on_standby,omitempty" yaml:"hm_on_standby,omitempty"`
	// GatewayMon are addresses that both engines of a legacy pair ping ("Gateway Monitoring for Legacy HA"), so often, and
	// with so many answers in a row that count one as lost or as back.
	GatewayMon              []netip.Addr `json:"gateway_mon,omitempty" yaml:"gateway_mon,omitempty"`
	GatewayInterval         Duration     `json:"gateway_monitor_interval,omitempty" yaml:"gateway_monitor_interval,omitempty"`                   // default 1s
	GatewayFailThreshold    int          `json:"gateway_monitor_fail_threshold,omitempty" yaml:"gateway_monitor_fail_threshold,omitempty"`       // default 10
	GatewaySuccessThreshold int          `json:"gateway_monitor_success_threshold,omitempty" yaml:"gateway_monitor_success_threshold,omitempty"` // default 15

	// Heartbeats between the engines of the group on the data network; zero takes the profile's.
	HBFrequency    Duration `json:"dp_hb_frequency,omitempty" yaml:"dp_hb_frequency,omitempty"`
	HBTimeoutCount int      `json:"dp_hb_timeout_count,omitempty" yaml:"dp_hb_timeout_count,omitempty"`

	// Elastic placement; zero takes the vendor's default (10, 10, 1, 4, 1).
	MaxVSPerSE       int           `json:"max_vs_per_se,omitempty" yaml:"max_vs_per_se,omitempty"`
	MaxSE            int           `json:"max_se,omitempty" yaml:"max_se,omitempty"`
	MinScaleoutPerVS int           `json:"min_scaleout_per_vs,omitempty" yaml:"min_scaleout_per_vs,omitempty"`
	MaxScaleoutPerVS int           `json:"max_scaleout_per_vs,omitempty" yaml:"max_scaleout_per_vs,omitempty"`
	BufferSE         int           `json:"buffer_se,omitempty" yaml:"buffer_se,omitempty"`
	Algo             PlacementAlgo `json:"algo,omitempty" yaml:"algo,omitempty"`

	// ScaleinTimeout is how long an engine of an elastic group that a service is taken from goes on with the flows that
	// it has ("Virtual Service Scaling": existing flows stay, for a bounded time); zero takes the vendor's default, 30s.
	ScaleinTimeout Duration `json:"vs_scalein_timeout,omitempty" yaml:"vs_scalein_timeout,omitempty"`

	// AutoRebalance allows moves that serve balance and anti-affinity alone ("Virtual Service Scaling").
	AutoRebalance bool `json:"auto_rebalance,omitempty" yaml:"auto_rebalance,omitempty"`

	// NamePrefix begins the names of engines that the controller has made; default Avi.
	NamePrefix string `json:"se_name_prefix,omitempty" yaml:"se_name_prefix,omitempty"`
	// HostInclude, unless empty, are the only hosts that engines may be on; HostExclude are never. The vendor keeps one
	// list with a flag, vcenter_hosts.
	HostInclude []string `json:"host_include,omitempty" yaml:"host_include,omitempty"`
	HostExclude []string `json:"host_exclude,omitempty" yaml:"host_exclude,omitempty"`
}

// HAMode is how a group survives the loss of an engine.
type HAMode string

// The HA modes.
const (
	HAModeShared              HAMode = "HA_MODE_SHARED"                // elastic N+M, the vendor's default
	HAModeSharedPair          HAMode = "HA_MODE_SHARED_PAIR"           // elastic active/active
	HAModeLegacyActiveStandby HAMode = "HA_MODE_LEGACY_ACTIVE_STANDBY" // two engines, one stands by
)

// PlacementAlgo is how services are laid over engines.
type PlacementAlgo string

// The placement algorithms.
const (
	PlacementPacked      PlacementAlgo = "PLACEMENT_ALGO_PACKED"
	PlacementDistributed PlacementAlgo = "PLACEMENT_ALGO_DISTRIBUTED"
)

// ServiceEngine is an engine that has reported to the leader, or that the leader has a cloud make. Controllers write it;
// clients read it.
type ServiceEngine struct {
	Name       string     `json:"name" yaml:"name"`
	GroupRef   string     `json:"se_group_ref" yaml:"se_group_ref"`
	Management netip.Addr `json:"mgmt_ip,omitzero" yaml:"mgmt_ip,omitempty"` // unset until it reports
	Data       netip.Addr `json:"data_ip,omitzero" yaml:"data_ip,omitempty"`
	Host       string     `json:"host_ref,omitempty" yaml:"host_ref,omitempty"` // the hardware that it runs on, where known
	// CloudRef is the cloud that the controller has it from; empty: an operator made it, and it is never deleted.
	CloudRef string          `json:"cloud_ref,omitempty" yaml:"cloud_ref,omitempty"`
	State    EngineLifecycle `json:"oper_state,omitempty" yaml:"oper_state,omitempty"`
}

// EngineLifecycle is what the cloud is yet to do about an engine; empty: nothing. It is written before the cloud is
// asked, so that the next leader goes on with it.
type EngineLifecycle string

// The states of a life that is not settled.
const (
	EngineCreating EngineLifecycle = "OPER_CREATING" // to be made, or made and not heard yet
	EngineDeleting EngineLifecycle = "OPER_DELETING" // to be ended; the object goes when the cloud has confirmed
)

// HealthMonitor is how the servers of a pool are checked.
type HealthMonitor struct {
	Name             string      `json:"name" yaml:"name"`
	Type             MonitorType `json:"type" yaml:"type"`
	SendInterval     Duration    `json:"send_interval,omitempty" yaml:"send_interval,omitempty"`         // default 1s
	ReceiveTimeout   Duration    `json:"receive_timeout,omitempty" yaml:"receive_timeout,omitempty"`     // default 500ms
	SuccessfulChecks int         `json:"successful_checks,omitempty" yaml:"successful_checks,omitempty"` // in a row, to come up; default 2
	FailedChecks     int         `json:"failed_checks,omitempty" yaml:"failed_checks,omitempty"`         // in a row, to go down; default 2
	HTTPPath         string      `json:"http_path,omitempty" yaml:"http_path,omitempty"`                 // of HEALTH_MONITOR_HTTP; default /
}

// MonitorType is how a monitor asks.
type MonitorType string

// The monitor types.
const (
	MonitorTCP  MonitorType = "HEALTH_MONITOR_TCP"
	MonitorHTTP MonitorType = "HEALTH_MONITOR_HTTP"
	MonitorPing MonitorType = "HEALTH_MONITOR_PING"
)

// Pool is a set of back-end servers.
type Pool struct {
	Name              string      `json:"name" yaml:"name"`
	Description       string      `json:"description,omitempty" yaml:"description,omitempty"`
	Servers           []Server    `json:"servers" yaml:"servers"`
	LBAlgorithm       LBAlgorithm `json:"lb_algorithm,omitempty" yaml:"lb_algorithm,omitempty"` // default round robin
	HealthMonitorRefs []string    `json:"health_monitor_refs,omitempty" yaml:"health_monitor_refs,omitempty"`
}

// Server is one back-end server.
type Server struct {
	IP   netip.Addr `json:"ip" yaml:"ip"`
	Port uint16     `json:"port" yaml:"port"`
}

// LBAlgorithm is how a pool spreads flows.
type LBAlgorithm string

// The algorithms.
const (
	LBRoundRobin       LBAlgorithm = "LB_ALGORITHM_ROUND_ROBIN"
	LBLeastConnections LBAlgorithm = "LB_ALGORITHM_LEAST_CONNECTIONS"
	LBConsistentHash   LBAlgorithm = "LB_ALGORITHM_CONSISTENT_HASH"
)

// VirtualService is an address and port that clients use, and the pool behind it.
type VirtualService struct {
	Name       string     `json:"name" yaml:"name"`
	VIP        netip.Addr `json:"vip" yaml:"vip"`
	Port       uint16     `json:"port" yaml:"port"`
	PoolRef    string     `json:"pool_ref" yaml:"pool_ref"`
	SEGroupRef string     `json:"se_group_ref" yaml:"se_group_ref"`
	Disabled   bool       `json:"disabled,omitempty" yaml:"disabled,omitempty"`
}

// BackupConfiguration is when and how the configuration is backed up by schedule ("Configuration Backup and
// Restore"). There is at most one. The vendor keeps Interval and Enabled in an object of their own, a Scheduler.
type BackupConfiguration struct {
	Name string `json:"name" yaml:"name"`
	// BackupPassphrase encrypts the secrets in every scheduled backup; one on demand brings its own.
	BackupPassphrase string `json:"backup_passphrase,omitempty" yaml:"backup_passphrase,omitempty" secret:"true"`
	// SaveLocal keeps backups on the controller's own disk, the only place that there is.
	SaveLocal            bool     `json:"save_local,omitempty" yaml:"save_local,omitempty"`
	MaximumBackupsStored int      `json:"maximum_backups_stored,omitempty" yaml:"maximum_backups_stored,omitempty"` // the newest; default 4
	Interval             Duration `json:"interval,omitempty" yaml:"interval,omitempty"`                             // default 24h
	Enabled              bool     `json:"enabled,omitempty" yaml:"enabled,omitempty"`                               // default no
}
