package backup

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"firedrill/model"
	"firedrill/model/disktest"
)

// contents reads all files of a disk.
func contents(t fataler, disk model.Disk) map[string]string {
	t.Helper()
	names, err := disk.List()
	if err != nil {
		t.Fatalf("%v", err)
	}
	out := make(map[string]string)
	for _, n := range names {
		data, err := disk.Read(n)
		if err != nil {
			t.Fatalf("%v", err)
		}
		out[n] = string(data)
	}
	return out
}

func ok(t fataler, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v", err)
	}
}

// TestSaveCrash: whenever the power fails or the process dies, what List names is whole, what was there before is
// there, and what Save has promised is there; the next Save and Prune need nobody's help.
func TestSaveCrash(t *testing.T) {
	for _, c := range []struct {
		name, was string // content of the file before, if any
	}{{"new", ""}, {"replaced", "an old backup"}} {
		t.Run(c.name, func(t *testing.T) {
			disk := disktest.NewStrict()
			ok(t, disk.Append("log-1", []byte("raft")))
			ok(t, disk.Sync("log-1"))
			ok(t, Save(disk, Name(1), []byte("first")))
			if c.was != "" {
				ok(t, Save(disk, Name(2), []byte(c.was)))
			}
			promised, steps := false, 0
			disk.Step = func() {
				steps++
				for _, left := range append(disk.AfterPowerLoss(), disk.AfterKill()) {
					checkLeft(t, left, c.was, promised)
				}
			}
			ok(t, Save(disk, Name(2), []byte("a new backup")))
			promised = true
			disk.Step()
			if steps < 5 {
				t.Errorf("only %d crashes", steps)
			}
		})
	}
}

// checkLeft looks at a disk after a crash in the middle of the second backup, and goes on with it.
func checkLeft(t *testing.T, disk *disktest.Strict, was string, promised bool) {
	names, err := List(disk)
	ok(t, err)
	files := contents(t, disk)
	got, there := files[Name(2)]
	switch {
	case files["log-1"] != "raft" || files[Name(1)] != "first" || there != slices.Contains(names, Name(2)):
		t.Fatalf("left: %q, listed: %q", files, names)
	case there && got != "a new backup" && got != was:
		t.Fatalf("half a backup: %q", got)
	case promised && got != "a new backup", was != "" && !there:
		t.Fatalf("a backup is gone: %q", files)
	}
	ok(t, Save(disk, Name(3), []byte("third")))
	ok(t, Prune(disk, 1))
	disk.Power()
	if files := contents(t, disk); len(files) != 2 || files["log-1"] != "raft" || files[Name(3)] != "third" {
		t.Fatalf("after the next one: %q", files)
	}
}

// TestPruneCrash: a crash leaves the newest, and what Prune has promised to be gone is gone.
func TestPruneCrash(t *testing.T) {
	disk := disktest.NewStrict()
	for i := range uint64(4) {
		ok(t, Save(disk, Name(i), []byte{'0' + byte(i)}))
	}
	ok(t, disk.Append(Name(9)+".new", []byte("half")))
	ok(t, disk.Append("mine.new", nil))
	ok(t, disk.SyncDir())
	disk.Step = func() {
		for _, left := range append(disk.AfterPowerLoss(), disk.AfterKill()) {
			if files := contents(t, left); files[Name(2)] != "2" || files[Name(3)] != "3" {
				t.Fatalf("left: %q", files)
			}
		}
	}
	ok(t, Prune(disk, 2))
	disk.Power()
	got, err := disk.List()
	if want := []string{Name(2), Name(3), "mine.new"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("left: %q, %v, want %q", got, err, want)
	}
	disk.Step = func() { t.Error("there was nothing to do") }
	ok(t, Prune(disk, 2))
}

func TestSaveRefusesOtherNames(t *testing.T) {
	disk := disktest.NewStrict()
	for _, name := range []string{"", "log-1", "../" + Name(1), Name(1) + ".new"} {
		if err := Save(disk, name, nil); err == nil || !strings.Contains(err.Error(), "is not the name of a backup, such as backup-0") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if files := contents(t, disk); len(files) != 0 {
		t.Errorf("left: %q", files)
	}
}

// badDisk fails one operation, the n-th from 0.
type badDisk struct {
	*disktest.Strict
	n int
}

var errBad = errors.New("bad disk")

func (d *badDisk) fail(do func() error) error {
	d.n--
	if d.n == -1 {
		return errBad
	}
	return do()
}

func (d *badDisk) Append(name string, data []byte) error {
	return d.fail(func() error { return d.Strict.Append(name, data) })
}
func (d *badDisk) Remove(name string) error {
	return d.fail(func() error { return d.Strict.Remove(name) })
}
func (d *badDisk) Rename(a, b string) error {
	return d.fail(func() error { return d.Strict.Rename(a, b) })
}
func (d *badDisk) Sync(name string) error {
	return d.fail(func() error { return d.Strict.Sync(name) })
}
func (d *badDisk) SyncDir() error { return d.fail(d.Strict.SyncDir) }
func (d *badDisk) List() (names []string, err error) {
	err = d.fail(func() error { names, err = d.Strict.List(); return err })
	return names, err
}

// TestDiskErrors: every error of the disk is told, names the file, and leaves the backups that were there.
func TestDiskErrors(t *testing.T) {
	prepared := func(n int) *badDisk {
		d := disktest.NewStrict()
		for i := range uint64(3) {
			ok(t, Save(d, Name(i), []byte("old")))
		}
		return &badDisk{d, n}
	}
	for n := range 5 {
		d := prepared(n)
		err := Save(d, Name(5), []byte("new"))
		files := contents(t, d.Strict)
		if !errors.Is(err, errBad) || !strings.HasPrefix(err.Error(), "backup: "+Name(5)) || files[Name(2)] != "old" || files[Name(5)+".new"] != "" {
			t.Errorf("Save, operation %d: %v; left: %q", n, err, files)
		}
	}
	ok(t, Save(prepared(5), Name(5), nil))
	for n := range 4 { // list, two removals, the directory
		d := prepared(n)
		err := Prune(d, 1)
		if files := contents(t, d.Strict); !errors.Is(err, errBad) || files[Name(2)] != "old" {
			t.Errorf("Prune, operation %d: %v; left: %q", n, err, files)
		}
		ok(t, Prune(d, 1))
		if files := contents(t, d.Strict); len(files) != 1 {
			t.Errorf("Prune again: %q", files)
		}
	}
	ok(t, Prune(prepared(4), 1))
	if _, err := List(prepared(0)); !errors.Is(err, errBad) {
		t.Errorf("List: %v", err)
	}
}
