package model

import (
	"errors"
	"fmt"
	"hash/crc32"
)

// ErrDamaged says that a file does not hold what was written.
var ErrDamaged = errors.New("the file is damaged")

// sealed is the length of the checksum, in hexadecimal digits, that ends a file of [WriteDurable].
const sealed = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func seal(data []byte) string { return fmt.Sprintf("%0*x", sealed, crc32.Checksum(data, castagnoli)) }

// WriteDurable replaces a file as [ReplaceFile] does, with a checksum behind the data: a disk may give back other bytes
// than it was given.
func WriteDurable(d Disk, name string, data []byte) error {
	return ReplaceFile(d, name, append(data[:len(data):len(data)], seal(data)...))
}

// ReplaceFile replaces a file in one step: after a loss of power the disk holds the old or the new content, and once
// this returns nil, the new one. Errors are the disk's; the old content then stays.
func ReplaceFile(d Disk, name string, data []byte) error {
	fresh := name + ".new"
	if err := d.Remove(fresh); err != nil {
		return err
	}
	if err := d.Append(fresh, data); err != nil {
		return err
	}
	if err := d.Sync(fresh); err != nil {
		return err
	}
	if err := d.Rename(fresh, name); err != nil {
		return err
	}
	return d.SyncDir()
}

// ReadDurable returns a file of [WriteDurable] that will still be there after a loss of power, or ErrNotExist, or
// ErrDamaged. What a killed process left may be in the page cache alone: who relied on that could be taken back to what was there before.
func ReadDurable(d Disk, name string) ([]byte, error) {
	data, err := d.Read(name)
	if err != nil {
		return nil, err
	}
	if err := d.Sync(name); err != nil {
		return nil, err
	}
	body := data[:max(0, len(data)-sealed)]
	if string(data[len(body):]) != seal(body) {
		return nil, fmt.Errorf("%s: %w", name, ErrDamaged)
	}
	return body, d.SyncDir()
}
