package drill

import (
	"os"
	"regexp"
	"testing"

	"firedrill/checker/mutants"
	"firedrill/scenarios"
)

// TestBugsTable: what the table of bugs says can be played.
func TestBugsTable(t *testing.T) {
	text, err := os.ReadFile("../BUGS.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| .* \\| ([a-z-]+) \\| `go run \\. mutants ([a-z-]+)` \\|$").FindAllStringSubmatch(string(text), -1)
	if len(rows) < 10 {
		t.Fatalf("%d rows were read", len(rows))
	}
	for _, row := range rows {
		if _, err := scenarios.Find(row[1]); err != nil {
			t.Error(err)
		}
		if _, err := mutants.Choose([]string{row[2]}); err != nil {
			t.Error(err)
		}
	}
}
