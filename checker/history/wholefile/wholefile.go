// Package wholefile writes files that appear only when they are whole.
package wholefile

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Write writes a file that appears under its name only when it is whole: fill writes a temporary neighbour, which is
// then renamed. On an error the neighbour is removed and what was at path stays.
//
// What is there and is no regular file, such as /dev/stdout, a pipe or a symbolic link, must stay what it is, so that
// is written to directly.
func Write(path string, fill func(io.Writer) error) error {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return direct(path, fill)
	}
	return whole(path, fill)
}

func whole(path string, fill func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := through(f, path, fill); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func direct(path string, fill func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644) // created where a link points to nothing
	if err != nil {
		return err
	}
	if err := through(f, path, fill); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// through fills a file through a buffer.
func through(f *os.File, path string, fill func(io.Writer) error) error {
	out := bufio.NewWriterSize(f, 64<<10)
	err := fill(out)
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
