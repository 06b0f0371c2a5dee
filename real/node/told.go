package node

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Told reads from in what a container is told, each in a line, and leaves it in its files: the spec, and, once every
// container of the run is up, the epoch. It returns when the spec is there. A container that is started again is told again.
func Told(in io.Reader, specPath string) error {
	lines := bufio.NewReader(in)
	if err := take(lines, specPath); err != nil {
		return fmt.Errorf("being told who this is: %w", err)
	}
	go func() {
		_ = take(lines, filepath.Join(filepath.Dir(specPath), filepath.Base(EpochFile))) // without it, the run never begins here
	}()
	return nil
}

// take writes the next line to a file, which appears when it is whole.
func take(lines *bufio.Reader, path string) error {
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	part := path + ".part"
	if err := os.WriteFile(part, line, 0o600); err != nil {
		return err
	}
	return os.Rename(part, path)
}
