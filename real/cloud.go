package real

import (
	"context"
	"time"
)

// strikeNoCapacity fills the hosts of the cloud up.
func strikeNoCapacity(_ context.Context, r *run, _ *blow) (int64, heal, error) {
	return r.meddle(func(h *hypervisor, by int) { h.full += by })
}

// strikeBootFailure makes boots fail that begin from now on.
func strikeBootFailure(_ context.Context, r *run, _ *blow) (int64, heal, error) {
	return r.meddle(func(h *hypervisor, by int) { h.failing += by })
}

func strikeSlowBoot(_ context.Context, r *run, b *blow) (int64, heal, error) {
	return r.meddle(func(h *hypervisor, by int) { h.slow += time.Duration(by) * b.Delay.Min })
}

// strikeFalseHostReport makes the hypervisor take hosts for down that are not.
func strikeFalseHostReport(_ context.Context, r *run, b *blow) (int64, heal, error) {
	return r.meddle(func(h *hypervisor, by int) {
		for _, m := range b.targets {
			h.accused[m.Host] += by
		}
	})
}

// meddle changes something about the hardware by 1, and when the fault is over by -1.
func (r *run) meddle(change func(h *hypervisor, by int)) (int64, heal, error) {
	by := func(n int) int64 {
		at := r.now()
		r.hypervisor.change(func() { change(r.hypervisor, n) })
		return at
	}
	return by(1), func(context.Context) (int64, error) { return by(-1), nil }, nil
}

// strikeHostMaintenance closes hosts for engines to come, and shuts them down later.
func strikeHostMaintenance(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	hosts := hostsOf(b.targets)
	at, reopen, err := r.meddle(func(h *hypervisor, by int) {
		for _, host := range hosts {
			h.closing[host] += by
		}
	})
	over, lights := make(chan struct{}), make(chan heal, 1)
	go func() {
		wait := time.NewTimer(b.Delay.Min)
		defer wait.Stop()
		var on heal
		select {
		case <-wait.C:
			var err error
			if _, _, on, err = r.darken(ctx, hosts, "shut down for maintenance"); err != nil {
				r.fail(err)
			}
		case <-over:
		case <-ctx.Done():
		}
		lights <- on
	}()
	return at, func(ctx context.Context) (int64, error) {
		close(over)
		at, err := reopen(ctx)
		if on := <-lights; on != nil && err == nil {
			at, err = on(ctx)
		}
		return at, err
	}, err
}
