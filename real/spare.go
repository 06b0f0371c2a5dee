package real

import (
	"context"
	"errors"
	"sync"

	"github.com/moby/moby/client"
)

// spare are the networks of slots that no run of this process uses. The next run takes them over: making and removing
// networks is most of what an engine does between two runs. A live cluster has its own, which `down` removes.
type spare struct {
	mu    sync.Mutex
	slots [][]*wire
}

func (s *spare) put(nets []*wire) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slots = append(s.slots, nets)
}

// take hands out the networks of a slot; nil: there are none.
func (s *spare) take() []*wire {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.slots) == 0 {
		return nil
	}
	last := len(s.slots) - 1
	nets := s.slots[last]
	s.slots = s.slots[:last]
	return nets
}

// Close removes what this process has kept between runs. It tells how many networks stay behind because the engine counts
// containers on them although there are none: it loses count now and then when many come and go at once, and nothing but
// its restart sets it right (https://github.com/moby/moby/issues/42119).
func (d *Docker) Close() (miscounted int, err error) {
	for nets := d.spare.take(); nets != nil; nets = d.spare.take() {
		n, err2 := d.removeNetworks(nets)
		miscounted, err = miscounted+n, errors.Join(err, err2)
	}
	return miscounted, err
}

func (d *Docker) removeNetworks(nets []*wire) (miscounted int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), removeWithin)
	defer cancel()
	var mu sync.Mutex
	err = inParallel(nets, func(w *wire) error {
		err := d.removeNetwork(ctx, w.id, w.machines)
		if err != nil && d.unused(ctx, w) {
			mu.Lock()
			defer mu.Unlock()
			miscounted++
			return nil
		}
		return err
	})
	return miscounted, err
}

// unused tells whether no container is on a network.
func (d *Docker) unused(ctx context.Context, w *wire) bool {
	n, err := d.client.NetworkInspect(ctx, w.id, client.NetworkInspectOptions{})
	return err == nil && len(n.Network.Containers) == 0
}
