package sim

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"firedrill/model"
	"firedrill/scenarios"
)

// disk is a node's disk, with the crash physics of a journalling POSIX file system (ext4 with data=ordered is
// the pattern). One rule says it all: after a power loss the directory is in one of the states it has passed
// through since its last complete SyncDir, and each file in it, on its own, in one of the states that it has
// passed through, byte by byte, since its last complete Sync. From that follows:
//
//   - What a complete Sync covered is kept. Of what was appended since, some prefix survives, never a hole.
//     Only the last sector of that prefix may be torn, and only where it was not synced before.
//   - A truncation since the last Sync may or may not have happened.
//   - Creations, renames and removals survive as a prefix of the order in which they were issued. A file
//     whose creation is lost is gone; a name may survive without its content, which is what a rename without
//     a Sync of the file leaves behind.
//   - A sync that the power failure interrupts guarantees nothing.
//
// A process that is killed loses nothing it has issued: the page cache lives on.
//
// A callback of a node runs as a whole, yet what it does to the disk happens at times of its own, because a
// sync takes some. A crash in between takes back what had not happened by then; undo is for that.
type disk struct {
	clock diskClock
	rng   *rand.Rand // of the sync latencies
	diskProfile

	dirs []diskDir  // the states since the last complete SyncDir, which made the first; the last is in force
	undo []diskUndo // of the operations since settle, oldest first

	// Faults.
	slow       time.Duration // every sync takes so much longer
	stuck      int64         // no sync returns before this time
	full       int           // how many faults say that no byte can be added
	unreadable int           // how many say that no file can be read
}

// diskClock is the node's time while a callback is under way.
type diskClock interface {
	now() int64            // nanoseconds, with what the callback has spent already
	spend(d time.Duration) // makes the callback take longer
}

// diskProfile is what a disk is like when nothing is wrong.
type diskProfile struct {
	measured         *scenarios.Spread // instead of the next two; nil: not measured
	syncMin, syncMax time.Duration     // the time of one sync is drawn from these bounds
	capacity         int64             // bytes of all files; 0: unbounded
}

const (
	// diskSector is the unit, in bytes, that a power failure tears.
	diskSector = 512
	// diskUnsynced bounds how many states of the directory, or truncations of one file, may await a sync;
	// beyond it the oldest becomes durable by itself, as a journal of finite size makes it. Memory stays
	// flat under a node that never syncs.
	diskUnsynced = 64
)

// diskDir is one state of the directory, sorted by name. It is never modified.
type diskDir []diskEntry

type diskEntry struct {
	name string
	file *diskFile
}

// diskFile is the content of a file and the states that it passed through since the last complete Sync. It
// grew, in the run under way, from data[:base] to data; each of the past runs was ended by a truncation. The
// base of the first run is what is durable.
type diskFile struct {
	diskRun
	past []diskRun
}

type diskRun struct {
	data []byte
	base int
}

// diskUndo takes one operation back.
type diskUndo struct {
	at   int64     // when the operation happened
	dirs []diskDir // the directory before, if it changed
	file *diskFile // the file that changed, if one did
	was  diskFile  // and what it was before
}

func newDisk(clock diskClock, rng *rand.Rand, profile diskProfile) *disk {
	return &disk{clock: clock, rng: rng, diskProfile: profile, dirs: []diskDir{nil}}
}

// Append implements [model.Disk]. On a full disk nothing of data is written.
func (d *disk) Append(name string, data []byte) error {
	if err := diskCheckName(name); err != nil {
		return err
	}
	if len(data) > 0 && (d.full > 0 || d.capacity > 0 && d.used()+int64(len(data)) > d.capacity) {
		return model.ErrDiskFull
	}
	f := d.file(name)
	if f == nil {
		f = new(diskFile)
		d.changeDir(d.dir().with(name, f))
	}
	d.willChange(f)
	if len(f.data)+len(data) > cap(f.data) {
		f.data = slices.Grow(f.data, max(len(f.data), len(data))) // doubled: a long log is copied once on average
	}
	f.data = append(f.data, data...)
	return nil
}

// Read implements [model.Disk].
func (d *disk) Read(name string) ([]byte, error) {
	f, err := d.open(name)
	if err != nil {
		return nil, err
	}
	if d.unreadable > 0 {
		return nil, model.ErrDiskIO
	}
	return bytes.Clone(f.data), nil
}

