package model

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
