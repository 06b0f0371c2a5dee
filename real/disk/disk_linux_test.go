package disk

import (
	"errors"
	"syscall"
	"testing"

	"firedrill/model"
)

// TestDiskFull fills a file system of 64 KiB. The append that fails must leave nothing behind, although the
// kernel takes as much of it as fits.
func TestDiskFull(t *testing.T) {
	path := t.TempDir()
	if err := syscall.Mount("firedrill-test", path, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mounting a small file system: %v", err)
	}
	t.Cleanup(func() { // after the disk is closed
		if err := syscall.Unmount(path, 0); err != nil {
			t.Error(err)
		}
	})
	d := openDisk(t, path)
	ok(t, d.Append("log", []byte("kept")))
	if err := d.Append("log", make([]byte, 1<<20)); !errors.Is(err, model.ErrDiskFull) {
		t.Fatalf("error %v, want %v", err, model.ErrDiskFull)
	}
	ok(t, d.Append("log", []byte(" and going on")))
	wantContent(t, d, "log", "kept and going on")
}
