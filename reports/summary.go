package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fatih/color"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"firedrill/checker"
)

// maxShown is how many failures a screen takes.
const maxShown = 10

// WriteSummary writes what a terminal shows at the end: a line for each scenario, the first failures with the
// command that plays each again, and the verdict. Prefix is how the reader calls this program.
func WriteSummary(w io.Writer, r *Results, prefix string, colour bool) error {
	r = r.normal()
	all := groups(r)
	p := newPaint(colour)
	var out strings.Builder
	out.WriteString(summaryTable(all, p))
	out.WriteString("\n" + legend + "\n")
	for _, line := range slices.Concat(lossLines(all), outlastedLines(all)) {
		out.WriteString(line + "\n")
	}
	writeFailures(&out, all, p, prefix)
	verdict, headline := headline(all)
	fmt.Fprintf(&out, "\n%s  %s\n", p.verdict(verdict), headline)
	if _, err := io.WriteString(w, out.String()); err != nil {
		return err
	}
	return writeSoak(w, r, prefix)
}

// legend explains what the table abbreviates.
var legend = fmt.Sprintf("n counts outages; blips are single lost probes without a takeover. –: no outage, or too few runs with one (p50 takes %d, p99 %d).",
	Needed(0.5), Needed(0.99))

// outlastedLines says of which longest outages the length is that of a fault which kept the service away.
func outlastedLines(all []*group) []string {
	var out []string
	for _, g := range all {
		for _, c := range g.classes() {
			if o, ok := c.worst(); ok && o.Outlasted() {
				out = append(out, fmt.Sprintf("%s: %s was dark for %s, %s", g.label(), theService(o.Service), duration(o.Duration), outlasted(o)))
			}
		}
	}
	return out
}

func theService(name string) string {
	if name == api {
		return "the API"
	}
	return name
}

func summaryTable(all []*group, p paint) string {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.Options{SeparateHeader: true}
	t.Style().Format.Header = text.FormatDefault
	t.Style().Box.PaddingLeft, t.Style().Box.PaddingRight = "", "  "
	t.AppendHeader(table.Row{"scenario", "verdict", "seeds", "n", "p50", "p99", "max", "bound", "api n", "max", "bound", "blips"})
	columns := []table.ColumnConfig{{Number: 1, WidthMax: 34, WidthMaxEnforcer: text.Trim}}
	for n := 3; n <= 12; n++ {
		columns = append(columns, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(columns)
	for _, g := range all {
		r := newRow(g)
		s, a := r.Classes[0], r.Classes[1]
		t.AppendRow(table.Row{r.Label, p.verdict(r.Verdict), r.Seeds,
			s.N, s.Stats[0].Text, s.Stats[2].Text, p.over(s.Stats[3]), s.Bound, a.N, p.over(a.Stats[3]), a.Bound, p.blips(g, s.Blips, a.Blips)})
	}
	return t.Render()
}

func writeFailures(out *strings.Builder, all []*group, p paint, prefix string) {
	shown, total := 0, 0
	for _, g := range all {
		for _, run := range g.failed {
			if total++; total > maxShown {
				continue
			}
			shown++
			fmt.Fprintf(out, "\n%s %s seed %d  %s\n  %s\n", p.verdict(run.Verdict), g.label(), run.Seed,
				oneLine(firstMessage(run)), p.command(replayCommand(prefix, g.argument(), run)))
		}
	}
	if total > shown {
		fmt.Fprintf(out, "\nand %d more in report.html\n", total-shown)
	}
}

// oneLine cuts a text to what a line of a terminal holds.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 160 {
		return string(r[:159]) + "…"
	}
	return s
}

// paint colours, or does not.
type paint struct{ good, bad, broken, faint *color.Color }

func newPaint(on bool) paint {
	p := paint{color.New(color.FgGreen), color.New(color.FgRed, color.Bold), color.New(color.FgMagenta, color.Bold), color.New(color.FgCyan)}
	for _, c := range []*color.Color{p.good, p.bad, p.broken, p.faint} {
		if on {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
	}
	return p
}

func (p paint) verdict(v checker.Verdict) string {
	switch v {
	case checker.Pass:
		return p.good.Sprint("pass")
	case checker.Fail:
		return p.bad.Sprint("FAIL")
	case checker.Error:
		return p.broken.Sprint("ERROR")
	}
	return string(v)
}

func (p paint) blips(g *group, s, a cell) string {
	return p.over(cell{Text: count(len(g.services.blips) + len(g.api.blips)), Over: s.Over || a.Over})
}

func (p paint) over(c cell) string {
	if c.Over {
		return p.bad.Sprint(c.Text + "!")
	}
	return c.Text
}

func (p paint) head(s string) string { return p.faint.Sprint(s) }

func (p paint) command(s string) string { return p.faint.Sprint(s) }
