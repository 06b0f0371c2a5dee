package node

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"firedrill/model"
)

// TestBallast fills a small file system, and takes what becomes free there, until it is thrown off.
func TestBallast(t *testing.T) {
	path := t.TempDir()
	if err := syscall.Mount("firedrill-test", path, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("SKIPPED: mounting a small file system: %v", err)
	}
	t.Cleanup(func() { // after the disk is closed
		if err := syscall.Unmount(path, 0); err != nil {
			t.Error(err)
		}
	})
	d := openFaultyDisk(t, path, new(Faults))
	b := ballast{disk: path}
	page := make([]byte, os.Getpagesize())
	must(t, d.Append("log", page), d.Append("old", page), b.settle(true), b.settle(true))
	full := func(when string, name string, data []byte) {
		t.Helper()
		if err := d.Append(name, data); !errors.Is(err, model.ErrDiskFull) {
			t.Errorf("%s: appended with %v, want %v", when, err, model.ErrDiskFull)
		}
	}
	full("full", "log", []byte("x"))
	must(t, d.Remove("old"))
	time.Sleep(20 * ballastEvery)
	full("something was removed", "log", page)
	if names, err := d.List(); len(names) != 1 || err != nil {
		t.Errorf("the node sees %v, %v", names, err)
	}
	next := ballast{disk: path} // of a process that begins when another was killed
	must(t, next.settle(true))
	full("taken over", "log", []byte("x"))
	must(t, b.settle(false), next.settle(false), next.settle(false))
	must(t, d.Append("log", make([]byte, 128<<10)))
	if data, err := d.Read("log"); len(data) != 128<<10+len(page) || err != nil {
		t.Errorf("the log has %d bytes, %v", len(data), err)
	}
}

func TestADiskOfTheMachineIsNotFilled(t *testing.T) {
	here, err := os.Getwd()
	must(t, err)
	if mayBeFilled(here) == nil {
		t.Skip("SKIPPED: the source lies on a tmpfs")
	}
	b := ballast{disk: here}
	if err := b.settle(true); err == nil {
		t.Error("the machine's disk is filled")
		_ = b.settle(false)
	}
	if _, err := os.Stat(ballastDir); err == nil {
		t.Error("there is ballast")
	}
}
