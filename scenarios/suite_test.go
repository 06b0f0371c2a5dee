package scenarios

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func suiteFiles(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := suite.ReadDir("suite")
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string][]byte)
	for _, f := range files {
		if out[f.Name()], err = suite.ReadFile("suite/" + f.Name()); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestSuite holds every scenario that ships to the habits of the suite: time to set up, calm at the end, and
// something to judge it by.
func TestSuite(t *testing.T) {
	all := mustSuite(t)
	for _, s := range all {
		setUp, firstFault, calm, shortest := 5*time.Second, 8*time.Second, 8*time.Second, 30*time.Second
		if slices.Contains(s.Worlds, WorldReal) { // there every second is one
			setUp, firstFault, calm, shortest = 2*time.Second, 3*time.Second, 2500*time.Millisecond, 10*time.Second
		}
		if found, err := Find(s.Name); err != nil || equal(found, s) != "" {
			t.Errorf("%s is not found by its name: %v", s.Name, err)
		}
		longest := time.Minute
		if s.Profile == "documented" {
			longest = 20 * time.Minute // the vendor's timers take their time
		}
		if d := s.Duration.Std(); d < shortest || d > longest {
			t.Errorf("%s lasts %v", s.Name, d)
		}
		if len(s.Expect.Outages) == 0 {
			t.Errorf("%s expects nothing", s.Name)
		}
		if len(s.About) < 40 || !strings.HasSuffix(s.About, ".") {
			t.Errorf("%s is hardly explained: %q", s.Name, s.About)
		}
		// Who gets a flow is judged from one change of the pool to the next, refusals by what is there, counted, and an idle
		// cluster is one without writes.
		quiet := strings.HasPrefix(s.Name, "balance-") || strings.HasSuffix(s.Name, "-idle") || s.Name == "api-refusals"
		if s.Workload.Mix == nil && !quiet || s.Workload.Mix != nil && s.Workload.Mix.From.Min < setUp {
			t.Errorf("%s has no mix, or one that disturbs the set-up", s.Name)
		}
		for _, f := range s.Faults {
			last := f.At.Max + time.Duration(max(0, len(f.Targets)-1))*f.Every.Std() + f.For.Max
			if f.At.Min < firstFault || s.Duration.Std()-last < calm {
				t.Errorf("%s: the fault %s is at work from %v to %v of %v", s.Name, f.Fault, f.At.Min, last, s.Duration)
			}
		}
	}
	if !slices.IsSortedFunc(all, func(a, b *Scenario) int { return strings.Compare(a.Name, b.Name) }) || len(all) < 11 {
		t.Errorf("%d scenarios, or not by name", len(all))
	}
}
