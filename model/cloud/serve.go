package cloud

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"firedrill/model"
	"firedrill/model/wire"
)

// serve answers a leader. What is on the disk comes first, then the machine, then the answer: whoever was answered can
// rely on it.
func (c *Cloud) serve(from netip.Addr, r *wire.CloudRequest) {
	c.tellAsked(r)
	answer := &wire.CloudResponse{Id: r.Id}
	var err error
	answer.Status, answer.Error, err = c.do(from, r)
	if err != nil {
		c.fail(err)
		return
	}
	if answer.Status != wire.CloudStatus_CLOUD_REFUSED && answer.Status != wire.CloudStatus_CLOUD_DEPOSED {
		answer.Inventory = c.inventory(r.Cluster)
	}
	c.env.Send(from, c.voice.Encode(from, &wire.Envelope_CloudResponse{CloudResponse: answer}))
}

// tellAsked says what is asked for: a cloud bears so many requests, and who sends more is shut out.
func (c *Cloud) tellAsked(r *wire.CloudRequest) {
	c.env.Emit(model.Event{Kind: model.EventAsked, Unit: operations[r.Operation], Peer: r.Instance.GetName(), Term: r.Term, Index: r.Id, Detail: r.Instance.GetGroup()})
}

var operations = map[wire.CloudOperation]string{
	wire.CloudOperation_CLOUD_LIST:   "list",
	wire.CloudOperation_CLOUD_CREATE: "create",
	wire.CloudOperation_CLOUD_DELETE: "delete",
	wire.CloudOperation_CLOUD_REBOOT: "reboot",
}

func (c *Cloud) do(from netip.Addr, r *wire.CloudRequest) (wire.CloudStatus, string, error) {
	if r.Username != c.cfg.Username || r.Password != c.cfg.Password {
		return wire.CloudStatus_CLOUD_REFUSED, "the user is unknown, or the password is wrong", nil
	}
	if follows, err := c.follows(r.Cluster, r.Term); err != nil || !follows {
		return wire.CloudStatus_CLOUD_DEPOSED, fmt.Sprintf("a later leader than that of term %d has asked", r.Term), err
	}
	c.listen(r.Cluster, from)
	if r.Operation == wire.CloudOperation_CLOUD_LIST {
		return wire.CloudStatus_CLOUD_OK, "", nil
	}
	if r.Instance == nil || r.Instance.Name == "" {
		return wire.CloudStatus_CLOUD_INVALID, "no engine is named", nil
	}
	m := c.machine(r.Instance.Name)
	if m != nil && m.Cluster != r.Cluster {
		return wire.CloudStatus_CLOUD_INVALID, m.Name + " belongs to another cluster", nil
	}
	switch r.Operation {
	case wire.CloudOperation_CLOUD_CREATE:
		return c.create(r)
	case wire.CloudOperation_CLOUD_DELETE:
		return c.delete(r.Instance.Name)
	case wire.CloudOperation_CLOUD_REBOOT:
		if m == nil {
			return wire.CloudStatus_CLOUD_INVALID, r.Instance.Name + " does not exist", nil
		}
		c.hypervisor.Reboot(m.Name)
		return wire.CloudStatus_CLOUD_OK, "", nil
	}
	return wire.CloudStatus_CLOUD_INVALID, "the operation is unknown", nil
}

// listen remembers whom to report to.
func (c *Cloud) listen(cluster string, from netip.Addr) {
	i := slices.IndexFunc(c.listeners, func(o caller) bool { return o.cluster == cluster })
	if i < 0 {
		i = len(c.listeners)
		c.listeners = append(c.listeners, caller{cluster: cluster})
	}
	c.listeners[i].address = from
}

// create makes an engine, once for its name.
func (c *Cloud) create(r *wire.CloudRequest) (wire.CloudStatus, string, error) {
	name := r.Instance.Name
	switch {
	case c.machine(name) != nil:
		return wire.CloudStatus_CLOUD_OK, "", nil
	case slices.Contains(c.state.Gone, name):
		return wire.CloudStatus_CLOUD_GONE, name + " was deleted; use another name", nil
	}
	m := Machine{Name: name, Cluster: r.Cluster, Group: r.Instance.Group, Image: r.Instance.Image}
	if m.Image == "" && len(c.cfg.Images) > 0 {
		m.Image = c.cfg.Images[0]
	}
	if m.Image != "" && !slices.Contains(c.cfg.Images, m.Image) {
		return wire.CloudStatus_CLOUD_INVALID, "there is no image of " + m.Image, nil
	}
	for _, text := range r.Controllers {
		if a, err := netip.ParseAddr(text); err == nil {
			m.Controllers = append(m.Controllers, a)
		}
	}
	if m.Host = c.choose(r.Instance.Host); m.Host == "" {
		return wire.CloudStatus_CLOUD_NO_CAPACITY, noRoom(r.Instance.Host), nil
	}
	if err := c.add(m); err != nil {
		return 0, "", err
	}
	c.hypervisor.Build(m)
	return wire.CloudStatus_CLOUD_OK, "", nil
}

func noRoom(host string) string {
	if host == "" {
		return "no host has room"
	}
	return host + " has no room, or is down"
}

// choose finds a host with room: the one that is asked for, or the emptiest.
func (c *Cloud) choose(wanted string) string {
	hosts := slices.DeleteFunc(slices.Clone(c.hypervisor.Hosts()), func(h Host) bool {
		return h.Down || h.Maintenance || h.Free <= 0 || wanted != "" && h.Name != wanted
	})
	if len(hosts) == 0 {
		return ""
	}
	return slices.MaxFunc(hosts, func(a, b Host) int { return cmp.Or(cmp.Compare(a.Free, b.Free), cmp.Compare(b.Name, a.Name)) }).Name
}

// delete ends an engine. After a crash in the middle of it, the machine is one that the disk does not know.
func (c *Cloud) delete(name string) (wire.CloudStatus, string, error) {
	if err := c.remove(name); err != nil {
		return 0, "", err
	}
	c.hypervisor.Destroy(name)
	return wire.CloudStatus_CLOUD_OK, "", nil
}
