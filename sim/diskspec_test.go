package sim

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"firedrill/model"
)

// diskCase is a disk in a test that watches what a crash leaves of it.
type diskCase struct {
	t testing.TB
	*disk
	clock *diskTestClock
}

// after issues operations that must succeed, one nanosecond apart, and returns when the last was complete.
func (c diskCase) after(ops ...func() error) int64 {
	c.t.Helper()
	for _, op := range ops {
		c.clock.at++
		diskOK(c.t, op())
	}
	return c.clock.at
}

func (c diskCase) append(name, data string) func() error {
	return func() error { return c.Append(name, []byte(data)) }
}

func (c diskCase) truncate(name string, size int64) func() error {
	return func() error { return c.Truncate(name, size) }
}

func (c diskCase) rename(name, newName string) func() error {
	return func() error { return c.Rename(name, newName) }
}

func (c diskCase) remove(name string) func() error { return func() error { return c.Remove(name) } }

func (c diskCase) sync(name string) func() error { return func() error { return c.Sync(name) } }

// durable creates a file that survives anything.
func (c diskCase) durable(name, data string) {
	c.t.Helper()
	c.after(c.append(name, data), c.sync(name), c.SyncDir)
	c.settle() // as if by a callback before
}

// diskSpec is the specification: after each play, the disk is found in exactly the states listed. Over many
// seeds each of them must occur, and nothing else. A file is shown as name=content, where ~ stands for a byte
// of a torn sector.
var diskSpec = []struct {
	promise string
	power   bool                    // it is the power that fails, else the process
	play    func(c diskCase) int64  // returns the time of the crash
	see     func(c diskCase) string // names the state; nil: by what is listed
	left    []string
}{
	{
		promise: "synced data survives", power: true,
		play: func(c diskCase) int64 {
			return c.after(c.append("a", "1"), c.append("a", "2"), c.sync("a"), c.append("b", "3"), c.sync("b"), c.SyncDir)
		},
		left: []string{"a=12 b=3"},
	}, {
		promise: "unsynced data may vanish, from the end, and be torn", power: true,
		play: func(c diskCase) int64 {
			c.durable("a", "12")
			return c.after(c.append("a", "34"))
		},
		left: []string{"a=12", "a=123", "a=1234", "a=12~", "a=123~", "a=12~~"},
	}, {
		promise: "a prefix of many appends survives, never with a hole", power: true,
		play: func(c diskCase) int64 {
			c.durable("a", "")
			long := diskPattern(3 * diskSector)
			return c.after(c.append("a", long[:700]), c.append("a", long[700:701]), c.append("a", long[701:]))
		},
		see:  diskLong,
		left: []string{"nothing", "part", "torn in sector 0", "torn in sector 1", "torn in sector 2", "whole", "whole size, torn in sector 2"},
	}, {
		promise: "a torn sector spares what was synced in it", power: true,
		play: func(c diskCase) int64 {
			long := diskPattern(3 * diskSector)
			c.durable("a", long[:diskSector+300])
			return c.after(c.append("a", long[diskSector+300:]))
		},
		see: func(c diskCase) string {
			if data := diskRead(c, "a"); !strings.HasPrefix(data, diskPattern(diskSector+300)) {
				return "synced data damaged"
			}
			return diskLong(c)
		},
		left: []string{"part", "torn in sector 1", "torn in sector 2", "whole", "whole size, torn in sector 2"},
	}, {
		promise: "a torn sector reads as zeros or as noise", power: true,
		play: func(c diskCase) int64 {
			c.durable("a", "")
			return c.after(c.append("a", diskPattern(diskSector)))
		},
		see: func(c diskCase) string {
			data := diskRead(c, "a")
			torn := data[diskIntact(data):]
			switch {
			case torn == "":
				return "intact"
			case strings.Trim(torn, "\x00") == "":
				return "zeros"
			default:
				return "noise"
			}
		},
		left: []string{"intact", "zeros", "noise"},
	}, {
		promise: "a truncation may or may not have happened; what was appended after it needs it", power: true,
		play: func(c diskCase) int64 {
			c.durable("a", "12345")
			return c.after(c.truncate("a", 2), c.append("a", "xy"))
		},
		left: []string{"a=12345", "a=12", "a=12x", "a=12xy", "a=12~", "a=12x~", "a=12~~"},
	}, {
		promise: "a synced truncation stays", power: true,
		play: func(c diskCase) int64 {
			c.durable("a", "12345")
			return c.after(c.truncate("a", 2), c.sync("a"))
		},
		left: []string{"a=12"},
	}, {
		promise: "a rename is atomic", power: true,
		play: func(c diskCase) int64 {
			c.durable("a", "1")
			c.durable("a.new", "2")
			return c.after(c.rename("a.new", "a"))
		},
		left: []string{"a=1 a.new=2", "a=2"},
	}, {
		promise: "a synced rename stays", power: true,
		play: func(c diskCase) int64 {
			c.durable("a", "1")
			return c.after(c.append("a.new", "2"), c.sync("a.new"), c.rename("a.new", "a"), c.SyncDir)
		},
		left: []string{"a=2"},
	}, {
		promise: "a rename without a sync of the file may lose its content, the old one too", power: true,
		play: func(c diskCase) int64 {
			c.durable("a", "1")
			return c.after(c.append("a.new", "2"), c.rename("a.new", "a"), c.SyncDir)
		},
		left: []string{"a=", "a=2", "a=~"},
	}, {
		promise: "a removal without SyncDir may be undone, with the content", power: true,
		play: func(c diskCase) int64 {
			c.durable("a", "1")
			return c.after(c.remove("a"))
		},
		left: []string{"", "a=1"},
	}, {
		promise: "a synced removal stays", power: true,
		play: func(c diskCase) int64 {
			c.durable("a", "1")
			return c.after(c.remove("a"), c.SyncDir)
		},
		left: []string{""},
	}, {
		promise: "a creation without SyncDir may vanish, synced or not", power: true,
		play: func(c diskCase) int64 {
			return c.after(c.append("a", "1"), c.sync("a"))
		},
		left: []string{"", "a=1"},
	}, {
		promise: "changes of names survive in order", power: true,
		play: func(c diskCase) int64 {
			return c.after(c.append("a", ""), c.append("b", ""), c.rename("a", "c"), c.remove("b"))
		},
		left: []string{"", "a=", "a= b=", "b= c=", "c="},
	}, {
		promise: "a removed file and its successor of the same name are two", power: true,
		play: func(c diskCase) int64 {
			c.durable("a", "1")
			return c.after(c.remove("a"), c.append("a", "2"), c.sync("a"))
		},
		left: []string{"a=1", "", "a=2"},
	}, {
		promise: "a sync that the power failure interrupts guarantees nothing", power: true,
		play: func(c diskCase) int64 {
			c.durable("a", "1")
			return c.after(c.append("a", "2"), c.sync("a")) - 1
		},
		left: []string{"a=1", "a=12", "a=1~"},
	}, {
		promise: "a SyncDir that the power failure interrupts guarantees nothing", power: true,
		play: func(c diskCase) int64 {
			return c.after(c.append("a", "1"), c.sync("a"), c.SyncDir) - 1
		},
		left: []string{"", "a=1"},
	}, {
		promise: "what was to come after the power failure never happens", power: true,
		play: func(c diskCase) int64 {
			c.durable("a", "1")
			c.durable("b", "2")
			at := c.clock.now()
			c.after(c.append("a", "x"), c.sync("a"), c.truncate("b", 0), c.sync("b"), c.remove("b"), c.rename("a", "c"), c.SyncDir,
				c.append("d", "x"), c.sync("d"), c.SyncDir)
			return at
		},
		left: []string{"a=1 b=2"},
	}, {
		promise: "a killed process loses nothing that it issued before",
		play: func(c diskCase) int64 {
			c.durable("a", "12345")
			c.durable("b", "6")
			return c.after(c.truncate("a", 2), c.append("a", "x"), c.append("c", "7"), c.rename("b", "d"), c.append("d", "8"))
		},
		left: []string{"a=12x c=7 d=68"},
	}, {
		promise: "a process killed during a sync loses nothing that it issued before",
		play: func(c diskCase) int64 {
			return c.after(c.append("a", "1"), c.sync("a")) - 1
		},
		left: []string{"a=1"},
	}, {
		promise: "what was to come after the process was killed never happens",
		play: func(c diskCase) int64 {
			c.durable("a", "1")
			c.durable("b", "2")
			at := c.after(c.append("a", "3"))
			c.after(c.sync("a"), c.append("a", "x"), c.truncate("b", 0), c.append("b", "y"), c.remove("b"), c.rename("a", "c"), c.SyncDir,
				c.append("d", "x"), c.sync("d"), c.SyncDir)
			return at
		},
		left: []string{"a=13 b=2"},
	}, {
		promise: "what a killed process did not sync may still go with the power later", power: true,
		play: func(c diskCase) int64 {
			c.durable("a", "1")
			at := c.after(c.append("a", "2"))
			c.after(c.sync("a"))
			c.crash(at)
			return c.clock.now()
		},
		left: []string{"a=1", "a=12", "a=1~"},
	},
}

