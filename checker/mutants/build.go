package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Build builds the program with the mutant in it, and returns where it is, below dir.
func (m *Mutant) Build(ctx context.Context, source, dir string) (program string, err error) {
	source, err = filepath.Abs(source)
	if err != nil {
		return "", err
	}
	overlay, err := m.overlay(source, dir)
	if err != nil {
		return "", err
	}
	program = filepath.Join(dir, "firedrill")
	c := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-buildvcs=false", "-ldflags=-s -w", "-o", program, ".")
	c.Dir = source
	if out, err := c.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", fmt.Errorf("mutant %s cannot be built: %w\n%s", m.Name, err, out)
	}
	return program, nil
}

// overlay writes the changed files, and the file that tells the go command which to read in place of which.
func (m *Mutant) overlay(source, dir string) (string, error) {
	files, err := m.Apply(source)
	if err != nil {
		return "", err
	}
	replace := make(map[string]string)
	for name, text := range files {
		copied := filepath.Join(dir, strconv.Itoa(len(replace))+".go")
		if err := os.WriteFile(copied, text, 0o644); err != nil {
			return "", err
		}
		replace[filepath.Join(source, filepath.FromSlash(name))] = copied
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	path := filepath.Join(dir, "overlay.json")
	return path, errors.Join(err, os.WriteFile(path, text, 0o644))
}
