package disk

import "os"

// Size is how long a file is.
func (d *Disk) Size(name string) (int64, error) {
	if err := checkName(name); err != nil {
		return 0, err
	}
	info, err := os.Stat(d.at(name))
	if err != nil {
		return 0, diskError(err)
	}
	return info.Size(), nil
}

// Flip flips one bit of the byte at a place that the file has, as a medium does that rots. Who has the file open reads it so.
func (d *Disk) Flip(name string, at int64, bit uint) error {
	if err := checkName(name); err != nil {
		return err
	}
	f, err := os.OpenFile(d.at(name), os.O_RDWR, 0)
	if err != nil {
		return diskError(err)
	}
	defer f.Close() // writes nothing, and so cannot fail to
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		return diskError(err)
	}
	b[0] ^= 1 << (bit % 8)
	_, err = f.WriteAt(b[:], at)
	return diskError(err)
}
