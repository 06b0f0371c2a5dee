package drill

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"firedrill/checker/mutants"
)

// mutantsResult is what `firedrill mutants --json` prints.
type mutantsResult struct {
	Total   int            `json:"total"`
	Killed  int            `json:"killed"` // from every start, by a check that should
	Median  int            `json:"median_seeds"`
	Mutants []mutantResult `json:"mutants"`
}

type mutantResult struct {
	Name     string   `json:"name"`
	Breaks   string   `json:"breaks"`
	Like     string   `json:"like,omitempty"`
	CaughtBy []string `json:"caught_by"` // the checks that should
	State    string   `json:"state"`
	Seeds    int      `json:"seeds"` // median over the starts
	Starts   []catch  `json:"starts"`
}

// The states of a mutant.
const (
	stateCaught    = "caught"
	stateUnrelated = "caught by an unrelated check only"
	stateSurvived  = "survived"
)

func summarize(preys []*prey) *mutantsResult {
	r := &mutantsResult{Total: len(preys), Mutants: []mutantResult{}}
	var seeds []int
	for _, p := range preys {
		m := mutantResult{Name: p.Name, Breaks: p.Breaks, Like: p.Like, CaughtBy: p.CaughtBy, State: p.state(), Seeds: p.seeds(), Starts: p.catches}
		r.Mutants = append(r.Mutants, m)
		if m.State == stateCaught {
			r.Killed++
			seeds = append(seeds, m.Seeds)
		}
	}
	r.Median = median(seeds)
	return r
}

// state is that of the worst start.
func (p *prey) state() string {
	state := stateCaught
	for _, c := range p.catches {
		switch {
		case c.Scenario == "":
			return stateSurvived
		case !slices.ContainsFunc(c.Checks, p.Expects):
			state = stateUnrelated
		}
	}
	return state
}

func (p *prey) seeds() int {
	var all []int
	for _, c := range p.catches {
		all = append(all, c.Seeds)
	}
	return median(all)
}

// median is the lower one of two in the middle.
func median(list []int) int {
	if len(list) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(list))[(len(list)-1)/2]
}

// by lists what each start found: the expected check if it was among those that failed.
func (m *mutantResult) by() string {
	var out []string
	for _, c := range m.Starts {
		if len(c.Checks) == 0 {
			continue
		}
		check := c.Checks[0]
		if i := slices.IndexFunc(c.Checks, func(c string) bool { return slices.Contains(m.CaughtBy, c) }); i >= 0 {
			check = c.Checks[i]
		}
		if check == mutants.RunCheck {
			check = "run (it crashed or hung)"
		}
		if !slices.Contains(out, check) {
			out = append(out, check)
		}
	}
	return strings.Join(out, ", ")
}

// in lists the scenarios that caught it.
func (m *mutantResult) in() string {
	var out []string
	for _, c := range m.Starts {
		if c.Scenario != "" && !slices.Contains(out, c.Scenario) {
			out = append(out, c.Scenario)
		}
	}
	return strings.Join(out, ", ")
}

// counts shows the seeds that each start took.
func (m *mutantResult) counts() string {
	out := make([]string, len(m.Starts))
	for i, c := range m.Starts {
		out[i] = fmt.Sprint(c.Seeds)
	}
	return strings.Join(out, " ")
}

// write shows the table and what needs an explanation.
func (r *mutantsResult) write(w io.Writer) error {
	tw := table.NewWriter()
	tw.SetStyle(table.StyleLight)
	tw.Style().Options = table.OptionsNoBordersAndSeparators
	tw.Style().Options.SeparateHeader = true
	tw.Style().Format.Header = text.FormatDefault
	tw.AppendHeader(table.Row{"mutant", "state", "by", "in", "median seeds", "of"})
	for _, m := range r.Mutants {
		tw.AppendRow(table.Row{m.Name, m.State, m.by(), m.in(), m.Seeds, m.counts()})
	}
	out := tw.Render() + "\n\n"
	for _, m := range r.Mutants {
		out += m.explain()
	}
	rate := "no mutant"
	if r.Total > 0 {
		rate = fmt.Sprintf("%d of %d mutants were caught (%.0f%%)", r.Killed, r.Total, 100*float64(r.Killed)/float64(r.Total))
	}
	_, err := fmt.Fprintf(w, "%s%s; half of them within %d seeds.\n", out, rate, r.Median)
	return err
}

// explain says what went wrong with a hunt.
func (m *mutantResult) explain() string {
	var text string
	for _, c := range m.Starts {
		expected := slices.ContainsFunc(c.Checks, func(name string) bool { return slices.Contains(m.CaughtBy, name) })
		switch {
		case c.Scenario == "":
			text += fmt.Sprintf("%s survived from seed %d on. %s\n", m.Name, c.First, m.Breaks)
		case !expected:
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
