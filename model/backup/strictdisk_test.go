package backup

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"firedrill/model"
	"firedrill/model/disktest"
)

// strictDisk is a disk that keeps no more than it must, and can show every state that a power failure may leave:
// the directory is in one of the states since the last SyncDir, each file is a prefix of what it was since its
// last Sync, and the end of what was not synced may be noise.
type strictDisk struct {
	dirs    []strictDir // the states since the last SyncDir; the last is in force
	step    func()      // called after every operation that changes something
	readErr error
}

type strictDir map[string]*strictFile

// strictFile is the content of a file in runs, each but the last ended by a truncation that is not synced.
type strictFile struct{ runs []strictRun }

type strictRun struct {
	data   []byte
	synced int // so many bytes are durable, if this run is
}

func newStrictDisk() *strictDisk { return &strictDisk{dirs: []strictDir{{}}, step: func() {}} }

func (d *strictDisk) dir() strictDir  { return d.dirs[len(d.dirs)-1] }
func (f *strictFile) run() *strictRun { return &f.runs[len(f.runs)-1] }
func (d *strictDisk) changeDir() strictDir {
	d.dirs = append(d.dirs, maps.Clone(d.dir()))
	return d.dir()
}

func (d *strictDisk) open(name string) (*strictFile, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return nil, errors.New("no plain file name")
	}
	if f := d.dir()[name]; f != nil {
		return f, nil
	}
	return nil, model.ErrNotExist
}

func (d *strictDisk) Append(name string, data []byte) error {
	f, err := d.open(name)
	if errors.Is(err, model.ErrNotExist) {
		f, err = &strictFile{[]strictRun{{}}}, nil
		d.changeDir()[name] = f
	}
	if err != nil {
		return err
	}
	f.run().data = slices.Concat(f.run().data, data)
	d.step()
	return nil
}

func (d *strictDisk) Read(name string) ([]byte, error) {
	f, err := d.open(name)
	if err = errors.Join(err, d.readErr); err != nil {
		return nil, err
	}
	return bytes.Clone(f.run().data), nil
}

func (d *strictDisk) Truncate(name string, size int64) error {
	f, err := d.open(name)
	if err != nil {
		return err
	}
	if size < 0 {
		return errors.New("negative size")
	}
	if data := f.run().data; size < int64(len(data)) {
		f.runs = append(f.runs, strictRun{bytes.Clone(data[:size]), int(size)})
	}
	d.step()
	return nil
}

func (d *strictDisk) Rename(name, newName string) error {
	f, err := d.open(name)
	if err != nil {
		return err
	}
	if _, err := d.open(newName); err != nil && !errors.Is(err, model.ErrNotExist) {
		return err
	}
	dir := d.changeDir()
	delete(dir, name)
	dir[newName] = f
	d.step()
	return nil
}

func (d *strictDisk) Remove(name string) error {
	if _, err := d.open(name); err != nil {
		if errors.Is(err, model.ErrNotExist) {
			return nil
		}
		return err
	}
	delete(d.changeDir(), name)
	d.step()
	return nil
}

func (d *strictDisk) List() ([]string, error) { return slices.Sorted(maps.Keys(d.dir())), nil }

func (d *strictDisk) Sync(name string) error {
	f, err := d.open(name)
	if err != nil {
		return err
	}
	data := f.run().data
	f.runs = []strictRun{{data, len(data)}}
	d.step()
	return nil
}

func (d *strictDisk) SyncDir() error {
	d.dirs = []strictDir{d.dir()}
	d.step()
	return nil
}

// afterKill is the disk that the next process finds: nothing is lost, and nothing is more durable than it was.
func (d *strictDisk) afterKill() *strictDisk {
	out, copies := newStrictDisk(), map[*strictFile]*strictFile{}
	out.dirs = nil
	for _, dir := range d.dirs {
		clone := strictDir{}
		for name, f := range dir {
			if copies[f] == nil {
				copies[f] = &strictFile{slices.Clone(f.runs)} // data is replaced, never written to
			}
			clone[name] = copies[f]
		}
		out.dirs = append(out.dirs, clone)
	}
	return out
}

// afterPowerLoss returns the disks that may be there when the power is back. At most one file at a time is
// unsynced in these tests, so its variants are shown for each state of the directory.
func (d *strictDisk) afterPowerLoss() []*strictDisk {
	var out []*strictDisk
	for _, dir := range d.dirs {
		for i, more := 0, true; more; i++ {
			more = false
			survivor := strictDir{}
			for name, f := range dir {
				variants := f.variants()
				data := variants[i%len(variants)]
				survivor[name] = &strictFile{[]strictRun{{data, len(data)}}}
				more = more || i+1 < len(variants)
			}
			out = append(out, &strictDisk{dirs: []strictDir{survivor}, step: func() {}})
		}
	}
	return out
}

// variants are contents that a file may have after a power loss.
func (f *strictFile) variants() [][]byte {
	var out [][]byte
	for _, r := range f.runs {
		middle := r.synced + (len(r.data)-r.synced)/2
		sizes := []int{r.synced, r.synced + 1, middle, len(r.data) - 1, len(r.data)}
		slices.Sort(sizes)
		for _, size := range slices.Compact(sizes) {
			if r.synced <= size && size <= len(r.data) {
				out = append(out, r.data[:size:size])
			}
		}
		noise := bytes.Clone(r.data)
		for i := middle; i < len(noise); i++ {
			noise[i] ^= 0x5a
		}
		out = append(out, noise)
	}
	return out
}

// power takes the power away in the harshest way: what was not synced is gone.
func (d *strictDisk) power() {
	dir := strictDir{}
	for name, f := range d.dirs[0] {
		data := f.runs[0].data[:f.runs[0].synced]
		dir[name] = &strictFile{[]strictRun{{data, len(data)}}}
	}
	d.dirs = []strictDir{dir}
}

func TestStrictDisk(t *testing.T) {
	disktest.Run(t, func(*testing.T) model.Disk { return newStrictDisk() })
}
