package real

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/scenarios"
)

// holders are the addresses that nodes have taken besides their own, by node, in the order in which they took them.
type holders map[string][]netip.Addr

func (h holders) follow(e *history.Event) {
	ip, err := netip.ParseAddr(e.Unit)
	switch kind := model.EventKind(e.Event); {
	case kind == model.EventStarted, kind == model.EventStopped:
		delete(h, e.Node)
	case err != nil:
	case kind == model.EventAddressAdded:
		h[e.Node] = append(h[e.Node], ip)
	case kind == model.EventAddressRemoved:
		h[e.Node] = slices.DeleteFunc(slices.Clone(h[e.Node]), func(held netip.Addr) bool { return held == ip })
	}
}

// strikeDuplicateAddress puts foreign machines on the networks, which claim what the targets hold now. They count from when
// they are switched on.
func strikeDuplicateAddress(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	var strangers []*machine
	for _, m := range b.targets {
		for _, network := range m.networks {
			if b.Network != "" && b.Network != network {
				continue
			}
			s, err := r.stranger(network, r.claims(m, network))
			if err != nil {
				return 0, nil, err
			}
			strangers = append(strangers, s)
		}
	}
	if err := inParallel(strangers, func(m *machine) error { return m.create(ctx) }); err != nil {
		return 0, nil, err
	}
	at := r.now()
	err := inParallel(strangers, func(m *machine) error {
		m.mu.Lock()
		defer m.mu.Unlock()
		return r.start(ctx, m)
	})
	return at, func(ctx context.Context) (int64, error) {
		err := inParallel(strangers, func(m *machine) error { return r.unplug(ctx, m) })
		return r.now(), err
	}, err
}

// claims are the addresses that a machine holds on a network besides its own, or its own there if it holds none.
func (r *run) claims(m *machine, network string) []netip.Addr {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, all := range [][]netip.Addr{r.holders[m.Name], m.addresses} {
		there := slices.DeleteFunc(slices.Clone(all), func(ip netip.Addr) bool {
			name, _, _ := scenarios.NetworkOf(ip)
			return name != network
		})
		if len(there) > 0 {
			return there
		}
	}
	return nil
}

// stranger is a machine of somebody else on one network. No selector means it, and no history knows it.
func (r *run) stranger(network string, claims []netip.Addr) (*machine, error) {
	r.mu.Lock()
	r.strangers++
	name := fmt.Sprintf("stranger-%d", r.strangers)
	r.mu.Unlock()
	spec, err := r.specOf(name)
	if err != nil {
		return nil, err
	}
	spec.Claims = claims
	m := r.cluster.newMachine(scenarios.Node{Name: name, Role: "stranger", Host: "host-" + name}, []string{network}, nil, spec)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cluster.machines = append(r.cluster.machines, m)
	for _, w := range r.cluster.wires(m.networks) {
		w.machines = append(w.machines, r.cluster.nameOf(m.Node))
	}
	return m, nil
}

// unplug ends a machine that no history knows.
func (r *run) unplug(ctx context.Context, m *machine) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.up {
		if _, err := m.kill(ctx); err != nil {
			return err
		}
	}
	m.gone = true
	r.mu.Lock()
	r.cluster.machines = slices.DeleteFunc(r.cluster.machines, func(o *machine) bool { return o == m })
	r.mu.Unlock()
	return r.cluster.docker.removeContainers(ctx, m.parts())
}