func TestDiskSpec(t *testing.T) {
	const seeds = 2000
	for _, s := range diskSpec {
		t.Run(s.promise, func(t *testing.T) {
			see := s.see
			if see == nil {
				see = func(c diskCase) string { return diskMatch(diskContents(c.t, c.disk), s.left) }
			}
			times := map[string]int{}
			for seed := range uint64(seeds) {
				d, clock := newTestDisk(seed)
				c := diskCase{t, d, clock}
				at := s.play(c)
				rng := newStream(seed, "crash")
				if !s.power {
					d.crash(at)
					times[see(c)]++
					continue
				}
				d.powerLoss(at, rng)
				first, all := see(c), diskContents(t, d)
				times[first]++
				if d.powerLoss(at, rng); diskContents(t, d) != all {
					t.Fatalf("seed %d: a second power loss made %q of %q", seed, diskContents(t, d), all)
				}
			}
			for _, left := range s.left {
				if times[left] == 0 {
					t.Errorf("allowed, but not seen in %d seeds: %q", seeds, left)
				}
			}
			for _, seen := range slices.Sorted(maps.Keys(times)) {
				if !slices.Contains(s.left, seen) {
					t.Errorf("forbidden, but seen %d times: %q", times[seen], seen)
				}
			}
		})
	}
}

