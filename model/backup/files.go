package backup

import (
	"fmt"
	"strings"

	"firedrill/model"
)

// Save keeps a backup on the disk under a name made by [Name]. When it returns nil the file is durable; whatever
// happens before, a file of that name is whole: the new one, or the one that was there.
func Save(disk model.Disk, name string, data []byte) error {
	if _, ok := ParseName(name); !ok {
		return fmt.Errorf("backup: %q is not the name of a backup, such as %s", name, Name(1))
	}
	if err := model.ReplaceFile(disk, name, data); err != nil {
		_ = disk.Remove(name + freshSuffix) // it may fill the disk; if it cannot go now, Prune tries again
		return fmt.Errorf("backup: %s: %w", name, err)
	}
	return nil
}

// List returns the names of the backups on the disk, oldest first; the disk may hold other files.
func List(disk model.Disk) ([]string, error) {
	names, err := disk.List()
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	return backups(names), nil
}

// Prune deletes backups until the newest remain, at least one, and what a crash during [Save] has left. It goes on
// after an error, and returns the first; the next call tries again.
func Prune(disk model.Disk, keep int) error {
	names, err := disk.List()
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	gone := Surplus(names, keep)
	for _, n := range names {
		if whole, ok := strings.CutSuffix(n, freshSuffix); ok && len(backups([]string{whole})) == 1 {
			gone = append(gone, n)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	for _, n := range gone {
		if e := disk.Remove(n); e != nil && err == nil {
			err = fmt.Errorf("backup: %s: %w", n, e)
		}
	}
	if e := disk.SyncDir(); e != nil && err == nil {
		err = fmt.Errorf("backup: %w", e)
	}
	return err
}
