package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/jstemmer/go-junit-report/v2/junit"

	"firedrill/checker"
)

// WriteText writes the gate's answer for a terminal: a line for each comparison, then what is wrong, then what is worth
// knowing.
func (g *Gate) WriteText(w io.Writer, colour bool) error {
	p := newPaint(colour)
	var out strings.Builder
	if len(g.Comparisons) > 0 {
		out.WriteString(g.table(p) + "\n")
		fmt.Fprintf(&out, "\nOf each seed the longest outage; p corrected for all comparisons in which anything differs (Holm); a change counts\nfrom p < %v on.\n",
			gateLevel)
	}
	for _, f := range g.Findings {
		fmt.Fprintf(&out, "\n%s %s %s: %s\n", p.bad.Sprint("FAIL"), f.Kind, labelOf(f.Scenario, f.World), f.Message)
		if f.Replay != "" {
			fmt.Fprintf(&out, "  %s\n", p.command(f.Replay))
		}
	}
	if len(g.Warnings) > 0 {
		out.WriteString("\n")
	}
	for _, warning := range g.Warnings {
		fmt.Fprintf(&out, "note  %s\n", warning)
	}
	fmt.Fprintf(&out, "\n%s  %s\n", p.verdict(g.Verdict), g.headline())
	_, err := io.WriteString(w, out.String())
	return err
}

func (g *Gate) headline() string {
	text := fmt.Sprintf("Nothing has become worse since %s", orUnknown(g.Before))
	if n := len(g.Findings); n > 0 {
		text = fmt.Sprintf("%s since %s", plural(n, "finding"), orUnknown(g.Before))
	}
	return text + ": " + plural(len(g.Comparisons), "comparison") + "."
}

func orUnknown(build string) string {
	if build == "" {
		return "an unknown build"
	}
	return build
}

func (g *Gate) table(p paint) string {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.Options{SeparateHeader: true}
	t.Style().Format.Header = text.FormatDefault
	t.Style().Box.PaddingLeft, t.Style().Box.PaddingRight = "", "  "
	t.AppendHeader(table.Row{"scenario", "outages of", "before", "now", "change", "p", "n", "answer"})
	columns := []table.ColumnConfig{{Number: 1, WidthMax: 34, WidthMaxEnforcer: text.Trim}}
	for n := 3; n <= 7; n++ {
		columns = append(columns, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(columns)
	for i := range g.Comparisons {
		c := &g.Comparisons[i]
		shown := "~" // as benchstat has it: nothing to see here
		if c.changed() {
			shown = c.shiftText()
		}
		t.AppendRow(table.Row{labelOf(c.Scenario, c.World), c.Of, micros(c.Before), micros(c.After), shown, pText(c.Corrected), c.N, p.answer(c.Result)})
	}
	return t.Render()
}

func (c *Comparison) changed() bool {
	return slices.Contains([]string{ResultSlower, ResultRegression, ResultFaster}, c.Result)
}

func (p paint) answer(result string) string {
	switch result {
	case ResultRegression:
		return p.bad.Sprint(result)
	case ResultFaster:
		return p.good.Sprint(result)
	}
	return result
}

// shiftText writes the typical change with its interval: in percent of the median, or where there is none as a time.
// Where only few seeds changed, the typical change is nothing, and the mean tells more.
func (c *Comparison) shiftText() string {
	if c.Shift == 0 {
		if c.change.MeanBefore == 0 {
			return fmt.Sprintf("from none to %s in the mean", micros(c.MeanShift))
		}
		return signed(c.MeanShift/c.change.MeanBefore) + " in the mean"
	}
	out, half := "", math.Max(c.High-c.Shift, c.Shift-c.Low)
	switch {
	case c.Before == 0:
		out = fmt.Sprintf("%+.3f s", c.Shift/1e6)
	case !c.Interval:
		out = signed(c.Shift / c.Before)
	default:
		out = signed(c.Shift/c.Before) + " ±" + percent(half/c.Before)
	}
	return out
}

func signed(share float64) string { return fmt.Sprintf("%+.1f%%", 100*share) }

func percent(share float64) string { return number(100*share, 1) + "%" }

func pText(p float64) string {
	if p < 0.001 {
		return "<0.001"
	}
	return fmt.Sprintf("%.3f", p)
}

// WriteJUnit writes the gate's answer as JUnit XML: a test case for each scenario that was compared or found wanting.
func (g *Gate) WriteJUnit(w io.Writer) error {
	suite := junit.Testsuite{Name: "firedrill gate"}
	for _, name := range g.scenarios() {
		one := junit.Testcase{Name: clean(name), Classname: "gate"}
		var lines []string
		for _, f := range g.Findings {
			if labelOf(f.Scenario, f.World) == name {
				lines = append(lines, strings.TrimSpace(f.Kind+": "+f.Message+"\n  "+f.Replay))
			}
		}
		if len(lines) > 0 {
			one.Failure = &junit.Result{Type: "gate", Message: clean(oneLine(lines[0])), Data: clean(strings.Join(lines, "\n"))}
		}
		suite.AddTestcase(one)
	}
	all := junit.Testsuites{Name: suite.Name}
	all.AddSuite(suite)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	return all.WriteXML(w)
}

func (g *Gate) scenarios() []string {
	var out []string
	for i := range g.Comparisons {
		out = append(out, labelOf(g.Comparisons[i].Scenario, g.Comparisons[i].World))
	}
	for _, f := range g.Findings {
		out = append(out, labelOf(f.Scenario, f.World))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Passed tells whether nothing fails the gate.
func (g *Gate) Passed() bool { return g.Verdict == checker.Pass }
