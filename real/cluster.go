package real

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"time"

	"github.com/moby/moby/api/types/network"
	tcnetwork "github.com/testcontainers/testcontainers-go/network"

	"firedrill/real/node"
	"firedrill/scenarios"
)

// slots is how many runs this machine can play at once. A slot is three networks of the container engine; which of them
// is free is decided by whose creation succeeds, so that processes that know nothing of each other never share one.
const slots = 16

// networkNames are the networks of a plan, in the order of their share of a slot.
var networkNames = []string{"management", "data", "edge"}

// subnet is what the engine calls the network of a slot. The engine hands out addresses from it, which serve only to tell
// the interfaces of a container apart: what runs in there replaces them by those of the plan, which are the same in all
// slots.
func subnet(slot, network int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 19, byte(240 + slot), byte(64 * network)}), 26)
}

// localPorts are the ports from which the containers of a slot connect (net.ipv4.ip_local_port_range). They keep slots apart
// where addresses do not: a bridge knows nothing of these, but the machine's connection tracking, which sees what crosses
// the bridges, drops the first segment of one of two connections that begin with the same addresses and ports.
func localPorts(slot int) (first, last int) {
	const lowest, end = 1 << 14, 1 << 16
	const each = (end - lowest) / slots
	return lowest + slot*each, lowest + (slot+1)*each - 1
}

// cluster is the networks and the containers of one run.
type cluster struct {
	docker *Docker
	id     string // of the run, in the names of its containers
	live   bool
	labels map[string]string

	smallDisks bool // which can run full, see [machine.shelve]

	nets     []*wire
	machines []*machine // controllers, engines, servers, the gateway, then clients
}

// wire is a network that was created.
type wire struct {
	name   string // as the plan calls it
	id     string
	called string // as the engine calls it
	handed netip.Prefix
	slot   int

	machines []string // that were ever on it, as the engine calls them
}

// newCluster claims a slot for machines. The networks are bridges, not "internal" ones: the rules that isolate an internal network drop
// whatever does not bear the engine's addresses.
func (d *Docker) newCluster(ctx context.Context, machines []scenarios.Node, live bool) (*cluster, error) {
	c := &cluster{docker: d, id: rand.Text()[:8], live: live, labels: map[string]string{labelOurs: "run", labelOwner: d.owner.String()}}
	if live {
		c.labels[labelLive] = "yes"
	} else {
		c.nets = d.spare.take()
	}
	var taken error
	for slot := 0; slot < slots && c.nets == nil; slot++ {
		nets, err := c.claim(ctx, slot)
		if err == nil {
			c.nets = nets
			break
		}
		_, _ = d.removeNetworks(nets)
		if !overlaps(err) {
			return nil, fmt.Errorf("making networks: %w", err)
		}
		taken = err
	}
	for _, w := range c.nets {
		for _, m := range machines {
			w.machines = append(w.machines, c.nameOf(m))
		}
	}
	if c.nets != nil {
		return c, nil
	}
	return nil, unavailable("all %d address ranges in 198.19.240.0/20 are taken (%v); wait for other runs, or try `firedrill down`", slots, firstLine(taken))
}

// nameOf is what the engine calls the container of a machine.
func (c *cluster) nameOf(n scenarios.Node) string { return "firedrill-" + c.id + "-" + n.Name }

func (c *cluster) copyLabels() map[string]string { return maps.Clone(c.labels) }

// claim creates the networks of a slot, or fails and returns some.
func (c *cluster) claim(ctx context.Context, slot int) (nets []*wire, err error) {
	for i, name := range networkNames {
		w := &wire{name: name, handed: subnet(slot, i), slot: slot}
		made, err := tcnetwork.New(ctx, tcnetwork.WithLabels(c.labels),
			tcnetwork.WithIPAM(&network.IPAM{Driver: "default", Config: []network.IPAMConfig{{Subnet: w.handed}}}))
		if err != nil {
			return nets, err
		}
		w.id, w.called = made.ID, made.Name
		nets = append(nets, w)
	}
	return nets, nil
}

// overlaps tells whether a network could not be made because another one has its addresses.
func overlaps(err error) bool { return strings.Contains(err.Error(), "overlap") }

// removeWithin bounds how long the cleaning up after a run may take, also when the run was interrupted.
const removeWithin = time.Minute

// removeNets leaves the networks to the next run, unless they are those of a live cluster.
func (c *cluster) removeNets() error {
	nets := c.nets
	c.nets = nil
	if c.live {
		_, err := c.docker.removeNetworks(nets)
		return err
	}
	c.docker.spare.put(nets)
	return nil
}

// remove removes all containers, and gives up the networks.
func (c *cluster) remove() error {
	ctx, cancel := context.WithTimeout(context.Background(), removeWithin)
	defer cancel()
	var ids []string
	for _, m := range c.machines {
		ids = append(ids, m.parts()...)
	}
	if err := c.docker.removeContainers(ctx, ids); err != nil {
		return err
	}
	return c.removeNets()
}

// plugged are the networks that a node is on.
func plugged(n scenarios.Node) []string {
	switch {
	case n.Role == scenarios.RoleController, n.Role == scenarios.RoleCloud, n.Name == node.ClientAPI:
		return []string{"management"}
	case n.Role == scenarios.RoleEngine:
		return []string{"management", "data"}
	case n.Role == scenarios.RoleGateway:
		return []string{"edge", "data"}
	case n.Name == node.ClientOutside:
		return []string{"edge"}
	default: // servers, nearby clients
		return []string{"data"}
	}
}

// wires are networks of some names, as the engine has them.
func (c *cluster) wires(names []string) []*wire {
	var out []*wire
	for _, name := range names {
		for _, w := range c.nets {
			if w.name == name {
				out = append(out, w)
			}
		}
	}
	return out
}
