package disktest

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"

	"firedrill/model"
)

// Strict is a [model.Disk] that keeps no more than it must, and can show every state that a power failure may leave:
// the directory is in one of the states since the last SyncDir, each file is a prefix of what it was since its
// last Sync, and the end of what was not synced may be noise.
type Strict struct {
	Step    func() // called after every operation that changes something
	ReadErr error  // of every read, if set

	dirs []strictDir // the states since the last SyncDir; the last is in force
}

type strictDir map[string]*strictFile

// strictFile is the content of a file in runs, each but the last ended by a truncation that is not synced.
type strictFile struct{ runs []strictRun }

type strictRun struct {
	data   []byte
	synced int // so many bytes are durable, if this run is
}

// NewStrict returns an empty disk.
func NewStrict() *Strict { return &Strict{dirs: []strictDir{{}}, Step: func() {}} }

func (d *Strict) dir() strictDir      { return d.dirs[len(d.dirs)-1] }
func (f *strictFile) run() *strictRun { return &f.runs[len(f.runs)-1] }
func (d *Strict) changeDir() strictDir {
	d.dirs = append(d.dirs, maps.Clone(d.dir()))
	return d.dir()
}

func (d *Strict) open(name string) (*strictFile, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return nil, errors.New("no plain file name")
	}
	if f := d.dir()[name]; f != nil {
		return f, nil
	}
	return nil, model.ErrNotExist
}

// Append implements [model.Disk].
func (d *Strict) Append(name string, data []byte) error {
	f, err := d.open(name)
	if errors.Is(err, model.ErrNotExist) {
		f, err = &strictFile{[]strictRun{{}}}, nil
		d.changeDir()[name] = f
	}
	if err != nil {
		return err
	}
	f.run().data = slices.Concat(f.run().data, data)
	d.Step()
	return nil
}

// Read implements [model.Disk].
func (d *Strict) Read(name string) ([]byte, error) {
	f, err := d.open(name)
	if err = errors.Join(err, d.ReadErr); err != nil {
		return nil, err
	}
	return bytes.Clone(f.run().data), nil
}

// Truncate implements [model.Disk].
func (d *Strict) Truncate(name string, size int64) error {
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
	d.Step()
	return nil
}

// Rename implements [model.Disk].
func (d *Strict) Rename(name, newName string) error {
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
	d.Step()
	return nil
}

// Remove implements [model.Disk].
func (d *Strict) Remove(name string) error {
	if _, err := d.open(name); err != nil {
		if errors.Is(err, model.ErrNotExist) {
			return nil
		}
		return err
	}
	delete(d.changeDir(), name)
	d.Step()
	return nil
}

// List implements [model.Disk].
func (d *Strict) List() ([]string, error) { return slices.Sorted(maps.Keys(d.dir())), nil }

// Sync implements [model.Disk].
func (d *Strict) Sync(name string) error {
	f, err := d.open(name)
	if err != nil {
		return err
	}
	data := f.run().data
	f.runs = []strictRun{{data, len(data)}}
	d.Step()
	return nil
}

// SyncDir implements [model.Disk].
func (d *Strict) SyncDir() error {
	d.dirs = []strictDir{d.dir()}
	d.Step()
	return nil
}

// AfterKill is the disk that the next process finds: nothing is lost, and nothing is more durable than it was.
func (d *Strict) AfterKill() *Strict {
	out, copies := NewStrict(), map[*strictFile]*strictFile{}
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

// AfterPowerLoss returns the disks that may be there when the power is back. At most one file at a time is
// unsynced in these tests, so its variants are shown for each state of the directory.
func (d *Strict) AfterPowerLoss() []*Strict {
	var out []*Strict
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
			out = append(out, &Strict{dirs: []strictDir{survivor}, Step: func() {}})
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

// Power takes the power away in the harshest way: what was not synced is gone.
func (d *Strict) Power() {
	dir := strictDir{}
	for name, f := range d.dirs[0] {
		data := f.runs[0].data[:f.runs[0].synced]
		dir[name] = &strictFile{[]strictRun{{data, len(data)}}}
	}
	d.dirs = []strictDir{dir}
}

// Put makes a file hold data, of which so many bytes are durable, whatever was there.
func (d *Strict) Put(name string, data []byte, synced int) {
	d.dir()[name] = &strictFile{[]strictRun{{data, synced}}}
}

// Lose makes a file go without a trace.
func (d *Strict) Lose(name string) { delete(d.dir(), name) }
