package node

import (
	"bytes"
	"errors"
	"math/bits"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"firedrill/model"
	"firedrill/model/disktest"
	"firedrill/real/disk"
)

func openFaultyDisk(t *testing.T, path string, f *Faults) *faultyDisk {
	t.Helper()
	plain, err := disk.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { plain.Close() })
	d, err := newFaultyDisk(plain, f)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAFaultyDiskIsADisk(t *testing.T) {
	disktest.Run(t, func(t *testing.T) model.Disk { return openFaultyDisk(t, t.TempDir(), new(Faults)) })
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// TestReadErrors: a file that is not there is missed all the same, and all but reading works.
func TestReadErrors(t *testing.T) {
	f := new(Faults)
	d := openFaultyDisk(t, t.TempDir(), f)
	must(t, d.Append("log", []byte("one")))
	f.Strike(Fault{ID: 1, Unreadable: true})
	if _, err := d.Read("log"); !errors.Is(err, model.ErrDiskIO) {
		t.Errorf("read with %v, want %v", err, model.ErrDiskIO)
	}
	if _, err := d.Read("none"); !errors.Is(err, model.ErrNotExist) {
		t.Errorf("what is not there is read with %v, want %v", err, model.ErrNotExist)
	}
	must(t, d.Append("log", []byte(" two")), d.Sync("log"), d.Rename("log", "new"), d.Truncate("new", 5), d.SyncDir())
	f.Mend(1)
	if data, err := d.Read("new"); string(data) != "one t" || err != nil {
		t.Errorf("the file holds %q, %v", data, err)
	}
}

// TestSyncsTakeAsLongAsFaultsWant holds syncs up by one fault, by two, and by none.
func TestSyncsTakeAsLongAsFaultsWant(t *testing.T) {
	for _, c := range []struct {
		name  string
		ended map[int]time.Duration // when the fault with an id is over
		fault Fault
		want  time.Duration
	}{
		{"stuck", map[int]time.Duration{1: 3 * time.Second}, Fault{Stuck: true}, 3 * time.Second},
		{"stuck twice", map[int]time.Duration{1: time.Second, 2: 4 * time.Second}, Fault{Stuck: true}, 4 * time.Second},
		{"slow twice", map[int]time.Duration{1: time.Minute, 2: time.Minute}, Fault{Sync: time.Second}, 2 * time.Second},
		{"slow, and stuck for less", map[int]time.Duration{1: time.Second}, Fault{Sync: 2 * time.Second, Stuck: true}, 2 * time.Second},
		{"slow, and stuck for longer", map[int]time.Duration{1: 5 * time.Second}, Fault{Sync: 2 * time.Second, Stuck: true}, 5 * time.Second},
		{"other faults", map[int]time.Duration{1: time.Minute}, Fault{Unreadable: true, Full: true, Deaf: true}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				f := new(Faults)
				d := openFaultyDisk(t, path, f)
				must(t, d.Append("log", []byte("one")))
				for sync, do := range map[string]func() error{"Sync": func() error { return d.Sync("log") }, "SyncDir": d.SyncDir} {
					for id, after := range c.ended {
						fault := c.fault
						fault.ID = id
						f.Strike(fault)
						time.AfterFunc(after, func() { f.Mend(id) })
					}
					begin := time.Now()
					must(t, do())
					if took := time.Since(begin); took != c.want {
						t.Errorf("%s took %v, want %v", sync, took, c.want)
					}
					time.Sleep(time.Hour)
				}
			})
		})
	}
}

// TestRot flips bits again and again: each time one, never of what no sync has covered, and often in the last sector.
func TestRot(t *testing.T) {
	path := t.TempDir()
	before := openFaultyDisk(t, path, new(Faults))
	old := bytes.Repeat([]byte{0}, 8*rotSector)
	must(t, before.rot(), before.Append("old", old)) // of nothing nothing rots

	d := openFaultyDisk(t, path, new(Faults)) // a process that finds the file
	must(t, d.Append("young", []byte(strings.Repeat("y", 100))), d.Append("brief", []byte("brief")), d.Sync("brief"),
		d.Append("brief", []byte(" and more")), d.Append("cut", []byte("cut off")), d.Sync("cut"), d.Truncate("cut", 0), d.Append("cut", []byte("anew")),
		d.Append("gone", []byte("gone")), d.Sync("gone"), d.Remove("gone"), d.Append("part", []byte("part")), d.Sync("part"), d.Rename("part", "moved"))
	const times = 200
	last, rotten := 0, make(map[string]int)
	for range times {
		was := contents(t, d)
		must(t, d.rot())
		flipped := 0
		for name, data := range contents(t, d) {
			for i := range data {
				n := bits.OnesCount8(data[i] ^ was[name][i])
				flipped += n
				rotten[name] += n
				if n > 0 && (name == "brief" && i >= 5 || name == "young" || name == "cut") {
					t.Errorf("byte %d of %s rots, which was not synced", i, name)
				}
				if n > 0 && name == "old" && i >= len(old)-rotSector {
					last++
				}
			}
		}
		if flipped != 1 {
			t.Fatalf("%d bits flipped", flipped)
		}
	}
	if last < times/3 || last > times*5/6 { // some 56 in a hundred, give or take five standard deviations
		t.Errorf("%d of %d bits flipped in the last sector", last, times)
	}
}

func contents(t *testing.T, d model.Disk) map[string][]byte {
	t.Helper()
	names, err := d.List()
	must(t, err)
	all := make(map[string][]byte)
	for _, name := range names {
		all[name], err = d.Read(name)
		must(t, err)
	}
	return all
}
