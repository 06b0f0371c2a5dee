package node

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"firedrill/model"
	"firedrill/real/disk"
)

// faultyDisk is a disk that does what the faults want of it. That it has no room is not played here: its file system has
// none, see [ballast].
type faultyDisk struct {
	*disk.Disk
	faults *Faults

	mu     sync.Mutex       // held while files change
	synced map[string]int64 // how much of each file, from its beginning, a sync has covered
}

// newFaultyDisk takes a disk whose files nobody has changed yet. What is there counts as synced: whoever wrote it has ended.
func newFaultyDisk(d *disk.Disk, f *Faults) (*faultyDisk, error) {
	names, err := d.List()
	if err != nil {
		return nil, err
	}
	synced := make(map[string]int64)
	for _, name := range names {
		if synced[name], err = d.Size(name); err != nil {
			return nil, err
		}
	}
	return &faultyDisk{Disk: d, faults: f, synced: synced}, nil
}

// wait takes the time that the faults want of a sync.
func (d *faultyDisk) wait() {
	time.Sleep(d.faults.sum(func(r *Fault) time.Duration { return r.Sync }))
	d.faults.outlast(func(r *Fault) bool { return r.Stuck })
}

// Sync implements [model.Disk].
func (d *faultyDisk) Sync(name string) error {
	d.wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.Disk.Sync(name); err != nil {
		return err
	}
	var err error
	d.synced[name], err = d.Size(name)
	return err
}

// SyncDir implements [model.Disk].
func (d *faultyDisk) SyncDir() error {
	d.wait()
	return d.Disk.SyncDir()
}

// Read implements [model.Disk].
func (d *faultyDisk) Read(name string) ([]byte, error) {
	data, err := d.Disk.Read(name)
	if err == nil && d.faults.any(func(r *Fault) bool { return r.Unreadable }) {
		return nil, model.ErrDiskIO
	}
	return data, err
}

// Append implements [model.Disk].
func (d *faultyDisk) Append(name string, data []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Disk.Append(name, data)
}

// Truncate implements [model.Disk].
func (d *faultyDisk) Truncate(name string, size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.Disk.Truncate(name, size)
	if err == nil {
		d.synced[name] = min(d.synced[name], size)
	}
	return err
}

// Rename implements [model.Disk].
func (d *faultyDisk) Rename(name, newName string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.Disk.Rename(name, newName)
	if err == nil && name != newName {
		d.synced[newName] = d.synced[name]
		delete(d.synced, name)
	}
	return err
}

// Remove implements [model.Disk].
func (d *faultyDisk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.Disk.Remove(name)
	if err == nil {
		delete(d.synced, name)
	}
	return err
}

// rotSector is the unit, in bytes, that a power failure tears: damage in the last one is apt to be taken for that.
const rotSector = 512

// rot flips one bit among the synced bytes of all files, half of the time in the last sector of a file, as the simulator's
// disk does. Where nothing has been synced there is nothing to flip.
func (d *faultyDisk) rot() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	total := int64(0)
	for _, size := range d.synced {
		total += size
	}
	if total == 0 {
		return nil
	}
	names, err := d.List()
	if err != nil {
		return err
	}
	slices.Sort(names)
	at := rand.N(total)
	for _, name := range names {
		size := d.synced[name]
		if at >= size {
			at -= size
			continue
		}
		if size > rotSector && rand.N(2) == 0 {
			at = size - 1 - rand.N(int64(rotSector))
		}
		return d.Flip(name, at, rand.N(uint(8)))
	}
	return errors.New("a file that was synced is gone")
}
