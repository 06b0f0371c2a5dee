package reports

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSampleCanBeLookedAt leaves a report where FIREDRILL_SAMPLE says, for the eyes of whoever changes its looks.
func TestSampleCanBeLookedAt(t *testing.T) {
	dir := os.Getenv("FIREDRILL_SAMPLE")
	if dir == "" {
		t.Skip("FIREDRILL_SAMPLE names no folder")
	}
	if err := os.MkdirAll(filepath.Join(dir, "histories"), 0o755); err != nil {
		t.Fatal(err)
	}
	in := sample(20)
	writeHistories(t, dir, in)
	r, err := Write(dir, in)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteSummary(os.Stdout, r, in.Prefix, false); err != nil {
		t.Fatal(err)
	}
}

// writeHistories leaves the histories of all runs with an outage where a report looks for them.
func writeHistories(t *testing.T, dir string, in Input) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "histories"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, r := range in.Results.Runs {
		if h := in.History(r.World, r.Scenario, r.Seed); h != nil {
			if err := h.WriteFile(filepath.Join(dir, HistoryPath(r.World, r.Scenario, r.Seed))); err != nil {
				t.Fatal(err)
			}
		}
	}
}
