package cloud

import (
	"bytes"

	"firedrill/model/wire"
)

// inventory is what a cluster is shown: all hosts, and its own engines.
func (c *Cloud) inventory(cluster string) *wire.CloudInventory {
	c.serial++
	out := &wire.CloudInventory{Version: c.state.Lives<<32 | c.serial, Images: c.cfg.Images}
	for _, h := range c.hypervisor.Hosts() {
		out.Hosts = append(out.Hosts, &wire.CloudHost{Name: h.Name, Rack: h.Rack, Down: h.Down, Free: uint32(max(0, h.Free)), Maintenance: h.Maintenance})
	}
	there := c.hypervisor.Machines()
	for _, m := range c.state.Machines {
		if m.Cluster != cluster {
			continue
		}
		state := Missing
		if x := find(there, m.Name); x != nil {
			state = x.State
		}
		out.Instances = append(out.Instances, &wire.CloudInstance{Name: m.Name, Group: m.Group, Host: m.Host, State: string(state)})
	}
	return out
}

// report tells those who asked last what has changed since.
func (c *Cloud) report() {
	for i := range c.listeners {
		l := &c.listeners[i]
		now := c.inventory(l.cluster)
		version := now.Version
		now.Version = 0
		body, err := now.MarshalVT()
		if err != nil {
			panic("cloud: a message of our own cannot be marshalled: " + err.Error())
		}
		if bytes.Equal(body, l.told) {
			continue
		}
		l.told, now.Version = body, version
		c.env.Send(l.address, c.voice.Encode(l.address, &wire.Envelope_CloudReport{CloudReport: &wire.CloudReport{Inventory: now}}))
	}
}
