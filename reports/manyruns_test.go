package reports

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// manyRuns is twenty scenarios with 5,000 seeds each: what a week of machines leaves.
func manyRuns() Input {
	out := Input{Results: Results{Build: "big"}, Prefix: "firedrill"}
	for n := range 20 {
		d := drills[n%len(drills)]
		d.name = fmt.Sprintf("%s-%d", d.name, n)
		out.Scenarios = append(out.Scenarios, d.scenario())
		for seed := uint64(1); seed <= 5000; seed++ {
			out.Results.Runs = append(out.Results.Runs, d.run(seed))
		}
	}
	return out
}

// A report of 100,000 runs stays small enough to be sent and quick enough to be opened.
func TestReportOfManyRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := t.TempDir()
	in := manyRuns()
	began := time.Now()
	if _, err := Write(dir, in); err != nil {
		t.Fatal(err)
	}
	t.Logf("written in %v", time.Since(began).Round(time.Millisecond))
	path := filepath.Join(dir, HTMLFile)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d runs: report.html has %.1f MB", len(in.Results.Runs), float64(info.Size())/1e6)
	if info.Size() > 20e6 {
		t.Errorf("report.html has %d bytes, at most 20 million are allowed", info.Size())
	}
	b := newBrowser(t)
	b.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate((&url.URL{Scheme: "file", Path: path}).String()))
	loaded := ask[float64](b, `performance.timing.loadEventEnd - performance.timing.navigationStart`)
	t.Logf("opened in %.0f ms", loaded)
	if loaded <= 0 || loaded > 2000 {
		t.Errorf("the page was open after %.0f ms, at most 2000 are allowed", loaded)
	}
	b.quiet()
}
