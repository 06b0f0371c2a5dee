package config

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

// Objects that are valid; tests change one thing at a time. Each call returns a new one.
func validCluster() *Cluster {
	return &Cluster{Name: "lab", VirtualIP: ip("198.18.0.10"), Nodes: []ClusterNode{
		{"controller-1", ip("198.18.0.1")}, {"controller-2", ip("198.18.0.2")}, {"controller-3", ip("198.18.0.3")}}}
}

func validLegacy() *ServiceEngineGroup {
	return &ServiceEngineGroup{Name: "pair", HAMode: HAModeLegacyActiveStandby, FloatingIPs: []netip.Addr{ip("198.19.3.1"), ip("198.19.3.2")}}
}

func validElastic(mode HAMode) *ServiceEngineGroup {
	return &ServiceEngineGroup{Name: "many", HAMode: mode}
}

func validEngine() *ServiceEngine {
	return &ServiceEngine{Name: "engine-1", GroupRef: "pair", Management: ip("198.18.1.1"), Data: ip("198.19.0.11")}
}

func validMonitor() *HealthMonitor { return &HealthMonitor{Name: "http", Type: MonitorHTTP} }

func validPool() *Pool {
	return &Pool{Name: "web", HealthMonitorRefs: []string{"http"}, Servers: []Server{{ip("198.19.1.1"), 80}, {ip("198.19.1.2"), 80}}}
}

func validService() *VirtualService {
	return &VirtualService{Name: "web", VIP: ip("198.19.2.1"), Port: 80, PoolRef: "web", SEGroupRef: "pair"}
}

func validBackup() *BackupConfiguration {
	return &BackupConfiguration{Name: "daily", BackupPassphrase: "correct horse", SaveLocal: true, Enabled: true}
}

func validCloud() *Cloud {
	return &Cloud{Name: "lab", Access: WriteAccess, Username: "admin", Password: "battery staple"}
}

// but changes an object.
func but[T any](object *T, change func(*T)) *T {
	change(object)
	return object
}

