package scenarios

import (
	"fmt"
	"slices"
	"time"
)

// mostSlots is how many engines a host may have room for.
const mostSlots = 1000

// cloud checks the cloud that makes engines while the run goes on.
func (v *validation) cloud() {
	c := v.s.Topology.Cloud
	for i, o := range v.s.Config.Clouds {
		v.check(!o.Management.IsValid() || c != nil && o.Management == CloudIP(1), fmt.Sprintf("config.clouds[%d].mgmt_ip", i),
			"%s is nobody's; topology.cloud puts a management at %s, and then this may be left out", o.Management, CloudIP(1))
	}
	if c == nil {
		return
	}
	v.check(len(c.Hosts) > 0, "topology.cloud.hosts", "the cloud has no hosts; name some, such as {name: host-a, slots: 2}")
	for i, h := range c.Hosts {
		path := fmt.Sprintf("topology.cloud.hosts[%d]", i)
		v.name(path+".name", h.Name)
		v.check(!slices.ContainsFunc(c.Hosts[:i], func(o CloudHost) bool { return o.Name == h.Name }), path+".name", "host %q is listed twice", h.Name)
		if h.Rack != "" {
			v.name(path+".rack", h.Rack)
		}
		rack := v.s.Topology.HostRack(h.Name)
		v.check(h.Rack == "" || h.Rack == rack, path+".rack", "topology.hosts has %s in rack %q", h.Name, rack)
		v.between(path+".slots", h.Slots, 1, mostSlots)
	}
	v.span("topology.cloud.boot", c.Boot, longestDelay)
	v.check(c.Fails <= Whole, "topology.cloud.fails", "%v is more than everything", c.Fails)
	v.duration("topology.cloud.notices", c.Notices, 10*time.Millisecond, longestDelay)
}
