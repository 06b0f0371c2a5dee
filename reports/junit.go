package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"firedrill/checker"
)

// WriteJUnit writes the results as JUnit XML: a test case for each scenario, of the class of its world. Its time is
// by the world's clock.
func WriteJUnit(w io.Writer, r *Results, prefix string) error {
	r = r.normal()
	suite := junit.Testsuite{Name: "firedrill"}
	if r.Build != "" {
		suite.AddProperty("build", clean(r.Build))
	}
	var total time.Duration
	for _, g := range groups(r) {
		var took time.Duration
		for _, run := range g.runs {
			took += run.Simulated
		}
		total += took
		suite.AddTestcase(testcase(g, took, prefix))
	}
	suite.Time = seconds(total)
	all := junit.Testsuites{Name: "firedrill", Time: seconds(total)}
	all.AddSuite(suite)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	return all.WriteXML(w)
}

func testcase(g *group, took time.Duration, prefix string) junit.Testcase {
	t := junit.Testcase{Name: clean(g.info.Name), Classname: clean(g.world), Time: seconds(took)}
	switch g.verdict() {
	case notRun:
		t.Skipped = &junit.Result{Message: "not run"}
	case partlyRun:
		t.Skipped = &junit.Result{Message: clean("interrupted: " + g.held() + " held")}
	case checker.Fail:
		t.Failure = refusal(g, "fail", prefix)
	case checker.Error:
		t.Error = refusal(g, "error", prefix)
	}
	return t
}

// refusal tells which seeds did not hold, and for each the command that plays it again and why.
func refusal(g *group, kind, prefix string) *junit.Result {
	var text strings.Builder
	for _, run := range g.failed {
		fmt.Fprintf(&text, "%s\n", replayCommand(prefix, g.argument(), run))
		for _, v := range run.Violations {
			fmt.Fprintf(&text, "  %s: %s\n", v.Check, v.Message)
			if run.Verdict != checker.Error {
				continue
			}
			for _, d := range v.Details {
				fmt.Fprintf(&text, "    %s\n", d)
			}
		}
	}
	return &junit.Result{
		Type:    kind,
		Message: clean(fmt.Sprintf("%d of %s did not hold: seed %s", len(g.failed), plural(len(g.runs), "seed"), failedSeeds(g))),
		Data:    clean(text.String()),
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// clean replaces what XML cannot hold, not even escaped.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r', r >= 0x20 && r <= 0xD7FF, r >= 0xE000 && r <= 0xFFFD, r >= 0x10000:
			return r
		}
		return '\uFFFD'
	}, s)
}