// Truncate implements [model.Disk].
func (d *disk) Truncate(name string, size int64) error {
	f, err := d.open(name)
	if err != nil {
		return err
	}
	if size < 0 {
		return errors.New("negative file size")
	}
	if size >= int64(len(f.data)) {
		return nil
	}
	d.willChange(f)
	f.past = diskBounded(append(f.past, f.diskRun))
	f.diskRun = diskRun{f.data[:size:size], int(size)} // no spare capacity: the next Append must leave the past alone
	return nil
}

// Rename implements [model.Disk].
func (d *disk) Rename(name, newName string) error {
	f, err := d.open(name)
	if err != nil {
		return err
	}
	if err := diskCheckName(newName); err != nil {
		return err
	}
	d.changeDir(d.dir().without(name).with(newName, f))
	return nil
}

// Remove implements [model.Disk].
func (d *disk) Remove(name string) error {
	if err := diskCheckName(name); err != nil {
		return err
	}
	if d.file(name) != nil {
		d.changeDir(d.dir().without(name))
	}
	return nil
}

// List implements [model.Disk].
func (d *disk) List() ([]string, error) {
	var names []string
	for _, e := range d.dir() {
		names = append(names, e.name)
	}
	return names, nil
}

// Sync implements [model.Disk]. It takes time, and holds from when that has passed.
func (d *disk) Sync(name string) error {
	f, err := d.open(name)
	if err != nil {
		return err
	}
	d.wait()
	d.willChange(f)
	f.base, f.past = len(f.data), nil
	return nil
}

// SyncDir implements [model.Disk]. It takes time, and holds from when that has passed.
func (d *disk) SyncDir() error {
	d.wait()
	d.undo = append(d.undo, diskUndo{at: d.clock.now(), dirs: d.dirs})
	d.dirs = []diskDir{d.dir()} // a new array, so that files long removed are not held in memory
	return nil
}

// wait spends the time of one sync.
func (d *disk) wait() {
	takes := d.slow
	if d.measured != nil {
		takes += spread(d.rng, d.measured)
	} else {
		takes += between(d.rng, d.syncMin, d.syncMax)
	}
	d.clock.spend(max(takes, time.Duration(d.stuck-d.clock.now())))
}

// settle says that everything issued so far has happened; it is called when a callback begins.
func (d *disk) settle() {
	clear(d.undo)
	d.undo = d.undo[:0]
}

// crash is what the disk makes of its process being killed: what was issued after the given time never
// happened, everything else did.
func (d *disk) crash(at int64) {
	for i := len(d.undo) - 1; i >= 0 && d.undo[i].at > at; i-- {
		u := &d.undo[i]
		if u.dirs != nil {
			d.dirs = u.dirs
		} else {
			*u.file = u.was
		}
	}
	d.settle()
}

// powerLoss is what the disk makes of losing its power at the given time; rng chooses what survives. What is
// there afterwards is durable.
func (d *disk) powerLoss(at int64, rng *rand.Rand) {
	d.crash(at)
	survivor := d.dirs[diskPrefix(rng, len(d.dirs)-1)]
	for _, e := range survivor {
		e.file.losePower(rng)
	}
	d.dirs = []diskDir{survivor}
}

// wipe is what the disk makes of being taken out and replaced by an empty one.
func (d *disk) wipe() {
	d.dirs = []diskDir{nil}
	d.settle()
}

// losePower leaves the file in one of the states that it passed through since the last Sync.
func (f *diskFile) losePower(rng *rand.Rand) {
	runs := f.runs()
	r := runs[diskPrefix(rng, len(runs)-1)]
	size := r.base + diskPrefix(rng, len(r.data)-r.base)
	data := bytes.Clone(r.data[:size])
	if size > r.base && rng.Uint64N(2) == 0 {
		diskTear(rng, data[max(r.base, (size-1)/diskSector*diskSector):])
	}
	*f = diskFile{diskRun: diskRun{data, size}}
}

// diskTear spoils a sector from a random byte on: it reads as noise, or as zeros where it was never written.
func diskTear(rng *rand.Rand, sector []byte) {
	torn := sector[rng.Uint64N(uint64(len(sector))):]
	clear(torn)
	if rng.Uint64N(2) == 0 {
		for i := range torn {
			torn[i] = byte(rng.Uint64())
		}
	}
}

