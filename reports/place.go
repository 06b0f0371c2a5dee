package reports

import (
	"cmp"
	"strings"

	"firedrill/checker"
)

// Place is where a scenario stands, for those who mark the lines of files.
type Place struct {
	File string `json:"file"` // relative to where the program was called
	// Lines, from 1, by what may be broken there: a check, such as services-recover, or a check and its subject, such as
	// outage-bound/api. "faults" is the line for everything else.
	Lines map[string]int `json:"lines"`
}

// line is where a violation belongs: what the scenario demanded and did not get, or else what it inflicted.
func (p *Place) line(v checker.Violation) int {
	best := ""
	for key := range p.Lines {
		check, subject, _ := strings.Cut(key, "/")
		if check == v.Check && strings.HasPrefix(v.Message, subject+" ") && len(key) > len(best) {
			best = key
		}
	}
	return max(1, cmp.Or(p.Lines[best], p.Lines[v.Check], p.Lines[v.Check+"/*"], p.Lines["faults"], p.Lines["name"]))
}

// complaint is what is wrong in one scenario by one check, in all its seeds.
type complaint struct {
	group *group
	check string
	first checker.Violation
	runs  []*checker.Result
}

// complaints sorts what failed by scenario and check: a hundred seeds of one bug are one mark in a file, not a hundred.
func complaints(all []*group) []complaint {
	var out []complaint
	for _, g := range all {
		at := make(map[string]int)
		for _, run := range g.failed {
			violations := run.Violations
			if len(violations) == 0 {
				violations = []checker.Violation{{Check: string(run.Verdict), Message: "the run says no more than that"}}
			}
			for _, v := range violations {
				n, known := at[v.Check]
				if !known {
					n = len(out)
					at[v.Check] = n
					out = append(out, complaint{group: g, check: v.Check, first: v})
				}
				if c := &out[n]; len(c.runs) == 0 || c.runs[len(c.runs)-1] != run {
					c.runs = append(c.runs, run)
				}
			}
		}
	}
	return out
}

// text says it on few lines, the last of which is the command that shows it again.
func (c *complaint) text(prefix string) string {
	return c.first.Message + "\n" + plural(len(c.runs), "seed") + " of " + count(len(c.group.runs)) + ": " + seedList(seedsOf(c.runs), 10) +
		"\n" + replayCommand(prefix, c.group.argument(), c.runs[0])
}
