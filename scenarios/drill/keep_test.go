package drill

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firedrill/checker"
	"firedrill/checker/history"
	"firedrill/reports"
)

// register is a history of one register: what was written, and what was read afterwards.
func register(written, read string) *history.History {
	h := &history.History{}
	for i, e := range []history.Event{
		{Type: history.Call, Client: "a", Op: 1, Operation: history.OpWrite, Key: "r", Value: written},
		{Type: history.Return, Client: "a", Op: 1, Outcome: history.OK},
		{Type: history.Call, Client: "b", Op: 1, Operation: history.OpRead, Key: "r"},
		{Type: history.Return, Client: "b", Op: 1, Outcome: history.OK, Value: read},
	} {
		e.Time = int64(i + 1)
		h.Events = append(h.Events, e)
	}
	return h
}

// A history that is not linearizable is kept with a picture that names its operations, and the report links it; one that
// is gets none.
func TestPictureOfOperations(t *testing.T) {
	for _, c := range []struct {
		read    string
		picture bool
	}{{"1", false}, {"2", true}} {
		dir := t.TempDir()
		h := register("1", c.read)
		r := checker.Judge(h)
		r.Scenario, r.World, r.Seed = "made", "sim", 7
		path := filepath.Join(dir, reports.HistoryPath("sim", "made", 7))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := keepHistory(h, r, path); err != nil {
			t.Fatal(err)
		}
		picture, err := os.ReadFile(filepath.Join(dir, "histories", "made-7.operations.html"))
		if c.picture != (err == nil) || c.picture && !strings.Contains(string(picture), "b, r: read: ok") {
			t.Errorf("read %s: %v: %d bytes", c.read, err, len(picture))
		}
		if _, err := reports.Write(dir, reports.Input{Results: reports.Results{Runs: []checker.Result{r}}}); err != nil {
			t.Fatal(err)
		}
		page, err := os.ReadFile(filepath.Join(dir, reports.HTMLFile))
		if err != nil || strings.Contains(string(page), `href="histories/made-7.operations.html"`) != c.picture {
			t.Errorf("read %s: the report links the picture: %v, %v", c.read, !c.picture, err)
		}
		if err := clearHistories(dir); err != nil {
			t.Fatal(err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "histories", "*")); len(left) > 0 {
			t.Errorf("the next run finds %v", left)
		}
	}
}
