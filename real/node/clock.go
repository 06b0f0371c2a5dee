package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Clock is CLOCK_MONOTONIC, which all containers of a machine share, and the moment on it at which the run began.
type Clock struct {
	base  time.Time     // Go's own reading of the same clock
	at    time.Duration // what CLOCK_MONOTONIC showed then
	epoch time.Duration
}

// NewClock returns a clock whose run begins now.
func NewClock() (*Clock, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return nil, fmt.Errorf("reading CLOCK_MONOTONIC: %w", err)
	}
	at := time.Duration(t.Nano())
	return &Clock{base: time.Now(), at: at, epoch: at}, nil
}

// Now is the time on CLOCK_MONOTONIC.
func (c *Clock) Now() time.Duration { return c.at + time.Since(c.base) }

// Run is the time since the run began, negative before it does.
func (c *Clock) Run() time.Duration { return c.Now() - c.epoch }

// epochPoll is how often a container looks whether the run's beginning has been set, which it is some time before. Dozens of
// containers wait while the last ones start; if they looked much more often, these would never get a turn.
const epochPoll = 50 * time.Millisecond

// Await waits until the file says when the run begins, and then until it does. In a container that is started again it has
// long begun.
func (c *Clock) Await(ctx context.Context, path string) error {
	for {
		data, err := os.ReadFile(path)
		text := bytes.TrimSpace(data)
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		case err == nil && len(text) > 0: // an empty file is one that is being written
			at, err := strconv.ParseInt(string(text), 10, 64)
			if err != nil {
				return fmt.Errorf("%s: %q is not a number of nanoseconds on CLOCK_MONOTONIC", path, text)
			}
			c.epoch = time.Duration(at)
			return sleep(ctx, -c.Run())
		}
		if err := sleep(ctx, epochPoll); err != nil {
			return err
		}
	}
}

// sleep waits, but no longer than the context lasts.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
