package wholefile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func put(path, text string, err error) error {
	return Write(path, func(w io.Writer) error {
		io.WriteString(w, text)
		return err
	})
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	if got, _ := os.ReadFile(path); string(got) != want {
		t.Errorf("%s holds %q, want %q", path, got, want)
	}
}

func TestFileIsWholeOrNotThere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := put(path, "old", nil); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	if err := put(path, "new", broken); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	holds(t, path, "old")
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files, want 1", len(files))
	}
	if err := put(filepath.Join(dir, "none", "f"), "", nil); err == nil {
		t.Error("wrote into a folder that is not there")
	}
}

// TestLinkStays: what a link points to is written, and the link is a link still.
func TestLinkStays(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink("target", link); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"made anew", "again"} {
		if err := put(link, text, nil); err != nil {
			t.Fatal(err)
		}
		holds(t, filepath.Join(dir, "target"), text)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info, err)
	}
}

// TestDeviceStays takes a pipe for a device: whoever runs tests may not be allowed to make one, and whoever is
// allowed would lose /dev/null by what this tests.
func TestDeviceStays(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	read := make(chan string)
	go func() {
		got, _ := os.ReadFile(pipe)
		read <- string(got)
	}()
	if err := put(pipe, "through", nil); err != nil {
		t.Fatal(err)
	}
	if got := <-read; got != "through" {
		t.Errorf("the reader got %q", got)
	}
	if info, err := os.Lstat(pipe); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("the pipe is %v, %v", info, err)
	}
}

func TestFullDeviceIsAnError(t *testing.T) {
	full := "/dev/full"
	if info, err := os.Stat(full); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		t.Skip("there is no /dev/full")
	}
	link := filepath.Join(t.TempDir(), "full") // so that a mistake costs the link and not the device
	if err := os.Symlink(full, link); err != nil {
		t.Fatal(err)
	}
	if err := put(link, "too much", nil); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
}
