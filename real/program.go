package real

import (
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// staticProgram returns the path of this program as it can run in an empty image: without shared libraries. That is the
// program that runs, if it was built so; else, as under `go run` and in tests, it is built from the source beside it.
func staticProgram(ctx context.Context) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if !testing.Testing() {
		if static, err := isStatic(self); err != nil || static {
			return self, err
		}
	}
	source, err := sourceFolder()
	if err != nil {
		return "", unavailable("this program needs shared libraries, which a container does not have, and its source is not here; build it by `CGO_ENABLED=0 go build`")
	}
	return build(ctx, source)
}

// isStatic tells whether a program runs without an interpreter that loads libraries.
func isStatic(path string) (bool, error) {
	f, err := elf.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return false, nil
		}
	}
	return true, nil
}

var ourModule = regexp.MustCompile(`(?m)^module firedrill$`)

// sourceFolder finds the source that this program was built from: where the compiler saw it, or else around the working
// directory.
func sourceFolder() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for _, start := range []string{filepath.Dir(file), dir} {
		for at := start; filepath.IsAbs(at); at = filepath.Dir(at) {
			if text, err := os.ReadFile(filepath.Join(at, "go.mod")); err == nil && ourModule.Match(text) {
				return at, nil
			}
			if at == filepath.Dir(at) {
				break
			}
		}
	}
	return "", errors.New("no source")
}

// build builds the program, static and without what only debuggers need, into the user's cache. The linker is spared when
// nothing has changed. Builds of one source wait for each other.
func build(ctx context.Context, source string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	id := sha256.Sum256([]byte(source))
	dir := filepath.Join(cache, "firedrill", hex.EncodeToString(id[:6]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close() // and the lock with it
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", err
	}
	program := filepath.Join(dir, "firedrill")
	c := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", program, ".")
	c.Dir = source
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+runtime.GOARCH, "GOFLAGS=")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program for the image: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return program, nil
}
