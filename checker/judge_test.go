package checker

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"firedrill/checker/history"
)

func TestJudgeCounts(t *testing.T) {
	h := readFrom(t, `{"format":"firedrill.history","version":1,"scenario":"s","world":"sim","seed":7}`, `
		{"t":1,"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
		{"t":2,"type":"return","client":"a","op":1,"outcome":"ok"}
		{"t":3,"type":"call","client":"a","op":2,"operation":"read","key":"r"}
		{"t":4,"type":"probe","service":"shop","ok":true}
		{"t":9,"type":"end"}`)
	want := Result{Scenario: "s", World: "sim", Seed: 7, Verdict: Pass, Simulated: 9, Operations: 2, Probes: 1, Violations: []Violation{}, Outages: []Outage{}}
	if d := cmp.Diff(want, Judge(h)); d != "" {
		t.Error(d)
	}
}

// TestJudgeSortsByTime: a reader wants to know what went wrong first, whichever check saw it.
func TestJudgeSortsByTime(t *testing.T) {
	r := Judge(read(t, `
		{"t":1,"type":"node","node":"engine-1","event":"configured","index":5}
		{"t":2,"type":"node","node":"engine-1","event":"configured","index":4}
		{"t":3,"type":"node","node":"controller-1","event":"leader","term":1}
		{"t":4,"type":"node","node":"controller-2","event":"leader","term":1}`))
	var got []string
	for _, v := range r.Violations {
		got = append(got, v.Check)
	}
	if d := cmp.Diff([]string{"config-never-regresses", "one-leader-per-term", "failover-with-cause"}, got); d != "" {
		t.Error(d)
	}
}

// TestFormatExample judges the example that FORMAT.md gives, so that the document stays true. A reader will
// change a value and expect to be caught.
func TestFormatExample(t *testing.T) {
	example := formatExample(t)
	h, err := history.Read("FORMAT.md", strings.NewReader(example))
	if err != nil {
		t.Fatal(err)
	}
	if r := Judge(h); r.Verdict != Pass || r.Operations != 3 {
		t.Errorf("%s, %d operations: %v", r.Verdict, r.Operations, r.Violations)
	}
	for _, change := range [][2]string{
		{`"outcome":"ok","value":"2"`, `"outcome":"ok","value":"3"`},
		{`"expected":"1"`, `"expected":"7"`},
	} {
		if !strings.Contains(example, change[0]) {
			t.Fatalf("the example has no %s", change[0])
		}
		h, err := history.Read("FORMAT.md", strings.NewReader(strings.Replace(example, change[0], change[1], 1)))
		if err != nil {
			t.Fatal(err)
		}
		if r := Judge(h); r.Verdict != Fail {
			t.Errorf("passes with %s", change[1])
		}
	}
}

// formatExample is the indented block under the heading "A register recorded elsewhere".
func formatExample(t testing.TB) string {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join("history", "FORMAT.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(doc), "## A register recorded elsewhere\n")
	if !found {
		t.Fatal("FORMAT.md has no example")
	}
	var example strings.Builder
	for line := range strings.Lines(section) {
		if code, ok := strings.CutPrefix(line, "    "); ok {
			example.WriteString(code)
		}
	}
	return example.String()
}

// FuzzJudge: whatever can be read can be judged, and judged again with an equal result.
func FuzzJudge(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(paths) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(formatExample(f)))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := history.Read("h", bytes.NewReader(data))
		if err != nil {
			return
		}
		first := Judge(h)
		if d := cmp.Diff(first, Judge(h)); d != "" {
			t.Errorf("judged again:\n%s", d)
		}
		for _, o := range first.Outages {
			if p := o.Phases; p.Detect+p.Decide+p.Announce+p.Converge != o.Duration {
				t.Errorf("the phases of %+v do not add up", o)
			}
		}
	})
}

// BenchmarkJudge judges a minute. The simulator plays a thousand of them in a real minute, 60 ms each, of which
// this is to stay a small part.
func BenchmarkJudge(b *testing.B) {
	h := minute(b)
	if r := Judge(h); r.Verdict != Pass || len(r.Outages) != 4*16 {
		b.Fatalf("%s with %d outages: %v", r.Verdict, len(r.Outages), r.Violations)
	}
	b.ReportAllocs()
	for b.Loop() {
		Judge(h)
	}
	b.ReportMetric(float64(len(h.Events)), "events")
}