// invalidObjects has for each field at least one value that is refused, and what the refusal says.
var invalidObjects = []struct {
	object      Object
	field, says string
}{
	{but(validCluster(), func(c *Cluster) { c.Name = "" }), "name", "is not a name"},
	{but(validCluster(), func(c *Cluster) { c.Nodes = append(c.Nodes, ClusterNode{"d", netip.MustParseAddr("198.18.0.19")}) }), "nodes", "4 nodes; a cluster has 1 or 3"},
	{but(validCluster(), func(c *Cluster) { c.Nodes[2].IP = netip.MustParseAddr("198.18.7.13") }), "virtual_ip", "is not in the subnet of"},
	{but(validCluster(), func(c *Cluster) { c.SubnetMask = 33 }), "subnet_mask", "33 is out of range; use 8 to 30"},
	{but(validCluster(), func(c *Cluster) { c.Nodes = nil }), "nodes", "0 nodes"},
	{but(validCluster(), func(c *Cluster) { c.Nodes[1].Name = "a/b" }), "nodes[1].name", "is not a name"},
	{but(validCluster(), func(c *Cluster) { c.Nodes[2].Name = "controller-1" }), "nodes[2].name", "used twice"},
	{but(validCluster(), func(c *Cluster) { c.Nodes[2].IP = c.Nodes[0].IP }), "nodes[2].ip", "used twice"},
	{but(validCluster(), func(c *Cluster) { c.Nodes[0].IP = netip.Addr{} }), "nodes[0].ip", "no address is set"},
	{but(validCluster(), func(c *Cluster) { c.VirtualIP = c.Nodes[1].IP }), "virtual_ip", "is the address of controller-2"},
	{but(validCluster(), func(c *Cluster) { c.VirtualIP = ip("::1") }), "virtual_ip", "unicast IPv4"},

	{&Cloud{Name: "a b", Access: NoAccess}, "name", "is not a name"},
	{&Cloud{Name: "lab"}, "access", "use one of NO_ACCESS, WRITE_ACCESS"},
	{but(validCloud(), func(c *Cloud) { c.Username = "" }), "username", "set both or neither"},
	{but(validCloud(), func(c *Cloud) { c.Username = "a\nb" }), "username", "it holds a control character"},
	{but(validCloud(), func(c *Cloud) { c.Username = strings.Repeat("a", 257) }), "username", "use at most 256 bytes"},
	{but(validCloud(), func(c *Cloud) { c.Username = "\xff" }), "username", "it is not UTF-8"},
	{but(validCloud(), func(c *Cloud) { c.Password = strings.Repeat("a", 1025) }), "password", "use at most 1024 bytes"},
	{but(validCloud(), func(c *Cloud) { c.Password = Redacted }), "password", "keeps the secret that is there, and there is none"},

	{but(validLegacy(), func(g *ServiceEngineGroup) { g.Name = strings.Repeat("a", 129) }), "name", "1 to 128"},
	{but(validLegacy(), func(g *ServiceEngineGroup) { g.CloudRef = "?" }), "cloud_ref", "is not a name"},
	{but(validLegacy(), func(g *ServiceEngineGroup) { g.HAMode = "" }), "ha_mode", "HA_MODE_SHARED"},
	{but(validLegacy(), func(g *ServiceEngineGroup) { g.FloatingIPs[1] = ip("224.0.0.1") }), "floating_intf_ip[1]", "unicast"},
	{but(validLegacy(), func(g *ServiceEngineGroup) { g.FloatingIPs[1] = g.FloatingIPs[0] }), "floating_intf_ip[1]", "repeats floating_intf_ip[0]"},
	{but(validLegacy(), func(g *ServiceEngineGroup) { g.HBFrequency = 1 }), "dp_hb_frequency", "1ns is too short"},
	{but(validLegacy(), func(g *ServiceEngineGroup) { g.HBTimeoutCount = 1 }), "dp_hb_timeout_count", "use 2 to 1000, or 0"},
	{but(validLegacy(), func(g *ServiceEngineGroup) { g.HBTimeoutCount = 1001 }), "dp_hb_timeout_count", "out of range"},
	{but(validLegacy(), func(g *ServiceEngineGroup) { g.MaxVSPerSE = -1 }), "max_vs_per_se", "out of range"},
	{but(validLegacy(), func(g *ServiceEngineGroup) { g.MaxSE = 3 }), "max_se", "exactly 2 engines"},
	{but(validLegacy(), func(g *ServiceEngineGroup) { g.MaxSE = 1001 }), "max_se", "out of range"},
	{but(validLegacy(), func(g *ServiceEngineGroup) { g.MinScaleoutPerVS = 2 }), "min_scaleout_per_vs", "does not scale out"},
	{but(validLegacy(), func(g *ServiceEngineGroup) { g.MaxScaleoutPerVS = 2 }), "max_scaleout_per_vs", "does not scale out"},
	{but(validLegacy(), func(g *ServiceEngineGroup) { g.MaxScaleoutPerVS = 65 }), "max_scaleout_per_vs", "use 0 to 64"},
	{but(validLegacy(), func(g *ServiceEngineGroup) { g.BufferSE = 1 }), "buffer_se", "has a standby instead"},
	{but(validLegacy(), func(g *ServiceEngineGroup) { g.Algo = "x" }), "algo", "PLACEMENT_ALGO_PACKED"},

	{but(validElastic(HAModeShared), func(g *ServiceEngineGroup) { g.FloatingIPs = []netip.Addr{ip("198.19.3.1")} }), "floating_intf_ip", "leave it unset"},
	{but(validElastic(HAModeShared), func(g *ServiceEngineGroup) { g.DistributeLoad = true }), "distribute_load_active_standby", "leave it unset"},
	{but(validElastic(HAModeShared), func(g *ServiceEngineGroup) { g.AutoRedistribute = true }), "auto_redistribute_active_standby_load", "leave it unset"},
	{but(validElastic(HAModeSharedPair), func(g *ServiceEngineGroup) { g.MinScaleoutPerVS = 1 }), "min_scaleout_per_vs", "at least 2 engines"},
	{but(validElastic(HAModeShared), func(g *ServiceEngineGroup) { g.MinScaleoutPerVS = 5 }), "min_scaleout_per_vs", "more than max_scaleout_per_vs, 4"},
	{but(validElastic(HAModeShared), func(g *ServiceEngineGroup) { g.MinScaleoutPerVS, g.MaxSE = 3, 2 }), "min_scaleout_per_vs", "more than max_se, 2"},
	{but(validElastic(HAModeShared), func(g *ServiceEngineGroup) { g.BufferSE = 10 }), "buffer_se", "no engine to serve"},

	{but(validEngine(), func(e *ServiceEngine) { e.Name = "" }), "name", "is not a name"},
	{but(validEngine(), func(e *ServiceEngine) { e.GroupRef = "" }), "se_group_ref", "is not a name"},
	{but(validEngine(), func(e *ServiceEngine) { e.Management = ip("0.0.0.0") }), "mgmt_ip", "unicast"},
	{but(validEngine(), func(e *ServiceEngine) { e.Data = ip("255.255.255.255") }), "data_ip", "unicast"},

	{but(validMonitor(), func(m *HealthMonitor) { m.Name = "é" }), "name", "is not a name"},
	{but(validMonitor(), func(m *HealthMonitor) { m.Type = "TCP" }), "type", "HEALTH_MONITOR_TCP"},
	{but(validMonitor(), func(m *HealthMonitor) { m.SendInterval = 1 }), "send_interval", "too short"},
	{but(validMonitor(), func(m *HealthMonitor) { m.ReceiveTimeout = 1 }), "receive_timeout", "too short"},
	{but(validMonitor(), func(m *HealthMonitor) { m.ReceiveTimeout = seconds(2) }), "receive_timeout", "longer than send_interval, 1s"},
	{but(validMonitor(), func(m *HealthMonitor) { m.SuccessfulChecks = 51 }), "successful_checks", "use 1 to 50"},
	{but(validMonitor(), func(m *HealthMonitor) { m.FailedChecks = -1 }), "failed_checks", "use 1 to 50"},
	{but(validMonitor(), func(m *HealthMonitor) { m.Type, m.HTTPPath = MonitorTCP, "/" }), "http_path", "HEALTH_MONITOR_HTTP has a path"},
	{but(validMonitor(), func(m *HealthMonitor) { m.HTTPPath = "health" }), "http_path", "does not begin with /"},
	{but(validMonitor(), func(m *HealthMonitor) { m.HTTPPath = "/a b" }), "http_path", "visible ASCII"},
	{but(validMonitor(), func(m *HealthMonitor) { m.HTTPPath = "/\r\nHost:x" }), "http_path", "visible ASCII"},

	{but(validPool(), func(p *Pool) { p.Name = "" }), "name", "is not a name"},
	{but(validPool(), func(p *Pool) { p.Servers[1].IP = netip.Addr{} }), "servers[1].ip", "no address is set"},
	{but(validPool(), func(p *Pool) { p.Servers[1].Port = 0 }), "servers[1].port", "use 1 to 65535"},
	{but(validPool(), func(p *Pool) { p.Servers[1] = p.Servers[0] }), "servers[1]", "repeats servers[0]"},
	{but(validPool(), func(p *Pool) { p.HealthMonitorRefs[0] = "" }), "health_monitor_refs[0]", "is not a name"},
	{but(validPool(), func(p *Pool) { p.HealthMonitorRefs = []string{"a", "b", "a"} }), "health_monitor_refs[2]", "repeats health_monitor_refs[0]"},
	{but(validPool(), func(p *Pool) { p.LBAlgorithm = "x" }), "lb_algorithm", "LB_ALGORITHM_ROUND_ROBIN"},

	{but(validService(), func(s *VirtualService) { s.Name = "" }), "name", "is not a name"},
	{but(validService(), func(s *VirtualService) { s.VIP = ip("fe80::1") }), "vip", "unicast IPv4"},
	{but(validService(), func(s *VirtualService) { s.Port = 0 }), "port", "use 1 to 65535"},
	{but(validService(), func(s *VirtualService) { s.PoolRef = "" }), "pool_ref", "is not a name"},
	{but(validService(), func(s *VirtualService) { s.SEGroupRef = "" }), "se_group_ref", "is not a name"},

	{but(validBackup(), func(b *BackupConfiguration) { b.Name = "" }), "name", "is not a name"},
	{but(validBackup(), func(b *BackupConfiguration) { b.BackupPassphrase = "" }), "backup_passphrase", "too short; use 8"},
	{but(validBackup(), func(b *BackupConfiguration) { b.Enabled, b.BackupPassphrase = false, "1234567" }), "backup_passphrase", "too short; use 8"},
	{but(validBackup(), func(b *BackupConfiguration) { b.BackupPassphrase = Redacted }), "backup_passphrase", "there is none"},
	{but(validBackup(), func(b *BackupConfiguration) { b.BackupPassphrase = "1234567\x00" }), "backup_passphrase", "a control character"},
	{but(validBackup(), func(b *BackupConfiguration) { b.MaximumBackupsStored = -1 }), "maximum_backups_stored", "use 1 to 100"},
	{but(validBackup(), func(b *BackupConfiguration) { b.MaximumBackupsStored = 101 }), "maximum_backups_stored", "use 1 to 100"},
	{but(validBackup(), func(b *BackupConfiguration) { b.Interval = millis(999) }), "interval", "use 1s or more"},
	{but(validBackup(), func(b *BackupConfiguration) { b.SaveLocal = false }), "save_local", "have no place"},
}

