package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// FieldError says which field of an object is wrong, and what would be right.
type FieldError struct {
	Kind    Kind
	Name    string
	Field   string // as in JSON, such as servers[1].port
	Problem string
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("%s %s: %s: %s", e.Kind, e.Name, e.Field, e.Problem)
}

// validator gathers the first problem of an object.
type validator struct {
	object Object
	err    *FieldError
}

func (v *validator) check(ok bool, field, format string, args ...any) {
	if !ok && v.err == nil {
		v.err = &FieldError{v.object.Kind(), v.object.ObjectName(), field, fmt.Sprintf(format, args...)}
	}
}

// result is a nil error, rather than a nil *FieldError in an error, when all is well.
func (v *validator) result() error {
	if v.err == nil {
		return nil
	}
	return v.err
}

const nameChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

func validName(s string) bool {
	return s != "" && len(s) <= 128 && strings.Trim(s, nameChars) == ""
}

func (v *validator) name(field, s string) {
	v.check(validName(s), field, "%q is not a name; use 1 to 128 letters, digits, dots, dashes and underscores", s)
}

func (v *validator) optionalName(field, s string) {
	if s != "" {
		v.name(field, s)
	}
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

func (v *validator) address(field string, a netip.Addr) {
	v.check(a.IsValid(), field, "no address is set; use an IPv4 address, such as 198.18.0.10")
	v.check(a.Is4() && !a.IsUnspecified() && !a.IsMulticast() && a != broadcast, field, "%s is not a unicast IPv4 address", a)
}

func (v *validator) port(field string, p uint16) {
	v.check(p != 0, field, "0 is not a port; use 1 to 65535")
}

func (v *validator) between(field string, value, least, most int) {
	v.check(value >= least && value <= most, field, "%d is out of range; use %d to %d", value, least, most)
}

// enum accepts the listed values, and the empty one where optional.
func enum[T ~string](v *validator, field string, value T, optional bool, all ...T) {
	v.check(slices.Contains(all, value) || optional && value == "", field, "%q is unknown; use one of %s", value, oneOf(all))
}

// item names one item of a list, as in JSON.
func item(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

// unique refuses a list that holds an item twice.
func unique[T comparable](v *validator, field string, list []T) {
	seen := make(map[T]int, len(list))
	for i, x := range list {
		if first, twice := seen[x]; twice {
			v.check(false, item(field, i), "repeats %s", item(field, first))
			return
		}
		seen[x] = i
	}
}

// interval accepts zero, which takes a default.
func (v *validator) interval(field string, d Duration) {
	v.check(d == 0 || d >= shortest, field, "%v is too short; use %v or more", d, shortest)
}

// Kind implements [Object].
func (*Cluster) Kind() Kind { return KindCluster }

// ObjectName implements [Object].
func (c *Cluster) ObjectName() string { return c.Name }

// References implements [Object].
func (*Cluster) References() []Key { return nil }

// Validate implements [Object]: one controller or three ("High Availability for Avi Controllers"), two while one is
// replaced; and a cluster IP that is nobody's own address, in one subnet with all nodes ("Controller Cluster IP").
func (c *Cluster) Validate() error {
	v := &validator{object: c}
	v.name("name", c.Name)
	v.check(len(c.Nodes) >= 1 && len(c.Nodes) <= 3, "nodes", "%d nodes; a cluster has 1 or 3, and 2 while it is being changed", len(c.Nodes))
	for i, n := range c.Nodes {
		field := item("nodes", i)
		v.name(field+".name", n.Name)
		v.address(field+".ip", n.IP)
		for _, o := range c.Nodes[:min(i, 3)] {
			v.check(o.Name != n.Name, field+".name", "%q is used twice", n.Name)
			v.check(o.IP != n.IP, field+".ip", "%s is used twice", n.IP)
		}
		v.check(n.IP != c.VirtualIP, "virtual_ip", "%s is the address of %s; use a free one", c.VirtualIP, n.Name)
	}
	v.check(c.SubnetMask == 0 || c.SubnetMask >= 8 && c.SubnetMask <= 30, "subnet_mask", "%d is out of range; use 8 to 30, or 0 for 24", c.SubnetMask)
	if c.VirtualIP.IsValid() {
		v.address("virtual_ip", c.VirtualIP)
		c.oneSubnet(v)
	}
	return v.result()
}

// oneSubnet holds the nodes to the subnet of the cluster IP: a gratuitous ARP reaches no other.
func (c *Cluster) oneSubnet(v *validator) {
	if v.err != nil {
		return
	}
	subnet := netip.PrefixFrom(c.VirtualIP, cmp.Or(c.SubnetMask, 24)).Masked()
	for _, n := range c.Nodes {
		v.check(subnet.Contains(n.IP), "virtual_ip", "%s is not in the subnet of %s at %s; nodes in different networks share no cluster IP", c.VirtualIP, n.Name, n.IP)
	}
}

// Kind implements [Object].
func (*Cloud) Kind() Kind { return KindCloud }

// ObjectName implements [Object].
func (c *Cloud) ObjectName() string { return c.Name }

// References implements [Object].
func (*Cloud) References() []Key { return nil }

// Validate implements [Object].
func (c *Cloud) Validate() error {
	v := &validator{object: c}
	v.name("name", c.Name)
	enum(v, "access", c.Access, false, NoAccess, WriteAccess)
	if c.Management.IsValid() {
		v.address("mgmt_ip", c.Management)
	}
	v.text("username", c.Username)
	v.secret("password", c.Password)
	v.check(c.Username != "" || c.Password == "", "username", "none is set, but there is a password; set both or neither")
	return v.result()
}

// Kind implements [Object].
func (*ServiceEngineGroup) Kind() Kind { return KindServiceEngineGroup }

// ObjectName implements [Object].
func (g *ServiceEngineGroup) ObjectName() string { return g.Name }

// References implements [Object].
func (g *ServiceEngineGroup) References() []Key {
	if g.CloudRef == "" {
		return nil
	}
	return []Key{{KindCloud, g.CloudRef}}
}

// WithDefaults returns the group with every unset field at the vendor's default for its HA mode: 1 to 4 engines
// for a service, or 2 to 4 and fresh engines first where every service runs active/active ("Elastic HA for Avi
// Service Engines"), or exactly one of two ("Legacy HA for Avi Service Engines"). The heartbeats on the data
// network stay unset: their defaults are in the profile.
func (g ServiceEngineGroup) WithDefaults() ServiceEngineGroup {
	scaleout, algo := 1, PlacementPacked
	switch g.HAMode {
	case HAModeLegacyActiveStandby:
		g.MaxSE, g.MinScaleoutPerVS, g.MaxScaleoutPerVS = 2, 1, 1
		g.GatewayInterval = cmp.Or(g.GatewayInterval, seconds(1))
		g.GatewayFailThreshold = cmp.Or(g.GatewayFailThreshold, 10)
		g.GatewaySuccessThreshold = cmp.Or(g.GatewaySuccessThreshold, 15)
	case HAModeSharedPair:
		scaleout, algo = 2, PlacementDistributed
		fallthrough
	default:
		g.BufferSE = cmp.Or(g.BufferSE, 1)
		g.ScaleinTimeout = cmp.Or(g.ScaleinTimeout, seconds(30))
	}
	g.MaxVSPerSE = cmp.Or(g.MaxVSPerSE, 10)
	g.MaxSE = cmp.Or(g.MaxSE, 10)
	g.MinScaleoutPerVS = cmp.Or(g.MinScaleoutPerVS, scaleout)
	g.MaxScaleoutPerVS = cmp.Or(g.MaxScaleoutPerVS, 4)
	g.Algo = cmp.Or(g.Algo, algo)
	return g
}

// Validate implements [Object].
func (g *ServiceEngineGroup) Validate() error {
	v := &validator{object: g}
	v.name("name", g.Name)
	v.optionalName("cloud_ref", g.CloudRef)
	enum(v, "ha_mode", g.HAMode, false, HAModeShared, HAModeSharedPair, HAModeLegacyActiveStandby)
	v.interval("dp_hb_frequency", g.HBFrequency)
	v.check(g.HBTimeoutCount == 0 || g.HBTimeoutCount >= 2 && g.HBTimeoutCount <= mostBeats, "dp_hb_timeout_count",
		"%d is out of range; use 2 to %d, or 0 for the profile's", g.HBTimeoutCount, mostBeats)
	v.between("max_vs_per_se", g.MaxVSPerSE, 0, 1000)
	v.between("max_se", g.MaxSE, 0, 1000)
	v.between("min_scaleout_per_vs", g.MinScaleoutPerVS, 0, 64)
	v.between("max_scaleout_per_vs", g.MaxScaleoutPerVS, 0, 64)
	v.between("buffer_se", g.BufferSE, 0, 1000)
	enum(v, "algo", g.Algo, true, PlacementPacked, PlacementDistributed)
	g.validateHosts(v)
	if g.HAMode == HAModeLegacyActiveStandby {
		g.validateLegacy(v)
	} else {
		g.validateElastic(v)
	}
	return v.result()
}

// validateHosts checks what engines of the group are called and where they may be.
func (g *ServiceEngineGroup) validateHosts(v *validator) {
	v.optionalName("se_name_prefix", g.NamePrefix)
	v.check(len(g.NamePrefix) <= 64, "se_name_prefix", "%d bytes are too long; use at most 64", len(g.NamePrefix))
	for _, list := range []struct {
		field string
		hosts []string
	}{{"host_include", g.HostInclude}, {"host_exclude", g.HostExclude}} {
		for i, h := range list.hosts {
			v.name(item(list.field, i), h)
		}
		unique(v, list.field, list.hosts)
	}
	for i, h := range g.HostExclude {
		v.check(!slices.Contains(g.HostInclude, h), item("host_exclude", i), "%q is in host_include too", h)
	}
}

// validateLegacy holds a group to exactly two engines and no scale-out ("Legacy HA for Avi Service Engines").
func (g *ServiceEngineGroup) validateLegacy(v *validator) {
	for i, ip := range g.FloatingIPs {
		v.address(item("floating_intf_ip", i), ip)
	}
	unique(v, "floating_intf_ip", g.FloatingIPs)
	for i, ip := range g.GatewayMon {
		v.address(item("gateway_mon", i), ip)
	}
	unique(v, "gateway_mon", g.GatewayMon)
	v.check(len(g.GatewayMon) <= 8, "gateway_mon", "%d gateways; at most 8 are monitored", len(g.GatewayMon))
	v.interval("gateway_monitor_interval", g.GatewayInterval)
	v.between("gateway_monitor_fail_threshold", g.GatewayFailThreshold, 0, mostBeats)
	v.between("gateway_monitor_success_threshold", g.GatewaySuccessThreshold, 0, mostBeats)
	v.check(g.MaxSE == 0 || g.MaxSE == 2, "max_se", "%d, but a group of %s has exactly 2 engines; use 2 or leave it unset", g.MaxSE, g.HAMode)
	v.check(g.MinScaleoutPerVS <= 1, "min_scaleout_per_vs", "%d, but a group of %s does not scale out; use 1 or leave it unset", g.MinScaleoutPerVS, g.HAMode)
	v.check(g.MaxScaleoutPerVS <= 1, "max_scaleout_per_vs", "%d, but a group of %s does not scale out; use 1 or leave it unset", g.MaxScaleoutPerVS, g.HAMode)
	v.check(g.ScaleinTimeout == 0, "vs_scalein_timeout", "a group of %s does not scale in; leave it unset", g.HAMode)
	v.check(g.BufferSE == 0, "buffer_se", "%d, but a group of %s has a standby instead; leave it unset", g.BufferSE, g.HAMode)
	v.check(!g.AutoRebalance, "auto_rebalance", "a group of %s has nothing to balance; leave it unset", g.HAMode)
}

// validateElastic refuses what only a legacy group has, and numbers that leave a service no room.
func (g *ServiceEngineGroup) validateElastic(v *validator) {
	const legacyOnly = "only a group of %s has it; leave it unset"
	v.check(len(g.FloatingIPs) == 0, "floating_intf_ip", legacyOnly, HAModeLegacyActiveStandby)
	v.check(!g.DistributeLoad, "distribute_load_active_standby", legacyOnly, HAModeLegacyActiveStandby)
	v.check(!g.AutoRedistribute, "auto_redistribute_active_standby_load", legacyOnly, HAModeLegacyActiveStandby)
	v.check(g.HMOnStandby == nil, "hm_on_standby", legacyOnly, HAModeLegacyActiveStandby)
	v.check(len(g.GatewayMon) == 0, "gateway_mon", legacyOnly, HAModeLegacyActiveStandby)
	v.check(g.GatewayInterval == 0, "gateway_monitor_interval", legacyOnly, HAModeLegacyActiveStandby)
	v.check(g.GatewayFailThreshold == 0, "gateway_monitor_fail_threshold", legacyOnly, HAModeLegacyActiveStandby)
	v.check(g.GatewaySuccessThreshold == 0, "gateway_monitor_success_threshold", legacyOnly, HAModeLegacyActiveStandby)
	v.check(g.ScaleinTimeout >= 0 && g.ScaleinTimeout <= seconds(300), "vs_scalein_timeout", "%v is out of range; use at most 5m, or 0 for 30s", g.ScaleinTimeout)
	d := g.WithDefaults()
	v.check(g.HAMode != HAModeSharedPair || d.MinScaleoutPerVS >= 2, "min_scaleout_per_vs",
		"%d, but in a group of %s a service runs on at least 2 engines; use 2 or leave it unset", d.MinScaleoutPerVS, g.HAMode)
	v.check(d.MinScaleoutPerVS <= d.MaxScaleoutPerVS, "min_scaleout_per_vs", "%d is more than max_scaleout_per_vs, %d", d.MinScaleoutPerVS, d.MaxScaleoutPerVS)
	v.check(d.MinScaleoutPerVS <= d.MaxSE, "min_scaleout_per_vs", "%d is more than max_se, %d", d.MinScaleoutPerVS, d.MaxSE)
	v.check(g.BufferSE < d.MaxSE, "buffer_se", "%d leaves no engine to serve; use less than max_se, %d", g.BufferSE, d.MaxSE)
}

// Kind implements [Object].
func (*ServiceEngine) Kind() Kind { return KindServiceEngine }

// ObjectName implements [Object].
func (e *ServiceEngine) ObjectName() string { return e.Name }

// References implements [Object].
func (e *ServiceEngine) References() []Key {
	keys := []Key{{KindServiceEngineGroup, e.GroupRef}}
	if e.CloudRef != "" {
		keys = append(keys, Key{KindCloud, e.CloudRef})
	}
	return keys
}

// Validate implements [Object].
func (e *ServiceEngine) Validate() error {
	v := &validator{object: e}
	v.name("name", e.Name)
	enum(v, "oper_state", e.State, true, EngineCreating, EngineDeleting)
	v.name("se_group_ref", e.GroupRef)
	if e.State == "" || e.Management.IsValid() || e.Data.IsValid() {
		v.address("mgmt_ip", e.Management)
		v.address("data_ip", e.Data)
	}
	v.optionalName("host_ref", e.Host)
	v.optionalName("cloud_ref", e.CloudRef)
	v.check(e.State == "" || e.CloudRef != "", "cloud_ref", "an engine of %s has a cloud that is asked", e.State)
	return v.result()
}

// Kind implements [Object].
func (*HealthMonitor) Kind() Kind { return KindHealthMonitor }

// ObjectName implements [Object].
func (m *HealthMonitor) ObjectName() string { return m.Name }

// References implements [Object].
func (*HealthMonitor) References() []Key { return nil }

// WithDefaults returns the monitor with every unset field at its default. A short interval shortens the
// default timeout, since one check ends before the next begins.
func (m HealthMonitor) WithDefaults() HealthMonitor {
	m.SendInterval = cmp.Or(m.SendInterval, seconds(1))
	m.ReceiveTimeout = cmp.Or(m.ReceiveTimeout, min(millis(500), m.SendInterval))
	m.SuccessfulChecks = cmp.Or(m.SuccessfulChecks, 2)
	m.FailedChecks = cmp.Or(m.FailedChecks, 2)
	m.HTTPPath = cmp.Or(m.HTTPPath, "/")
	return m
}

// Validate implements [Object].
func (m *HealthMonitor) Validate() error {
	v := &validator{object: m}
	v.name("name", m.Name)
	enum(v, "type", m.Type, false, MonitorTCP, MonitorHTTP, MonitorPing)
	d := m.WithDefaults()
	v.interval("send_interval", m.SendInterval)
	v.interval("receive_timeout", m.ReceiveTimeout)
	v.check(d.ReceiveTimeout <= d.SendInterval, "receive_timeout", "%v is longer than send_interval, %v", d.ReceiveTimeout, d.SendInterval)
	v.between("successful_checks", d.SuccessfulChecks, 1, 50)
	v.between("failed_checks", d.FailedChecks, 1, 50)
	v.check(m.HTTPPath == "" || m.Type == MonitorHTTP, "http_path", "only a monitor of %s has a path", MonitorHTTP)
	v.check(d.HTTPPath[0] == '/', "http_path", "%q does not begin with /", d.HTTPPath)
	v.check(!strings.ContainsFunc(d.HTTPPath, notInPath), "http_path", "%q holds more than visible ASCII; write other characters as %%XX", d.HTTPPath)
	return v.result()
}

// notInPath is what would end or break the request line of a check (RFC 9112, section 3).
func notInPath(r rune) bool { return r <= ' ' || r > '~' }

// Kind implements [Object].
func (*Pool) Kind() Kind { return KindPool }

// ObjectName implements [Object].
func (p *Pool) ObjectName() string { return p.Name }

// References implements [Object].
func (p *Pool) References() []Key {
	keys := make([]Key, len(p.HealthMonitorRefs))
	for i, r := range p.HealthMonitorRefs {
		keys[i] = Key{KindHealthMonitor, r}
	}
	return keys
}

// WithDefaults returns the pool with every unset field at its default.
func (p Pool) WithDefaults() Pool {
	p.LBAlgorithm = cmp.Or(p.LBAlgorithm, LBRoundRobin)
	return p
}

// Validate implements [Object]. A pool without servers is valid: its services refuse their clients.
func (p *Pool) Validate() error {
	v := &validator{object: p}
	v.name("name", p.Name)
	v.check(len(p.Description) <= 1024, "description", "%d bytes are too long; use at most 1024", len(p.Description))
	for i, s := range p.Servers {
		field := item("servers", i)
		v.address(field+".ip", s.IP)
		v.port(field+".port", s.Port)
	}
	unique(v, "servers", p.Servers)
	for i, r := range p.HealthMonitorRefs {
		v.name(item("health_monitor_refs", i), r)
	}
	unique(v, "health_monitor_refs", p.HealthMonitorRefs)
	enum(v, "lb_algorithm", p.LBAlgorithm, true, LBRoundRobin, LBLeastConnections, LBConsistentHash)
	return v.result()
}

// Kind implements [Object].
func (*VirtualService) Kind() Kind { return KindVirtualService }

// ObjectName implements [Object].
func (s *VirtualService) ObjectName() string { return s.Name }

// References implements [Object].
func (s *VirtualService) References() []Key {
	return []Key{{KindPool, s.PoolRef}, {KindServiceEngineGroup, s.SEGroupRef}}
}

// Validate implements [Object].
func (s *VirtualService) Validate() error {
	v := &validator{object: s}
	v.name("name", s.Name)
	v.address("vip", s.VIP)
	v.port("port", s.Port)
	v.name("pool_ref", s.PoolRef)
	v.name("se_group_ref", s.SEGroupRef)
	return v.result()
}
