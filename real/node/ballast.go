package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ballast is a file that takes all the room on a node's disk, to the last page, and whatever becomes free there. It lies in a
// folder, where the node does not see it: [model.Disk] is files alone.
type ballast struct {
	disk string // the folder that is the disk

	mu   sync.Mutex
	stop func() // ends the filling; nil: there is none
}

const (
	ballastDir   = "ballast"
	ballastEvery = 5 * time.Millisecond // how often it takes what has become free
	ballastWrite = 64 << 10
)

// settle lets there be ballast, or none.
func (b *ballast) settle(full bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	dir := filepath.Join(b.disk, ballastDir)
	switch {
	case !full:
		if b.stop != nil {
			b.stop()
			b.stop = nil
		}
		return os.RemoveAll(dir) // also what an earlier process has left
	case b.stop != nil:
		return nil
	}
	if err := mayBeFilled(b.disk); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, "file"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	if err := fill(f); err != nil {
		return errors.Join(err, f.Close())
	}
	b.stop = keepFull(f)
	return nil
}

// keepFull goes on filling until it is stopped.
func keepFull(f *os.File) (stop func()) {
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer f.Close()
		tick := time.NewTicker(ballastEvery)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
				_ = fill(f) // which has worked before
			}
		}
	}()
	return func() {
		close(over)
		<-ended
	}
}

// fill appends to a file until there is no room.
func fill(f *os.File) error {
	page := make([]byte, ballastWrite)
	for {
		if _, err := f.Write(page); errors.Is(err, unix.ENOSPC) {
			return nil // the kernel has taken what fits
		} else if err != nil {
			return err
		}
	}
}

// mayBeFilled refuses a disk that is not a small one of the node's own, but the machine's.
func mayBeFilled(dir string) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("the disk %s: %w", dir, err)
	}
	if fs.Type != unix.TMPFS_MAGIC {
		return fmt.Errorf("the disk %s is not a tmpfs of the node's own: it is not filled", dir)
	}
	return nil
}