// diskMatch returns the first of the patterns that fits, or what there is if none does.
func diskMatch(contents string, patterns []string) string {
	for _, p := range patterns {
		fits := len(p) == len(contents)
		for i := 0; fits && i < len(p); i++ {
			fits = p[i] == contents[i] || p[i] == '~'
		}
		if fits {
			return p
		}
	}
	return contents
}

// diskPattern is n letters of which no two stretches are alike.
func diskPattern(n int) string {
	rng := newStream(0, "pattern")
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(rng.Uint64N(26))
	}
	return string(b)
}

func diskRead(c diskCase, name string) string {
	c.t.Helper()
	data, err := c.Read(name)
	diskOK(c.t, err)
	return string(data)
}

// diskIntact is how far data is as the pattern.
func diskIntact(data string) int {
	pattern := diskPattern(len(data))
	n := 0
	for n < len(data) && data[n] == pattern[n] {
		n++
	}
	return n
}

// diskLong names what is left of the file a, to which three sectors of the pattern were written.
func diskLong(c diskCase) string {
	got, want := diskRead(c, "a"), diskPattern(3*diskSector)
	intact, last := diskIntact(got), (len(got)-1)/diskSector
	switch {
	case got == "":
		return "nothing"
	case got == want:
		return "whole"
	case intact == len(got):
		return "part"
	case intact < last*diskSector:
		return "hole"
	case len(got) == len(want):
		return fmt.Sprintf("whole size, torn in sector %d", last)
	default:
		return fmt.Sprintf("torn in sector %d", last)
	}
}

// TestDiskAgainstReference plays any operations with any crashes among them, and holds what is left against a
// reference that writes every state down.
func TestDiskAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		d, clock := newTestDisk(seed)
		rng := newStream(seed, "crash")
		ref, began := diskReference{}, int64(0)
		for range rapid.IntRange(1, 3).Draw(t, "crashes") {
			for range rapid.IntRange(0, 30).Draw(t, "operations") {
				if rapid.IntRange(0, 4).Draw(t, "callback") == 0 {
					d.settle()
					began = clock.at
				}
				clock.at += rapid.Int64Range(0, 1).Draw(t, "pause")
				op := diskDrawOp(t)
				err := op.on(d)
				op.at = clock.at
				if exists := ref.holds(op); (err == nil) != exists {
					t.Fatalf("%v: error %v, but the file exists: %t", op, err, exists)
				}
				ref.ops = append(ref.ops, op)
			}
			at := rapid.Int64Range(began, clock.at).Draw(t, "crash at")
			if rapid.Bool().Draw(t, "power") {
				d.powerLoss(at, rng)
				ref.powerLoss(t, at, diskFiles(t, d))
			} else {
				d.crash(at)
				ref.crash(t, at, diskFiles(t, d))
			}
			began = clock.at
		}
	})
}

// diskOp is one operation, and when it had happened.
type diskOp struct {
	kind     string
	name, to string
	data     string
	size     int
	at       int64
}

func diskDrawOp(t *rapid.T) diskOp {
	name := rapid.SampledFrom([]string{"a", "b", "c"})
	op := diskOp{
		kind: rapid.SampledFrom([]string{"append", "append", "append", "truncate", "rename", "remove", "sync", "sync", "syncdir"}).Draw(t, "kind"),
		name: name.Draw(t, "name"),
	}
	switch op.kind {
	case "append":
		op.data = diskPattern(rapid.SampledFrom([]int{0, 1, 3, 10, diskSector + 10}).Draw(t, "bytes"))
	case "truncate":
		op.size = rapid.SampledFrom([]int{0, 1, 2, 5, diskSector}).Draw(t, "size")
	case "rename":
		op.to = name.Draw(t, "to")
	}
	return op
}

