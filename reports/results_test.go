package reports

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"firedrill/checker"
)

func encode(t *testing.T, r *Results) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	in := sample(3)
	path := filepath.Join(t.TempDir(), ResultsFile)
	if err := in.Results.WriteResults(path); err != nil {
		t.Fatal(err)
	}
	got, err := ReadResults(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in.Results.normal(), got); d != "" {
		t.Error(d)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Seeds are played in parallel and end in any order.
func TestOrderOfRunsDoesNotMatter(t *testing.T) {
	a, b := sample(5).Results, sample(5).Results
	slices.Reverse(b.Runs)
	if !bytes.Equal(encode(t, &a), encode(t, &b)) {
		t.Error("the same runs in another order became another file")
	}
	if b.Runs[0].Seed != 5 {
		t.Error("writing has changed the results")
	}
}

func TestListsAreNeverNull(t *testing.T) {
	r := Results{Runs: []checker.Result{{Scenario: "s", Verdict: checker.Pass}}, Scenarios: []Scenario{{Name: "s"}}}
	if text := encode(t, &r); bytes.Contains(text, []byte("null")) {
		t.Errorf("null in %s", text)
	}
	if text := encode(t, &Results{}); !bytes.Contains(text, []byte(`"runs": []`)) {
		t.Errorf("no list of runs in %s", text)
	}
}

func TestBadResultsAreRefused(t *testing.T) {
	run := `{"scenario":"s","world":"sim","seed":1,"verdict":"pass"}`
	for _, c := range []struct{ name, text, want string }{
		{"empty", " \n", `:1: the file is empty; at least {"version":1,"runs":[]} is needed`},
		{"truncated", "{\"version\":1,\n\"runs\":[" + run[:20], `:2: the file breaks off at byte 42; write it again, or fetch it whole`},
		{"not json", "{\n hello}", `:2: this is no JSON: `},
		{"no version", `{"runs":[]}`, `:1: version is missing; this program reads version 1`},
		{"newer", "{\n\"moon\":1,\n\"version\":2}", `:3: version 2 is newer than this program, which reads version 1`},
		{"older", `{"version":0}`, `:1: there is no version 0; this program reads version 1`},
		{"unknown field", "{\"version\":1,\n\"moon\":1}", `:2: unknown field "moon"; version 1 has no such field`},
		{"unknown field of a run", "{\"version\":1,\"runs\":[\n{\"moon\":1}]}", `:2: unknown field "moon"`},
		{"wrong type", "{\"version\":1,\n\"runs\":[{\"seed\":\"1\"}]}", `:2: runs.seed is string, but takes uint64`},
		{"two values", `{"version":1}{}`, `:1: this is no JSON: `},
		{"verdict", `{"version":1,"runs":[{"scenario":"s","verdict":"maybe"}]}`, `: runs[0]: the verdict "maybe" is unknown; it is one of pass, fail, error`},
		{"scenario", `{"version":1,"runs":[{"verdict":"pass"}]}`, `: runs[0]: scenario is missing;`},
		{"twice", `{"version":1,"runs":[` + run + `,` + run + `]}`, `: runs[1]: s seed 1 is there twice;`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "r.json")
			if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := ReadResults(path)
			if err == nil || !strings.HasPrefix(err.Error(), path+c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got  %v\nwant %s", err, path+c.want)
			}
		})
	}
	if _, err := ReadResults(filepath.Join(t.TempDir(), "none.json")); !os.IsNotExist(err) {
		t.Errorf("got %v, want that there is no file", err)
	}
}

// Every prefix of a results file is refused: a file that breaks off anywhere never counts as a whole one.
func TestTruncatedResultsAreRefused(t *testing.T) {
	r := sample(1).Results
	text := bytes.TrimSpace(encode(t, &r))
	for n := 0; n < len(text); n += 97 {
		if _, err := parseResults(text[:n]); err == nil {
			t.Errorf("%d of %d bytes were read", n, len(text))
		}
	}
}
