package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"firedrill/model"
	"firedrill/model/disktest"
)

// diskTestClock is the time of a node that does nothing but use its disk.
type diskTestClock struct{ at int64 }

func (c *diskTestClock) now() int64            { return c.at }
func (c *diskTestClock) spend(d time.Duration) { c.at += int64(d) }

var diskTestProfile = diskProfile{syncMin: 500 * time.Microsecond, syncMax: 2 * time.Millisecond}

func newTestDisk(seed uint64) (*disk, *diskTestClock) {
	clock := new(diskTestClock)
	return newDisk(clock, newStream(seed, "disk"), diskTestProfile), clock
}

func TestDiskContract(t *testing.T) {
	var seed uint64
	disktest.Run(t, func(*testing.T) model.Disk {
		seed++
		d, _ := newTestDisk(seed)
		return d
	})
}

// diskContents renders all that a disk holds, in order of name.
func diskContents(t testing.TB, d *disk) string {
	t.Helper()
	names, err := d.List()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range names {
		data, err := d.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s=%s", name, data))
	}
	return strings.Join(out, " ")
}

func diskOK(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestDiskSyncTakesTime(t *testing.T) {
	d, clock := newTestDisk(1)
	diskOK(t, d.Append("a", []byte("one")), d.Rename("a", "b"), d.Truncate("b", 1))
	if clock.at != 0 {
		t.Errorf("operations that are no syncs took %v", time.Duration(clock.at))
	}
	syncs := map[string]func() error{"Sync": func() error { return d.Sync("b") }, "SyncDir": d.SyncDir}
	for _, d.slow = range []time.Duration{0, time.Second} {
		for name, sync := range syncs {
			taken := map[time.Duration]bool{}
			for range 100 {
				from := clock.at
				diskOK(t, sync())
				took := time.Duration(clock.at-from) - d.slow
				if took < d.syncMin || took > d.syncMax {
					t.Fatalf("%s took %v beyond %v, want between %v and %v", name, took, d.slow, d.syncMin, d.syncMax)
				}
				taken[took] = true
			}
			if len(taken) < 50 {
				t.Errorf("100 runs of %s took only %d different times", name, len(taken))
			}
		}
	}
}

func TestDiskFull(t *testing.T) {
	d, _ := newTestDisk(1)
	d.capacity = 10
	diskOK(t, d.Append("a", []byte("123456")), d.Append("b", []byte("7890")))
	for _, name := range []string{"a", "new"} {
		if err := d.Append(name, []byte("x")); !errors.Is(err, model.ErrDiskFull) {
			t.Errorf("appending to %s: error %v, want %v", name, err, model.ErrDiskFull)
		}
	}
	if got := diskContents(t, d); got != "a=123456 b=7890" {
		t.Errorf("a full disk took something: %s", got)
	}
	diskOK(t, d.Truncate("a", 5), d.Append("b", []byte("x")), d.Remove("b"), d.Append("a", []byte("67890")))

	d.capacity, d.full = 0, 1
	if err := d.Append("a", []byte("x")); !errors.Is(err, model.ErrDiskFull) {
		t.Errorf("with the fault: error %v, want %v", err, model.ErrDiskFull)
	}
	d.full = 0
	diskOK(t, d.Append("a", []byte("x")))
}

func TestDiskStuck(t *testing.T) {
	d, clock := newTestDisk(1)
	diskOK(t, d.Append("a", []byte("one")))
	d.stuck = clock.at + int64(time.Second)
	if diskOK(t, d.Sync("a")); clock.at < d.stuck || clock.at > d.stuck+int64(time.Millisecond) {
		t.Errorf("a sync returns at %d, while the disk is stuck until %d", clock.at, d.stuck)
	}
	before := clock.at
	if diskOK(t, d.Sync("a")); clock.at-before > int64(100*time.Millisecond) {
		t.Errorf("afterwards it takes %v", time.Duration(clock.at-before))
	}
}

func TestDiskReadError(t *testing.T) {
	d, _ := newTestDisk(1)
	diskOK(t, d.Append("a", []byte("one")))
	d.unreadable = 1
	if _, err := d.Read("a"); !errors.Is(err, model.ErrDiskIO) {
		t.Errorf("error %v, want %v", err, model.ErrDiskIO)
	}
	if _, err := d.Read("b"); !errors.Is(err, model.ErrNotExist) {
		t.Errorf("error %v, want %v", err, model.ErrNotExist)
	}
	d.unreadable = 0
	if got := diskContents(t, d); got != "a=one" {
		t.Errorf("after the fault: %s", got)
	}
}

// TestDiskRot flips bits one by one: each time exactly one bit of what was synced changes, every such bit has
// its turn, and a power loss does not heal it.
func TestDiskRot(t *testing.T) {
	hit := map[string]bool{}
	for seed := range uint64(2000) {
		d, clock := newTestDisk(seed)
		rng := newStream(seed, "rot")
		if name := d.rot("", rng); name != "" {
			t.Fatalf("a bit of %q rotted on an empty disk", name)
		}
		diskOK(t, d.Append("a", []byte("abc")), d.Sync("a"), d.Append("b", []byte("de")), d.Sync("b"), d.Append("c", []byte("unsynced")),
			d.Truncate("a", 2), d.Append("a", []byte("x")), d.Append("b", []byte("xx")), d.Truncate("b", 3), d.SyncDir())
		if name := d.rot("c", rng); name != "" {
			t.Fatalf("a bit of %q rotted that is not on the platter", name)
		}
		d.settle()
		name := d.rot("", rng)
		want := map[string]string{"a": "ab", "b": "de"}
		for range 2 {
			for file, was := range want {
				data, err := d.Read(file)
				diskOK(t, err)
				flipped := diskFlipped(was, data)
				if file != name && flipped != nil || file == name && len(flipped) != 1 {
					t.Fatalf("rot in %q: of %s the bits %v changed", name, file, flipped)
				}
				if file == name {
					hit[fmt.Sprint(name, flipped[0])] = true
				}
			}
			d.powerLoss(clock.now(), rng)
		}
	}
	if len(hit) != 4*8 {
		t.Errorf("%d different bits rotted, want all of 4 bytes: %v", len(hit), hit)
	}
}

// diskFlipped lists the bits in which data differs from was, as far as both go.
func diskFlipped(was string, data []byte) (bits []int) {
	for i := range min(len(was), len(data)) {
		for b := range 8 {
			if (was[i]^data[i])>>b&1 == 1 {
				bits = append(bits, 8*i+b)
			}
		}
	}
	return bits
}

// TestDiskMemoryStaysFlat runs a node that never syncs its directory, and rewrites a file without syncing it.
func TestDiskMemoryStaysFlat(t *testing.T) {
	d, _ := newTestDisk(1)
	for i := range 10_000 {
		name := fmt.Sprint("file", i)
		diskOK(t, d.Append(name, []byte("x")), d.Remove(name), d.Append("same", []byte("x")), d.Truncate("same", 0))
		d.settle()
		if f := d.file("same"); len(d.dirs) > diskUnsynced || len(f.past) > diskUnsynced {
			t.Fatalf("round %d: %d states of the directory and %d of a file are kept", i, len(d.dirs), len(f.past))
		}
	}
	if got := diskContents(t, d); got != "same=" {
		t.Errorf("left over: %s", got)
	}
}

// TestDiskRepeats does the same with the same seed twice.
func TestDiskRepeats(t *testing.T) {
	play := func(seed uint64) (log []string) {
		d, clock := newTestDisk(seed)
		rng := newStream(seed, "power")
		for range 5 {
			for i := range 12 {
				name := fmt.Sprint("file", i)
				diskOK(t, d.Append(name, []byte(strings.Repeat(name, 200))))
				if i%3 == 0 {
					diskOK(t, d.Sync(name), d.Truncate(name, 700), d.SyncDir())
				}
			}
			d.powerLoss(clock.now()-int64(time.Millisecond), rng)
			log = append(log, fmt.Sprint(clock.at, d.rot("", rng), diskContents(t, d)))
		}
		return log
	}
	for seed := range uint64(50) {
		if a, b := play(seed), play(seed); !slices.Equal(a, b) {
			t.Fatalf("seed %d played twice:\n%q\n%q", seed, a, b)
		}
	}
	if slices.Equal(play(1), play(2)) {
		t.Error("the seed makes no difference")
	}
}

// BenchmarkDiskAppendSync is a log of 128-byte records, each synced in a callback of its own, that begins a
// new file every 64 MiB.
func BenchmarkDiskAppendSync(b *testing.B) {
	d, _ := newTestDisk(1)
	record := make([]byte, 128)
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		d.settle()
		if size += len(record); size > 64<<20 {
			diskOK(b, d.Remove("log"), d.SyncDir())
			size = len(record)
		}
		if d.Append("log", record) != nil || d.Sync("log") != nil {
			b.Fatal("the disk failed")
		}
	}
}
