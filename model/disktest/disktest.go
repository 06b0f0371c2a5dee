// Package disktest states what every [model.Disk] promises as long as nothing crashes, as tests that each
// world runs against its own disk. What a crash leaves is a matter of the simulated disk alone, and tested
// there.
package disktest

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"firedrill/model"
)

// Run tests the disk that open returns. Each call of open returns an empty disk of its own, which lasts until
// its test ends.
func Run(t *testing.T, open func(t *testing.T) model.Disk) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.test(T{t, open(t)}) })
	}
	t.Run("behaves like a map of names to contents", func(t *testing.T) {
		disk := open(t)
		rapid.Check(t, func(rt *rapid.T) { compare(rt, disk) })
	})
}

// T is a disk under test.
type T struct {
	*testing.T
	model.Disk
}

var promises = []struct {
	name string
	test func(t T)
}{
	{"a missing file is reported", func(t T) {
		_, err := t.Read("a")
		t.wantErr("Read", err, model.ErrNotExist)
		t.wantErr("Truncate", t.Truncate("a", 0), model.ErrNotExist)
		t.wantErr("Sync", t.Sync("a"), model.ErrNotExist)
		t.wantErr("Rename", t.Rename("a", "b"), model.ErrNotExist)
		t.ok(t.Remove("a"))
		t.want(nil)
	}},
	{"an append creates and extends", func(t T) {
		t.ok(t.Append("a", []byte("one ")))
		t.ok(t.Append("a", []byte("two")))
		t.ok(t.Append("empty", nil))
		t.want(files{"a": "one two", "empty": ""})
	}},
	{"data is copied both ways", func(t T) {
		data := []byte("one")
		t.ok(t.Append("a", data))
		data[0] = 'X'
		got, err := t.Read("a")
		t.ok(err)
		clear(got)
		t.want(files{"a": "one"})
	}},
	{"a truncation cuts, and appends go on from there", func(t T) {
		t.ok(t.Append("a", []byte("one two")))
		t.ok(t.Truncate("a", 4))
		t.ok(t.Append("a", []byte("three")))
		t.want(files{"a": "one three"})
		t.ok(t.Truncate("a", 0))
		t.want(files{"a": ""})
	}},
	{"a truncation never extends", func(t T) {
		t.ok(t.Append("a", []byte("one")))
		t.ok(t.Truncate("a", 3))
		t.ok(t.Truncate("a", 1000))
		if t.Truncate("a", -1) == nil {
			t.Error("a negative size was accepted")
		}
		t.want(files{"a": "one"})
	}},
	{"a rename replaces", func(t T) {
		t.ok(t.Append("a", []byte("new")))
		t.ok(t.Append("b", []byte("old")))
		t.ok(t.Rename("a", "b"))
		t.want(files{"b": "new"})
	}},
	{"a file renamed to itself stays", func(t T) {
		t.ok(t.Append("a", []byte("one")))
		t.ok(t.Rename("a", "a"))
		t.ok(t.Append("a", []byte(" two")))
		t.want(files{"a": "one two"})
	}},
	{"a name stands for its file, whatever the file was called when it was first written", func(t T) {
		t.ok(t.Append("a", []byte("1")))
		t.ok(t.Append("b", []byte("2")))
		t.ok(t.Rename("a", "b"))
		t.ok(t.Append("a", []byte("3")))
		t.ok(t.Append("b", []byte("4")))
		t.want(files{"a": "3", "b": "14"})
	}},
	{"a removed file begins anew", func(t T) {
		t.ok(t.Append("a", []byte("old")))
		t.ok(t.Remove("a"))
		t.want(nil)
		t.ok(t.Append("a", []byte("new")))
		t.want(files{"a": "new"})
	}},
	{"names are listed in order of their bytes", func(t T) {
		for _, name := range []string{"b", "a.tmp", "Z", "a", "ä", "10", "9"} {
			t.ok(t.Append(name, nil))
		}
		got, err := t.List()
		t.ok(err)
		if want := []string{"10", "9", "Z", "a", "a.tmp", "b", "ä"}; !slices.Equal(got, want) {
			t.Errorf("List: %q, want %q", got, want)
		}
	}},
	{"syncs change nothing that is read", func(t T) {
		t.ok(t.SyncDir())
		t.ok(t.Append("a", []byte("one")))
		t.ok(t.Sync("a"))
		t.ok(t.SyncDir())
		t.want(files{"a": "one"})
	}},
	{"what is no plain file name is refused", func(t T) {
		t.ok(t.Append("a", []byte("one")))
		for _, name := range []string{"", ".", "..", "/a", "b/a", "../a", "a/", "a\x00"} {
			_, err := t.Read(name)
			for op, err := range map[string]error{
				"Append": t.Append(name, nil), "Read": err, "Truncate": t.Truncate(name, 0), "Rename from": t.Rename(name, "b"),
				"Rename to": t.Rename("a", name), "Remove": t.Remove(name), "Sync": t.Sync(name),
			} {
				if err == nil {
					t.Errorf("%s took the name %q", op, name)
				}
			}
		}
		t.want(files{"a": "one"})
	}},
}

