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

// ReadDurable returns a file that will still be there after a loss of power, or ErrNotExist. What a killed process left
// may be in the page cache alone: who relied on that could be taken back to what was there before.
func ReadDurable(d Disk, name string) ([]byte, error) {
	data, err := d.Read(name)
	if err != nil {
		return nil, err
	}
	if err := d.Sync(name); err != nil {
		return nil, err
	}
	return data, d.SyncDir()
}
