package scenarios

import (
	"fmt"
	"net/netip"
	"slices"

	"firedrill/model/config"
)

// configuration applies the scenario's objects as the leader will, so that exactly what it would refuse is
// refused here.
func (v *validation) configuration() {
	paths := v.objectPaths()
	state := config.NewState()
	for i, object := range v.s.Config.Objects() {
		key := config.Key{Kind: object.Kind(), Name: object.ObjectName()}
		out := state.Apply(uint64(i+1), config.Change{Op: config.OpCreate, Key: key, Body: config.Encode(object)})
		switch out.Code {
		case config.CodeOK:
		case config.CodeAlreadyExists:
			v.check(false, paths[i]+".name", "there is a %s %q already", key.Kind, key.Name)
		default:
			v.platformError(paths[i], fmt.Sprintf("%s %s: ", key.Kind, key.Name), out.Error)
		}
	}
	v.groups()
	v.backends()
}

// objectPaths are the paths of what [Config.Objects] lists.
func (v *validation) objectPaths() []string {
	c := &v.s.Config
	var paths []string
	for _, list := range []struct {
		key   string
		count int
	}{
		{"clouds", len(c.Clouds)}, {"service_engine_groups", len(c.Groups)}, {"health_monitors", len(c.HealthMonitors)},
		{"pools", len(c.Pools)}, {"virtual_services", len(c.Services)},
	} {
		for i := range list.count {
			paths = append(paths, fmt.Sprintf("config.%s[%d]", list.key, i))
		}
	}
	return paths
}

// makes tells whether a cloud makes the engines that are missing.
func (v *validation) makes(cloud string) bool {
	return v.s.Topology.Cloud != nil && slices.ContainsFunc(v.s.Config.Clouds, func(c config.Cloud) bool {
		return c.Name == cloud && c.Access == config.WriteAccess
	})
}

// groups holds the topology against the groups that are configured.
func (v *validation) groups() {
	engines := make(map[string]int)
	for i, e := range v.s.Topology.Engines {
		engines[e.Group] = e.Count
		v.group(fmt.Sprintf("topology.engines[%d].group", i), e.Group)
	}
	for i, g := range v.s.Config.Groups {
		path := fmt.Sprintf("config.service_engine_groups[%d]", i)
		v.check(g.Name != leader, path+".name", "%q means the controllers' leader where failovers are counted; use another name", g.Name)
		n := engines[g.Name]
		v.check(g.HAMode != config.HAModeLegacyActiveStandby || n == 2 || n < 2 && v.makes(g.CloudRef), path+".name",
			"a group of %s has exactly 2 engines; topology.engines gives it %d", g.HAMode, n)
	}
}

// group checks that a service-engine group of that name is configured.
func (v *validation) group(path, name string) bool {
	_, ok := v.haMode(name)
	if !ok {
		v.check(false, path, "config.service_engine_groups has no group %q; %s", name, suggest(name, v.groupNames()))
	}
	return ok
}

func (v *validation) haMode(group string) (config.HAMode, bool) {
	for _, g := range v.s.Config.Groups {
		if g.Name == group {
			return g.HAMode, true
		}
	}
	return "", false
}

// backends checks that the servers of pools are there.
func (v *validation) backends() {
	servers := v.s.Topology.Servers
	for i, p := range v.s.Config.Pools {
		for j, b := range p.Servers {
			last := b.IP.As4()[3]
			v.check(serverNet.Contains(b.IP) && last >= 1 && int(last) <= servers, fmt.Sprintf("config.pools[%d].servers[%d].ip", i, j),
				"no server has the address %s; the %d servers of the topology are 198.19.1.1 and on", b.IP, servers)
		}
	}
}

// services checks the addresses that engines take over: they belong to the data network and to no node, and
// a floating address to one group.
func (v *validation) services() {
	owner := make(map[netip.Addr]string) // group by address
	for i, vs := range v.s.Config.Services {
		path := fmt.Sprintf("config.virtual_services[%d]", i)
		v.check(vs.Name != apiService, path+".name", "%q is the API itself; use another name", vs.Name)
		v.floating(path+".vip", vs.VIP)
		owner[vs.VIP] = vs.SEGroupRef
	}
	for i, g := range v.s.Config.Groups {
		for j, ip := range g.FloatingIPs {
			path := fmt.Sprintf("config.service_engine_groups[%d].floating_intf_ip[%d]", i, j)
			v.floating(path, ip)
			other, taken := owner[ip]
			v.check(!taken || other == g.Name, path, "%s belongs to group %s", ip, other)
			owner[ip] = g.Name
		}
	}
}

func (v *validation) floating(path string, ip netip.Addr) {
	v.check(DataNet.Contains(ip), path, "%s is not in the data network %s; use one such as 198.19.2.1", ip, DataNet)
	for _, r := range reserved {
		v.check(!r.net.Contains(ip), path, "%s is in %s, which belongs to %s; use one such as 198.19.2.1", ip, r.net, r.of)
	}
}
