package drill

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"firedrill/reports"
)

// summarize makes the table of what came of all hunts.
func summarize(preys []*prey, build string) *reports.Mutants {
	t := &reports.Mutants{Build: build, Mutants: []reports.Mutant{}}
	for _, p := range preys {
		t.Mutants = append(t.Mutants, p.outcome())
	}
	t.Sum()
	return t
}

// outcome is what came of one.
func (p *prey) outcome() reports.Mutant {
	return reports.Mutant{Name: p.Name, Breaks: p.Breaks, Like: p.Like, CaughtBy: p.CaughtBy, Starts: p.catches}
}

// writeMutants shows the table and what needs an explanation.
func writeMutants(w io.Writer, r *reports.Mutants) error {
	tw := table.NewWriter()
	tw.SetStyle(table.StyleLight)
	tw.Style().Options = table.OptionsNoBordersAndSeparators
	tw.Style().Options.SeparateHeader = true
	tw.Style().Format.Header = text.FormatDefault
	tw.AppendHeader(table.Row{"mutant", "state", "by", "in", "median seeds", "of", "smallest plan"})
	for _, m := range r.Mutants {
		tw.AppendRow(table.Row{m.Name, m.State, m.By(), m.In(), m.Seeds, m.Counts(), m.Smallest()})
	}
	tw.SuppressEmptyColumns()
	out := tw.Render() + "\n\n"
	for _, m := range r.Mutants {
		out += explain(&m)
	}
	_, err := fmt.Fprintf(w, "%s%s\n", out, r.Rate())
	return err
}

// explain says what went wrong with a hunt.
func explain(m *reports.Mutant) string {
	var text string
	for _, c := range m.Starts {
		switch {
		case c.Scenario == "":
			text += fmt.Sprintf("%s survived from seed %d on. %s\n", m.Name, c.First, m.Breaks)
		case !m.Expected(c):
			text += fmt.Sprintf("%s should be caught by %s, not by %s in %s with seed %d: %s\n", m.Name, strings.Join(m.CaughtBy, " or "),
				strings.Join(c.Checks, ", "), c.Scenario, c.Seed, c.Message)
		}
		for _, run := range c.Unsound {
			text += fmt.Sprintf("%s: a run did not count, because it fails without the bug, too: %s\n", m.Name, run)
		}
	}
	return text
}

// replayOf is the command that plays a run of the suite again.
func replayOf(scenario string, seed uint64) string {
	return fmt.Sprintf("%s replay %s --seed %d", callName(), scenario, seed)
}