func TestInvalid(t *testing.T) {
	for _, c := range invalidObjects {
		var field *FieldError
		if err := c.object.Validate(); !errors.As(err, &field) || field.Field != c.field || !strings.Contains(field.Problem, c.says) || field.Kind != c.object.Kind() {
			t.Errorf("%s: got %v, want %s and %q", Encode(c.object), err, c.field, c.says)
		}
	}
}

func TestValid(t *testing.T) {
	for _, o := range []Object{
		validCluster(), but(validCluster(), func(c *Cluster) { c.Nodes, c.VirtualIP = c.Nodes[:1], netip.Addr{} }),
		&Cloud{Name: "lab", Access: WriteAccess},
		validLegacy(), but(validLegacy(), func(g *ServiceEngineGroup) { g.MaxSE, g.MinScaleoutPerVS, g.MaxScaleoutPerVS = 2, 1, 1 }),
		validElastic(HAModeShared), validElastic(HAModeSharedPair),
		but(validElastic(HAModeShared), func(g *ServiceEngineGroup) { g.MinScaleoutPerVS, g.MaxScaleoutPerVS, g.MaxSE = 64, 64, 64 }),
		validEngine(), validMonitor(), but(validMonitor(), func(m *HealthMonitor) { m.SendInterval = shortest }),
		validPool(), &Pool{Name: "empty"},
		but(validPool(), func(p *Pool) { p.Servers[1].IP = p.Servers[0].IP; p.Servers[1].Port = 81 }),
		validService(), validCloud(), but(validCloud(), func(c *Cloud) { c.Password = "" }),
		validBackup(), &BackupConfiguration{Name: "idle"},
		but(validBackup(), func(b *BackupConfiguration) { b.MaximumBackupsStored, b.Interval = 100, seconds(1) }),
	} {
		if err := o.Validate(); err != nil {
			t.Errorf("%s: %v", Encode(o), err)
		}
	}
}

