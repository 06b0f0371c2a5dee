package reports

import "fmt"

// flowRow is what became of long flows when engines took over the services of one HA mode in one scenario.
type flowRow struct {
	Scenario, ID, Mode string
	Takeovers, Runs    string
	Open, Kept, Broken string
	Most               string // broken in one takeover
	Seed               uint64 // where that was
	takeovers, runs    int
	open, broken, most int
}

// longFlows has a row for every scenario and HA mode with takeovers of services that had long flows.
func longFlows(all []*group) []flowRow {
	var rows []flowRow
	for _, g := range all {
		mode, _ := g.modes()
		var of []flowRow
		for _, run := range g.runs {
			seen := make(map[int]bool)
			for _, t := range run.Takeovers {
				at := rowOf(&of, mode[t.Service])
				r := &of[at]
				r.takeovers++
				r.open += t.Open
				r.broken += t.Broken
				if t.Broken > r.most || r.Seed == 0 {
					r.most, r.Seed = t.Broken, run.Seed
				}
				if !seen[at] {
					seen[at] = true
					r.runs++
				}
			}
		}
		for _, r := range of {
			r.Scenario, r.ID = g.label(), g.id
			r.Takeovers, r.Runs, r.Open, r.Most = count(r.takeovers), count(r.runs), count(r.open), count(r.most)
			r.Kept, r.Broken = share(r.open-r.broken, r.open), share(r.broken, r.open)
			rows = append(rows, r)
		}
	}
	return rows
}

// rowOf finds the row of a mode, or adds one.
func rowOf(rows *[]flowRow, mode string) int {
	for i := range *rows {
		if (*rows)[i].Mode == mode {
			return i
		}
	}
	*rows = append(*rows, flowRow{Mode: mode})
	return len(*rows) - 1
}

// share is a count and its part of the whole.
func share(part, whole int) string {
	return fmt.Sprintf("%s (%.1f%%)", count(part), 100*float64(part)/float64(whole))
}
