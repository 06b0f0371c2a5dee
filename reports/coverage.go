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
func coverage(runs []checker.Result, kinds []string) []coverageRow {
	times := make(map[string]map[string]int)
	for _, k := range kinds {
		times[k] = make(map[string]int)
	}
	struck := false
	for i := range runs {
		for _, m := range runs[i].Met {
			if times[m.Fault] == nil {
				times[m.Fault], kinds = make(map[string]int), append(kinds, m.Fault)
			}
			times[m.Fault][m.State] += m.Times
			struck = true
		}
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

// level grows with the number of digits.
func level(n int) int {
	l := 0
	for ; n > 0 && l < 4; n /= 10 {
		l++
	}
	return l
}
