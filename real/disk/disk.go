// Package disk is the disk of a node in the real world: a directory of the file system.
package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"firedrill/model"
)

// Disk is a directory of the file system as a [model.Disk]. It belongs to one goroutine of one process.
//
// Only regular files are listed: the lost+found of a freshly made volume is not the node's.
//
// After a sync has failed, the disk fails for good, with ErrDiskIO: the kernel may have dropped the pages it
// could not write and marked them clean, so that the next fsync would succeed over a hole (Rebello and
// others, "Can Applications Recover from fsync Failures?", USENIX ATC 2020). A node that wants to go on has
// to restart and look at what it has.
type Disk struct {
	path   string
	dir    *os.File
	files  map[string]*appender
	failed error // of the first sync that failed
}

// appender is a file kept open.
type appender struct {
	*os.File
	size int64
}

// Open opens the directory, which it creates if need be; that the directory itself outlives a power loss
// is for who lays out the machine to see to.
func Open(path string) (*Disk, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, err
	}
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &Disk{path: path, dir: dir, files: make(map[string]*appender)}, nil
}

// Close closes all files. It syncs nothing.
func (d *Disk) Close() error {
	errs := []error{d.dir.Close()}
	for _, f := range d.files {
		errs = append(errs, f.Close())
	}
	clear(d.files)
	return errors.Join(errs...)
}

// Append implements [model.Disk]. What a full disk took of data before it was full is cut off again.
func (d *Disk) Append(name string, data []byte) error {
	f, err := d.open(name, os.O_CREATE)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		if undo := f.Truncate(f.size); undo != nil {
			d.fail(undo)
		}
		return diskError(err)
	}
	f.size += int64(len(data))
	return nil
}

// Read implements [model.Disk].
func (d *Disk) Read(name string) ([]byte, error) {
	if err := d.usable(name); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(d.at(name))
	return data, diskError(err)
}

// Truncate implements [model.Disk].
func (d *Disk) Truncate(name string, size int64) error {
	f, err := d.open(name, 0)
	if err != nil {
		return err
	}
	if size < 0 {
		return errors.New("negative file size")
	}
	if size >= f.size {
		return nil
	}
	if err := f.Truncate(size); err != nil {
		return diskError(err)
	}
	f.size = size
	return nil
}

// Rename implements [model.Disk].
func (d *Disk) Rename(name, newName string) error {
	if err := errors.Join(d.usable(name), checkName(newName)); err != nil {
		return err
	}
	if err := os.Rename(d.at(name), d.at(newName)); err != nil {
		return diskError(err)
	}
	d.release(name)
	d.release(newName)
	return nil
}

// Remove implements [model.Disk].
func (d *Disk) Remove(name string) error {
	if err := d.usable(name); err != nil {
		return err
	}
	if err := os.Remove(d.at(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return diskError(err)
	}
	d.release(name)
	return nil
}

// List implements [model.Disk].
func (d *Disk) List() ([]string, error) {
	if d.failed != nil {
		return nil, d.failed
	}
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, diskError(err)
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Sync implements [model.Disk].
func (d *Disk) Sync(name string) error {
	f, err := d.open(name, 0)
	if err != nil {
		return err
	}
	return d.fail(f.Sync())
}

// SyncDir implements [model.Disk].
func (d *Disk) SyncDir() error {
	if d.failed != nil {
		return d.failed
	}
	return d.fail(d.dir.Sync())
}

// open returns the file, opened for appending with the further flags unless it is open already.
func (d *Disk) open(name string, flags int) (*appender, error) {
	if err := d.usable(name); err != nil {
		return nil, err
	}
	if f := d.files[name]; f != nil {
		return f, nil
	}
	file, err := os.OpenFile(d.at(name), os.O_WRONLY|os.O_APPEND|flags, 0o644)
	if err != nil {
		return nil, diskError(err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(diskError(err), file.Close())
	}
	f := &appender{file, info.Size()}
	d.files[name] = f
	return f, nil
}

// release closes the file, because the name may no longer stand for it.
func (d *Disk) release(name string) {
	if f := d.files[name]; f != nil {
		f.Close() // writes nothing, and so cannot fail to
		delete(d.files, name)
	}
}

// fail gives the disk up if err is one.
func (d *Disk) fail(err error) error {
	if err != nil {
		d.failed = fmt.Errorf("%w: given up after: %v", model.ErrDiskIO, err)
	}
	return d.failed
}

// usable tells whether the disk still works and the name is one.
func (d *Disk) usable(name string) error {
	if d.failed != nil {
		return d.failed
	}
	return checkName(name)
}

func (d *Disk) at(name string) string { return filepath.Join(d.path, name) }

// checkName refuses what is not the name of a file in one flat directory.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("%q is not a plain file name", name)
	}
	return nil
}

// diskError puts an error of the operating system in the terms of the model.
func diskError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %v", model.ErrNotExist, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %v", model.ErrDiskFull, err)
	default:
		return fmt.Errorf("%w: %v", model.ErrDiskIO, err)
	}
}
