package drill

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"firedrill/checker"
	"firedrill/checker/mutants"
	"firedrill/scenarios"
)

// catalogue is what `firedrill list --json` prints.
type catalogue struct {
	Scenarios  []listedScenario `json:"scenarios"`
	Faults     []listed         `json:"faults"`
	Invariants []listed         `json:"invariants"`
	Mutants    []listed         `json:"mutants"`
}

type listed struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

type listedScenario struct {
	listed
	Worlds []string `json:"worlds"`
}

// List prints what there is to play, to suffer and to hold, and the bugs by which that is tested.
func List(t Terminal, asJSON bool) error {
	suite, err := scenarios.Suite()
	if err != nil {
		return err
	}
	bugs, err := mutants.All()
	if err != nil {
		return err
	}
	c := catalogue{}
	for _, s := range suite {
		c.Scenarios = append(c.Scenarios, listedScenario{listed{s.Name, s.About}, s.Worlds})
	}
	for _, f := range scenarios.Catalogue {
		c.Faults = append(c.Faults, listed{f.Name, f.About})
	}
	for _, i := range checker.Invariants {
		c.Invariants = append(c.Invariants, listed{i.Name, i.About})
	}
	for _, m := range bugs {
		c.Mutants = append(c.Mutants, listed{m.Name, m.Breaks})
	}
	if asJSON {
		return printJSON(t.Out, c)
	}
	plain := make([]listed, len(c.Scenarios))
	for i, s := range c.Scenarios {
		plain[i] = s.listed
	}
	printListed(t.Out, "Scenarios", plain)
	printListed(t.Out, "Faults", c.Faults)
	printListed(t.Out, "Invariants", c.Invariants)
	printListed(t.Out, "Mutants", c.Mutants)
	return nil
}

func printListed(w io.Writer, title string, items []listed) {
	const aboutWidth = 84
	heading := strings.ToUpper(title)
	if colour(w) {
		heading = text.Bold.Sprint(heading)
	}
	fmt.Fprintln(w, heading)
	tw := table.NewWriter()
	tw.SetOutputMirror(w)
	tw.SetStyle(table.StyleLight)
	tw.Style().Options = table.OptionsNoBordersAndSeparators
	tw.SetColumnConfigs([]table.ColumnConfig{{Number: 2, WidthMax: aboutWidth, WidthMaxEnforcer: text.WrapSoft}})
	for _, i := range items {
		tw.AppendRow(table.Row{i.Name, i.About})
	}
	tw.Render()
	fmt.Fprintln(w)
}

// ScenarioNames lists the suite, for shells that complete.
func ScenarioNames() []string {
	suite, err := scenarios.Suite()
	if err != nil {
		return nil
	}
	names := make([]string, len(suite))
	for i, s := range suite {
		names[i] = s.Name
	}
	return names
}

// MutantNames lists the bank, for shells that complete.
func MutantNames() []string {
	all, err := mutants.All()
	if err != nil {
		return nil
	}
	names := make([]string, len(all))
	for i, m := range all {
		names[i] = m.Name
	}
	return names
}

// Schema prints the JSON Schema of scenario files.
func Schema(t Terminal) error {
	schema, err := scenarios.Schema()
	if err == nil {
		_, err = t.Out.Write(schema)
	}
	return err
}
