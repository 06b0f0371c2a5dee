package disk

import (
	"errors"
	"testing"

	"firedrill/model"
)

func TestFlip(t *testing.T) {
	d := openDisk(t, t.TempDir())
	ok(t, d.Append("log", []byte("abc")))
	if size, err := d.Size("log"); size != 3 || err != nil {
		t.Errorf("size %d, %v", size, err)
	}
	ok(t, d.Flip("log", 1, 5))
	wantContent(t, d, "log", "aBc")
	ok(t, d.Append("log", []byte("d"))) // by the handle that was open before
	wantContent(t, d, "log", "aBcd")
	for name, err := range map[string]error{
		"behind the end": d.Flip("log", 4, 0), "a path": d.Flip("../log", 0, 0), "a file that is not there": d.Flip("none", 0, 0),
	} {
		if err == nil {
			t.Errorf("flipped a bit of %s", name)
		}
	}
	wantContent(t, d, "log", "aBcd")
	if _, err := d.Size("none"); !errors.Is(err, model.ErrNotExist) {
		t.Errorf("size of a file that is not there: %v", err)
	}
}