func (op diskOp) on(d model.Disk) error {
	switch op.kind {
	case "append":
		return d.Append(op.name, []byte(op.data))
	case "truncate":
		return d.Truncate(op.name, int64(op.size))
	case "rename":
		return d.Rename(op.name, op.to)
	case "remove":
		return d.Remove(op.name)
	case "sync":
		return d.Sync(op.name)
	default:
		return d.SyncDir()
	}
}

// diskReference is what was there after the last power loss, and every operation since.
type diskReference struct {
	base map[string]string
	ops  []diskOp
}

// diskStates is every state since the last syncs, of the directory (by name, which file) and of each file.
type diskStates struct {
	dirs  []map[string]int
	files [][]string
}

func diskLast[T any](states []T) T { return states[len(states)-1] }

// states replays the operations that had happened by then.
func (r *diskReference) states(at int64) diskStates {
	s := diskStates{dirs: []map[string]int{{}}}
	for name, data := range r.base {
		s.dirs[0][name] = len(s.files)
		s.files = append(s.files, []string{data})
	}
	for _, op := range r.ops {
		if op.at <= at {
			s.replay(op)
		}
	}
	return s
}

func (s *diskStates) replay(op diskOp) {
	dir := maps.Clone(diskLast(s.dirs))
	id, exists := dir[op.name]
	if op.kind == "syncdir" {
		s.dirs = []map[string]int{dir}
		return
	}
	if op.kind == "append" && !exists {
		id, exists = len(s.files), true
		s.files = append(s.files, []string{""})
		dir[op.name] = id
		s.dirs = append(s.dirs, dir)
	}
	if !exists {
		return
	}
	data := diskLast(s.files[id])
	switch op.kind {
	case "append":
		for i := range len(op.data) {
			s.files[id] = append(s.files[id], data+op.data[:i+1])
		}
	case "truncate":
		s.files[id] = append(s.files[id], data[:min(op.size, len(data))])
	case "sync":
		s.files[id] = []string{data}
	case "rename":
		delete(dir, op.name)
		dir[op.to] = id
		s.dirs = append(s.dirs, dir)
	case "remove":
		delete(dir, op.name)
		s.dirs = append(s.dirs, dir)
	}
}

// holds tells whether an operation finds the file that it needs.
func (r *diskReference) holds(op diskOp) bool {
	if op.kind == "append" || op.kind == "remove" || op.kind == "syncdir" {
		return true
	}
	_, exists := diskLast(r.states(math.MaxInt64).dirs)[op.name]
	return exists
}

// crash expects the last state of everything.
func (r *diskReference) crash(t *rapid.T, at int64, got map[string]string) {
	s := r.states(at)
	want := map[string]string{}
	for name, id := range diskLast(s.dirs) {
		want[name] = diskLast(s.files[id])
	}
	if !maps.Equal(got, want) {
		t.Fatalf("a killed process left %q, want %q, after %v", got, want, r.ops)
	}
	r.ops = slices.DeleteFunc(r.ops, func(op diskOp) bool { return op.at > at })
}

// powerLoss expects any state of the directory with any states of its files.
func (r *diskReference) powerLoss(t *rapid.T, at int64, got map[string]string) {
	s := r.states(at)
	if !slices.ContainsFunc(s.dirs, func(dir map[string]int) bool { return s.fits(dir, got) }) {
		t.Fatalf("a power loss at %d left %q after %v", at, got, r.ops)
	}
	r.base, r.ops = got, nil
}

func (s *diskStates) fits(dir map[string]int, got map[string]string) bool {
	for name, id := range dir {
		data, exists := got[name]
		if !exists || !diskMayBe(data, s.files[id]) {
			return false
		}
	}
	return len(dir) == len(got)
}

// diskMayBe tells whether data is one of the states, but for its last sector, as far as that was not synced.
func diskMayBe(data string, states []string) bool {
	synced := math.MaxInt
	for _, s := range states {
		synced = min(synced, len(s))
	}
	intact := max(synced, (len(data)-1)/diskSector*diskSector)
	return slices.ContainsFunc(states, func(s string) bool { return len(s) == len(data) && s[:intact] == data[:intact] })
}

func diskFiles(t *rapid.T, d *disk) map[string]string {
	names, err := d.List()
	out := map[string]string{}
	for _, name := range names {
		data, readErr := d.Read(name)
		err = errors.Join(err, readErr)
		out[name] = string(data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}
