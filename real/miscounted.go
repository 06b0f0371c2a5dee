package real

import (
	"context"
	"net/netip"
	"sync"

	"github.com/moby/moby/client"
)

// miscounted are the networks that the engine refuses to remove, because it counts a container on them although there is
// none: it loses count now and then when many come and go at once, and nothing but its restart sets it right
// (https://github.com/moby/moby/issues/42119). Such a network is as good as new, so the next run takes it again.
type miscounted struct {
	mu   sync.Mutex
	nets map[netip.Prefix]*wire
}

// keep puts a network by if no container is on it, and tells whether it did.
func (m *miscounted) keep(ctx context.Context, d *Docker, w *wire) bool {
	n, err := d.client.NetworkInspect(ctx, w.id, client.NetworkInspectOptions{})
	if err != nil || len(n.Network.Containers) > 0 {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.nets == nil {
		m.nets = make(map[netip.Prefix]*wire)
	}
	m.nets[w.handed] = w
	return true
}

// take hands out a network that was put by; nil: there is none with these addresses.
func (m *miscounted) take(handed netip.Prefix) *wire {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.nets[handed]
	delete(m.nets, handed)
	return w
}

// Miscounted is how many networks this program leaves behind because the engine takes them for used.
func (d *Docker) Miscounted() int {
	d.miscounted.mu.Lock()
	defer d.miscounted.mu.Unlock()
	return len(d.miscounted.nets)
}
