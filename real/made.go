package real

import (
	"context"
	"errors"
	"slices"
	"time"

	"firedrill/checker/history"
	"firedrill/real/node"
	"firedrill/scenarios"
)

// A run is the [plant] of its hypervisor. What it does there it does to its end, so that no container is lost on the way.

// create implements [plant].
func (r *run) create(n scenarios.Node) (*machine, error) {
	spec, err := r.specOf(n.Name)
	if err != nil {
		return nil, err
	}
	m := r.cluster.newMachine(n, plugged(n), nil, spec)
	if err := m.create(context.Background()); err != nil {
		return nil, errors.Join(err, r.scrap(m))
	}
	return m, nil
}

// enrol implements [plant].
func (r *run) enrol(m *machine, as node.Made) {
	m.Node, m.addresses, m.spec.Made = as.Node, as.Node.Addresses(), &as
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byName[m.Name] = m
	r.cluster.machines = append(r.cluster.machines, m)
	r.roles.Add(m.Node)
	r.made = append(r.made, m.Node)
}

// power implements [plant].
func (r *run) power(m *machine) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.downs > 0 {
		return nil
	}
	return r.start(r.ctx, m)
}

// reset implements [plant].
func (r *run) reset(ctx context.Context, m *machine, after time.Duration) error {
	if _, err := r.goDown(context.Background(), []*machine{m}, "rebooted by its cloud"); err != nil {
		return err
	}
	wait := time.NewTimer(after)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return nil
	case <-wait.C:
	}
	_, err := r.comeUp([]*machine{m})(r.ctx)
	return err
}

// scrap implements [plant].
func (r *run) scrap(m *machine) error {
	ctx, cancel := context.WithTimeout(context.Background(), removeWithin)
	defer cancel()
	r.mu.Lock()
	r.roles.Remove(m.Name)
	r.cluster.machines = slices.DeleteFunc(r.cluster.machines, func(o *machine) bool { return o == m })
	r.mu.Unlock()
	if _, err := r.goDown(ctx, []*machine{m}, "deleted"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gone = true
	return r.cluster.docker.removeContainers(ctx, m.parts())
}

// note implements [plant].
func (r *run) note(e history.Event) {
	e.Time = r.now()
	r.record(e)
}

// broken implements [plant].
func (r *run) broken(err error) { r.fail(err) }

// machines are those that there are at this moment.
func (r *run) machines() []*machine {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.cluster.machines)
}
