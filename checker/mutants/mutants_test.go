package mutants

import (
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bluekeyes/go-gitdiff/gitdiff"

	"firedrill/checker"
	"firedrill/scenarios"
)

// TestBank holds every patch: it applies to the sources as they are, what comes of it is Go, and its header names
// checks and scenarios that there are.
func TestBank(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 40 {
		t.Errorf("there are only %d mutants", len(all))
	}
	checks := []string{RunCheck}
	for _, i := range checker.Invariants {
		checks = append(checks, i.Name)
	}
	name := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	for _, m := range all {
		if !name.MatchString(m.Name) || !strings.HasSuffix(m.Breaks, ".") {
			t.Errorf("%s: its name or its sentence is not one: %q", m.Name, m.Breaks)
		}
		for _, c := range m.CaughtBy {
			if !slices.Contains(checks, c) {
				t.Errorf("%s: there is no check %q", m.Name, c)
			}
		}
		for _, s := range m.Scenarios {
			if _, err := scenarios.Find(s); err != nil {
				t.Errorf("%s: %v", m.Name, err)
			}
		}
		applies(t, m)
	}
}

func applies(t *testing.T, m *Mutant) {
	t.Helper()
	files, err := m.Apply("../..")
	if err != nil {
		t.Error(err)
	}
	for path, text := range files {
		if !strings.HasPrefix(path, "model/") {
			t.Errorf("%s: it breaks %s; what is tested is the model", m.Name, path)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}

const patch = `Breaks: everything.
Caught-By: run, linearizable
Scenarios: leader-crash

diff --git a/x.go b/x.go
--- a/x.go
+++ b/x.go
@@ -2,2 +2,2 @@
 two
-three
+drei
`

// TestRelocate: a part follows its lines; where they have changed, or stand twice, it does not apply.
func TestRelocate(t *testing.T) {
	m, err := parse("x", patch)
	if err != nil {
		t.Fatal(err)
	}
	if !m.Expects("run") || !m.Expects("linearizable") || m.Expects("two") {
		t.Errorf("it is caught by %q", m.CaughtBy)
	}
	for text, want := range map[string]string{
		"one\ntwo\nthree\n":             "",
		"new\nnew\none\ntwo\nthree\n":   "",
		"one\ntwo\nfour\n":              "not there any more",
		"two\nthree\none\ntwo\nthree\n": "line 1 and at line 4",
	} {
		files, err := m.files()
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := relocate(files[0], text); err != nil {
			got = err.Error()
		} else if err := gitdiff.Apply(new(strings.Builder), strings.NewReader(text), files[0]); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestHeader: what a header must say.
func TestHeader(t *testing.T) {
	for _, line := range []string{"Breaks: everything.\n", "Caught-By: run, linearizable\n", "Scenarios: leader-crash\n"} {
		if _, err := parse("x", strings.Replace(patch, line, "", 1)); err == nil {
			t.Errorf("nobody misses %q", line)
		}
	}
	header, _, _ := strings.Cut(patch, "diff")
	if _, err := parse("x", header); err == nil {
		t.Error("a patch may change nothing")
	}
}

// TestChoose: unknown names are refused.
func TestChoose(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	one, err := Choose([]string{all[1].Name})
	if err != nil || len(one) != 1 || one[0].Name != all[1].Name {
		t.Errorf("got %v, %v", one, err)
	}
	if _, err := Choose([]string{"no-such-bug"}); err == nil {
		t.Error("an unknown name is taken")
	}
}
