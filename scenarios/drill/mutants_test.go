package drill

import (
	"bytes"
	"encoding/json"
	"testing"

	"firedrill/reports"
)

// TestMutants hunts three mutants from one start each: they are built, played, and caught by what should catch them.
func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program three times")
	}
	var out, progress bytes.Buffer
	names := []string{"never-sync", "takeover-without-garp", "join-with-wrong-secret"}
	err := Mutants(t.Context(), Terminal{Out: &out, Err: &progress},
		MutantsOptions{Names: names, Seeds: 20, Starts: 1, Jobs: 2, Named: true, Source: "../..", JSON: true})
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	var r reports.Mutants
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Total != len(names) || r.Killed != len(names) {
		t.Errorf("got %s", out.String())
	}
}