// diskPrefix draws how many of n survive. None and all are what breaks programs most, so they come often.
func diskPrefix(rng *rand.Rand, n int) int {
	switch rng.Uint64N(4) {
	case 0:
		return 0
	case 1:
		return n
	}
	return int(rng.Uint64N(uint64(n) + 1))
}

// rot flips one bit among the durable bytes of the named file, or of all files if name is empty; half of the time in the
// last sector of the file, where programs are apt to take damage for a torn write. It returns the name of the file, or ""
// if there was no such byte.
func (d *disk) rot(name string, rng *rand.Rand) string {
	var candidates diskDir
	total := uint64(0)
	for _, e := range d.dir() {
		if (name == "" || name == e.name) && e.file.durable() > 0 {
			candidates = append(candidates, e)
			total += uint64(e.file.durable())
		}
	}
	if total == 0 {
		return ""
	}
	at := rng.Uint64N(total)
	for at >= uint64(candidates[0].file.durable()) {
		at -= uint64(candidates[0].file.durable())
		candidates = candidates[1:]
	}
	e := candidates[0]
	if size := uint64(e.file.durable()); size > diskSector && rng.Uint64N(2) == 0 {
		at = size - 1 - rng.Uint64N(diskSector)
	}
	rotten := e.file.data[at] ^ 1<<rng.Uint64N(8)
	for _, r := range e.file.runs() {
		r.data[at] = rotten // runs may or may not share memory
	}
	return e.name
}

// durable is how many bytes from the beginning of the file survive any power loss.
func (f *diskFile) durable() int {
	n := f.base
	for _, r := range f.past {
		n = min(n, r.base)
	}
	return n
}

// runs returns the past runs and the one under way.
func (f *diskFile) runs() []diskRun { return append(slices.Clip(f.past), f.diskRun) }

// used is the size of all files in bytes.
func (d *disk) used() int64 {
	var n int64
	for _, e := range d.dir() {
		n += int64(len(e.file.data))
	}
	return n
}

// dir is the state of the directory in force.
func (d *disk) dir() diskDir { return d.dirs[len(d.dirs)-1] }

// open finds a file for an operation that needs one.
func (d *disk) open(name string) (*diskFile, error) {
	if err := diskCheckName(name); err != nil {
		return nil, err
	}
	if f := d.file(name); f != nil {
		return f, nil
	}
	return nil, model.ErrNotExist
}

// file returns the file of that name, or nil.
func (d *disk) file(name string) *diskFile {
	if i, found := d.dir().find(name); found {
		return d.dir()[i].file
	}
	return nil
}

// willChange remembers what a file was before the change that follows.
func (d *disk) willChange(f *diskFile) {
	d.undo = append(d.undo, diskUndo{at: d.clock.now(), file: f, was: *f})
}

// changeDir puts a new state of the directory in force.
func (d *disk) changeDir(to diskDir) {
	d.undo = append(d.undo, diskUndo{at: d.clock.now(), dirs: d.dirs})
	d.dirs = diskBounded(append(d.dirs, to))
}

// diskBounded forgets the oldest of too many states that await a sync.
func diskBounded[S any](states []S) []S {
	if len(states) > diskUnsynced {
		return slices.Clone(states[1:])
	}
	return states
}

func (dir diskDir) find(name string) (int, bool) {
	return slices.BinarySearchFunc(dir, name, func(e diskEntry, name string) int { return strings.Compare(e.name, name) })
}

// with returns the directory with the name standing for the file.
func (dir diskDir) with(name string, f *diskFile) diskDir {
	i, found := dir.find(name)
	rest := dir[i:]
	if found {
		rest = rest[1:]
	}
	return slices.Concat(dir[:i], diskDir{{name, f}}, rest)
}

// without returns the directory without the name, which it holds.
func (dir diskDir) without(name string) diskDir {
	i, _ := dir.find(name)
	return slices.Concat(dir[:i], dir[i+1:])
}

// diskCheckName refuses what is not the name of a file in one flat directory.
func diskCheckName(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("%q is not a plain file name", name)
	}
	return nil
}
