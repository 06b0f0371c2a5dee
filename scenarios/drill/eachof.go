package drill

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// eachOf does something for 0 to n-1, so many at a time. The first error ends it, and is returned; so does the end of ctx.
func eachOf(ctx context.Context, atOnce, n int, do func(ctx context.Context, i int) error) error {
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i := range n {
		g.Go(func() error {
			if within.Err() != nil {
				return context.Cause(within)
			}
			return do(within, i)
		})
	}
	return g.Wait()
}