type files map[string]string

func (t T) ok(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (t T) wantErr(op string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", op, err, want)
	}
}

// want compares all that the disk holds.
func (t T) want(want files) {
	t.Helper()
	if got, err := contents(t.Disk); err != nil || !maps.Equal(got, want) {
		t.Fatalf("the disk holds %q (error %v), want %q", got, err, want)
	}
}

func contents(disk model.Disk) (files, error) {
	names, err := disk.List()
	if err != nil {
		return nil, err
	}
	out := files{}
	for _, name := range names {
		data, err := disk.Read(name)
		if err != nil {
			return nil, err
		}
		out[name] = string(data)
	}
	return out, nil
}

// compare plays any sequence of operations on the disk and on a map.
func compare(t *rapid.T, disk model.Disk) {
	left, err := disk.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range left {
		if err := disk.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	want := files{}
	name := rapid.SampledFrom([]string{"a", "b", "c"})
	check := func(op, name string, err error, exists bool) {
		if exists && err != nil || !exists && !errors.Is(err, model.ErrNotExist) {
			t.Fatalf("%s %s: error %v; the file exists: %t", op, name, err, exists)
		}
	}
	t.Repeat(map[string]func(*rapid.T){
		"append": func(t *rapid.T) {
			n, data := name.Draw(t, "name"), strings.Repeat(rapid.StringN(0, 3, 8).Draw(t, "data"), rapid.IntRange(1, 300).Draw(t, "times"))
			check("append", n, disk.Append(n, []byte(data)), true)
			want[n] += data
		},
		"truncate": func(t *rapid.T) {
			n, size := name.Draw(t, "name"), rapid.IntRange(0, 1000).Draw(t, "size")
			old, exists := want[n]
			check("truncate", n, disk.Truncate(n, int64(size)), exists)
			if exists {
				want[n] = old[:min(size, len(old))]
			}
		},
		"rename": func(t *rapid.T) {
			from, to := name.Draw(t, "from"), name.Draw(t, "to")
			data, exists := want[from]
			check("rename", from, disk.Rename(from, to), exists)
			if exists {
				delete(want, from)
				want[to] = data
			}
		},
		"remove": func(t *rapid.T) {
			n := name.Draw(t, "name")
			check("remove", n, disk.Remove(n), true)
			delete(want, n)
		},
		"sync": func(t *rapid.T) {
			n := name.Draw(t, "name")
			_, exists := want[n]
			check("sync", n, disk.Sync(n), exists)
		},
		"syncdir": func(t *rapid.T) { check("syncdir", "", disk.SyncDir(), true) },
		"": func(t *rapid.T) {
			if got, err := contents(disk); err != nil || !maps.Equal(got, want) {
				t.Fatalf("the disk holds %q (error %v), want %q", got, err, want)
			}
		},
	})
}
