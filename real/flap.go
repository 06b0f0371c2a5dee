package real

import (
	"context"
	"math/rand/v2"
	"time"
)

// strikeFlappingLink takes links down and up in turn, for as long as it lasts. A machine that starts finds them as they are.
func strikeFlappingLink(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	at, up, err := strikePartition(ctx, r, b)
	if err != nil {
		return 0, nil, err
	}
	over, last := make(chan struct{}), make(chan heal, 1)
	go func() {
		down := true
		for r.pause(ctx, over, b.Period.Min+rand.N(b.Period.Max-b.Period.Min+1)) {
			var err error
			if down {
				_, err = up(ctx)
			} else {
				_, up, err = strikePartition(ctx, r, b)
			}
			if err != nil {
				r.fail(err)
				break
			}
			down = !down
		}
		last <- up
	}()
	return at, func(ctx context.Context) (int64, error) {
		close(over)
		return (<-last)(ctx)
	}, nil
}

// pause waits so long; false if something is over before.
func (r *run) pause(ctx context.Context, over <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-over:
	case <-ctx.Done():
	}
	return false
}
