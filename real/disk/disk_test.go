package disk

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"firedrill/model"
	"firedrill/model/disktest"
)

func openDisk(t *testing.T, path string) *Disk {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestDiskContract(t *testing.T) {
	disktest.Run(t, func(t *testing.T) model.Disk { return openDisk(t, t.TempDir()) })
}

// TestDiskOutlivesItsProcess leaves files to a disk that has not opened them itself.
func TestDiskOutlivesItsProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "on", "demand")
	first := openDisk(t, path)
	ok(t, first.Append("log", []byte("one ")), first.Append("log", []byte("two twice")), first.Append("new", []byte("new")),
		first.Append("old", []byte("old")), first.Close())

	second := openDisk(t, path)
	ok(t, second.Truncate("log", 8), second.Append("log", []byte("three")))
	wantContent(t, second, "log", "one two three")
	ok(t, second.Append("old", nil), second.Rename("new", "old"), second.Append("old", []byte("er")))
	wantContent(t, second, "old", "newer")
}

func TestDiskListsFilesOnly(t *testing.T) {
	path := t.TempDir()
	if err := os.Mkdir(filepath.Join(path, "lost+found"), 0o755); err != nil {
		t.Fatal(err)
	}
	d := openDisk(t, path)
	ok(t, d.Append("log", nil))
	if got, err := d.List(); err != nil || !slices.Equal(got, []string{"log"}) {
		t.Errorf("List: %q, %v", got, err)
	}
}

// TestDiskGivesUpAfterFailedSync closes a file, or the directory, behind the disk's back, which is as good as
// any reason for fsync to fail.
func TestDiskGivesUpAfterFailedSync(t *testing.T) {
	for name, sync := range map[string]func(d *Disk) error{
		"Sync":    func(d *Disk) error { return errors.Join(d.files["log"].Close(), d.Sync("log")) },
		"SyncDir": func(d *Disk) error { return errors.Join(d.dir.Close(), d.SyncDir()) },
	} {
		t.Run(name, func(t *testing.T) {
			d := openDisk(t, t.TempDir())
			ok(t, d.Append("log", []byte("one")), d.Append("other", []byte("two")))
			if err := sync(d); !errors.Is(err, model.ErrDiskIO) {
				t.Fatalf("error %v, want %v", err, model.ErrDiskIO)
			}
			_, read := d.Read("other")
			_, list := d.List()
			for op, err := range map[string]error{
				"Append": d.Append("other", []byte("more")), "Read": read, "Truncate": d.Truncate("other", 0), "Rename": d.Rename("other", "log"),
				"Remove": d.Remove("other"), "List": list, "Sync": d.Sync("other"), "SyncDir": d.SyncDir(),
			} {
				if !errors.Is(err, model.ErrDiskIO) {
					t.Errorf("%s afterwards: error %v, want %v", op, err, model.ErrDiskIO)
				}
			}
		})
	}
}

func TestDiskErrors(t *testing.T) {
	for _, c := range []struct {
		of   error
		want error
	}{
		{nil, nil},
		{&os.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}, model.ErrNotExist},
		{&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, model.ErrDiskFull},
		{&os.PathError{Op: "write", Path: "x", Err: syscall.EDQUOT}, model.ErrDiskFull},
		{&os.PathError{Op: "read", Path: "x", Err: syscall.EIO}, model.ErrDiskIO},
		{&os.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, model.ErrDiskIO},
	} {
		if got := diskError(c.of); !errors.Is(got, c.want) {
			t.Errorf("%v became %v, want %v", c.of, got, c.want)
		}
	}
}

func ok(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func wantContent(t *testing.T, d *Disk, name, want string) {
	t.Helper()
	if got, err := d.Read(name); err != nil || string(got) != want {
		t.Errorf("%s holds %q (error %v), want %q", name, got, err, want)
	}
}
