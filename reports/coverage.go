package reports

import (
	"slices"
	"strings"

	"firedrill/checker"
)

// coverageRow is how often one kind of fault met each state.
type coverageRow struct {
	Fault string
	Cells []coverageCell
}

// coverageCell is one cell of the matrix.
type coverageCell struct {
	Text  string
	Empty bool
	Level int // 0 to 4: how dark it is drawn, by powers of ten
}

// coverage is the matrix of faults and the states that they met, over all runs. A kind that no run had gets a row all the
// same: what was never tried must be seen.
func coverage(met []checker.Met, kinds []string) []coverageRow {
	times := make(map[string]map[string]int)
	for _, k := range kinds {
		times[k] = make(map[string]int)
	}
	struck := false
	for _, m := range met {
		if times[m.Fault] == nil {
			times[m.Fault], kinds = make(map[string]int), append(kinds, m.Fault)
		}
		times[m.Fault][m.State] += m.Times
		struck = true
	}
	if !struck {
		return nil
	}
	kinds = slices.Clone(kinds)
	slices.SortFunc(kinds, strings.Compare)
	var rows []coverageRow
	for _, k := range slices.Compact(kinds) {
		row := coverageRow{Fault: k}
		for _, s := range checker.States {
			n := times[k][s]
			row.Cells = append(row.Cells, coverageCell{Text: count(n), Empty: n == 0, Level: level(n)})
		}
		rows = append(rows, row)
	}
	return rows
}

// met is which faults met which states, in all runs.
func (r *Results) met() []checker.Met {
	if r.Soak != nil {
		return r.Soak.Met
	}
	var out []checker.Met
	for i := range r.Runs {
		out = append(out, r.Runs[i].Met...)
	}
	return out
}

// level grows with the number of digits.
func level(n int) int {
	l := 0
	for ; n > 0 && l < 4; n /= 10 {
		l++
	}
	return l
}