// TestDefaults: the vendor's, as documented.
func TestDefaults(t *testing.T) {
	for _, c := range []struct {
		mode HAMode
		want ServiceEngineGroup
	}{
		{HAModeShared, ServiceEngineGroup{MaxVSPerSE: 10, MaxSE: 10, MinScaleoutPerVS: 1, MaxScaleoutPerVS: 4, BufferSE: 1, Algo: PlacementPacked, ScaleinTimeout: seconds(30)}},
		{HAModeSharedPair, ServiceEngineGroup{MaxVSPerSE: 10, MaxSE: 10, MinScaleoutPerVS: 2, MaxScaleoutPerVS: 4, BufferSE: 1, Algo: PlacementDistributed, ScaleinTimeout: seconds(30)}},
		{HAModeLegacyActiveStandby, ServiceEngineGroup{MaxVSPerSE: 10, MaxSE: 2, MinScaleoutPerVS: 1, MaxScaleoutPerVS: 1, Algo: PlacementPacked,
			GatewayInterval: seconds(1), GatewayFailThreshold: 10, GatewaySuccessThreshold: 15}},
	} {
		c.want.HAMode = c.mode
		if got := (ServiceEngineGroup{HAMode: c.mode}).WithDefaults(); string(Encode(&got)) != string(Encode(&c.want)) {
			t.Errorf("%s\ngot  %s\nwant %s", c.mode, Encode(&got), Encode(&c.want))
		}
	}
	quick := HealthMonitor{SendInterval: millis(100)}.WithDefaults()
	if want := (HealthMonitor{SendInterval: millis(100), ReceiveTimeout: millis(100), SuccessfulChecks: 2, FailedChecks: 2, HTTPPath: "/"}); quick != want {
		t.Errorf("got %+v, want %+v", quick, want)
	}
	if got, want := (BackupConfiguration{}).WithDefaults(), (BackupConfiguration{MaximumBackupsStored: 4, Interval: seconds(24 * 3600)}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := (Pool{}).WithDefaults().LBAlgorithm; got != LBRoundRobin {
		t.Errorf("a pool balances by %s", got)
	}
}
