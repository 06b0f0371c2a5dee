package checker

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firedrill/checker/history"
)

// TestInvariants judges testdata/NAME.jsonl and NAME-what.jsonl, each of which breaks the invariant NAME and no
// other, and NAME-ok.jsonl and NAME-ok-what.jsonl, which only just break none.
func TestInvariants(t *testing.T) {
	used := make(map[string]bool)
	for _, inv := range Invariants {
		t.Run(inv.Name, func(t *testing.T) {
			broken, kept := 0, 0
			for _, path := range fixtures(t, inv.Name) {
				used[path] = true
				h, err := history.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				want := []string{inv.Name}
				if strings.HasPrefix(strings.TrimPrefix(filepath.Base(path), inv.Name), "-ok") {
					want = nil
					kept++
				} else {
					broken++
				}
				r := Judge(h)
				var got []string
				for _, v := range r.Violations {
					got = append(got, v.Check)
				}
				slices.Sort(got)
				if !slices.Equal(slices.Compact(got), want) {
					t.Errorf("%s breaks %q, want %q\n%v", path, got, want, r.Violations)
				}
				if failed := r.Verdict == Fail; failed != (want != nil) {
					t.Errorf("%s: verdict %s with %d violations", path, r.Verdict, len(r.Violations))
				}
			}
			if broken == 0 || kept == 0 {
				t.Errorf("testdata holds %d histories that break %s and %d near misses; it takes one of each", broken, inv.Name, kept)
			}
		})
	}
	all, _ := filepath.Glob("testdata/*.jsonl")
	for _, path := range all {
		if !used[path] {
			t.Errorf("%s is named after no invariant", path)
		}
	}
}

func fixtures(t testing.TB, name string) []string {
	t.Helper()
	out, err := filepath.Glob("testdata/" + name + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("testdata/" + name + "-*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, more...)
}

// TestViolationsAreCounted: what follows from a violation is not a second one, and what does not is.
func TestViolationsAreCounted(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		want        int
	}{
		{"a configuration stays behind the highest one", `
			{"type":"node","node":"engine-1","event":"configured","index":5}
			{"type":"node","node":"engine-1","event":"configured","index":3}
			{"type":"node","node":"engine-1","event":"configured","index":4}
			{"type":"node","node":"engine-1","event":"configured","index":5}`, 2},
		{"a state differs from there on", `
			{"type":"node","node":"controller-1","event":"applied","index":1,"state":1}
			{"type":"node","node":"controller-1","event":"applied","index":2,"state":2}
			{"type":"node","node":"controller-2","event":"applied","index":1,"state":8}
			{"type":"node","node":"controller-2","event":"applied","index":2,"state":9}`, 1},
		{"a state differs in two lives", `
			{"type":"node","node":"controller-1","event":"applied","index":1,"state":1}
			{"type":"node","node":"controller-2","event":"started"}
			{"type":"node","node":"controller-2","event":"applied","index":1,"state":8}
			{"type":"node","node":"controller-2","event":"started"}
			{"type":"node","node":"controller-2","event":"applied","index":1,"state":8}`, 2},
		{"an address is shared twice", `
			{"t":0,"type":"node","node":"engine-1","event":"address_added","unit":"a"}
			{"t":0,"type":"node","node":"engine-2","event":"address_added","unit":"a"}
			{"t":200000000,"type":"node","node":"engine-2","event":"address_removed","unit":"a"}
			{"t":300000000,"type":"node","node":"engine-2","event":"address_added","unit":"a"}
			{"t":500000000,"type":"node","node":"engine-1","event":"address_removed","unit":"a"}`, 2},
	} {
		if r := Judge(read(t, c.lines)); len(r.Violations) != c.want {
			t.Errorf("%s: %d violations, want %d\n%v", c.name, len(r.Violations), c.want, r.Violations)
		}
	}
}
