package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"firedrill/checker/history/wholefile"
	"firedrill/checker/words"
	"firedrill/scenarios"
)

// MutantsFile is where below the folder of the results the bank of mutants is, for the report to show.
const MutantsFile = "mutants.json"

// MutantsVersion is the version of mutants.json that this program writes, and the only one that it reads.
const MutantsVersion = 1

// Mutants is mutants.json: which of the known bugs, each planted alone, were caught by which check after how many seeds.
type Mutants struct {
	Version int    `json:"version"`
	Build   string `json:"build"` // that was broken
	Total   int    `json:"total"`
	Killed  int    `json:"killed"` // from every start, by a check that should
	Median  int    `json:"median_seeds"`
	// Faults is the median of what is left of the faults in the plans that were shrunk; -1: none was.
	Faults  int      `json:"median_faults"`
	Mutants []Mutant `json:"mutants"`
}

// Mutant is one known bug, and how it was hunted.
type Mutant struct {
	Name     string   `json:"name"`
	Breaks   string   `json:"breaks"`
	Like     string   `json:"like,omitempty"` // the bug of a real system that it is like
	CaughtBy []string `json:"caught_by"`      // the checks that should
	State    string   `json:"state"`          // MutantCaught, MutantUnrelated or MutantSurvived
	Seeds    int      `json:"seeds"`          // median over the starts
	Starts   []Hunt   `json:"starts"`
}

// Hunt is how the hunt for a mutant from one seed on ended.
type Hunt struct {
	First    uint64   `json:"first_seed"`         // of those that were played
	Seeds    int      `json:"seeds"`              // how many were played; one that another scenario than the named caught begins to count where these end
	Scenario string   `json:"scenario,omitempty"` // that caught it; empty: it survived
	Seed     uint64   `json:"seed,omitempty"`
	Checks   []string `json:"checks,omitempty"` // that failed in that run, each once
	Message  string   `json:"message,omitempty"`

	// Shrunk is how small the plan became that caught it; nil: nobody asked.
	Shrunk *Shrunk `json:"shrunk,omitempty"`

	// Unsound lists runs that failed with the mutant but fail without it, too: they catch nothing.
	Unsound []string `json:"unsound,omitempty"`
}

// Shrunk is what `firedrill shrink` makes of a plan.
type Shrunk struct {
	From Size `json:"from"`
	To   Size `json:"to"`
	Runs int  `json:"runs"` // that it took
}

// Size says how large a plan is.
type Size struct {
	Faults     int           `json:"faults"`
	Operations int           `json:"operations"`
	Nodes      int           `json:"nodes"`
	Duration   time.Duration `json:"duration"` // in nanoseconds
}

// SizeOf measures a plan.
func SizeOf(p *scenarios.Scenario) Size {
	return Size{len(p.Faults), len(p.Workload.Operate), len(p.Nodes()), p.Duration.Std()}
}

// String says it in words.
func (s Size) String() string {
	return fmt.Sprintf("%s, %s, %s, %s", plural(s.Faults, "fault"), plural(s.Operations, "operation"), plural(s.Nodes, "node"), words.Duration(s.Duration))
}

// The states of a mutant.
const (
	MutantCaught    = "caught"
	MutantUnrelated = "caught by an unrelated check only"
	MutantSurvived  = "survived"
)

// Expected tells whether a check failed that should.
func (m *Mutant) Expected(h Hunt) bool {
	return slices.ContainsFunc(h.Checks, func(c string) bool { return slices.Contains(m.CaughtBy, c) })
}

// Sum counts what was caught, and fills in what is told of all.
func (t *Mutants) Sum() {
	var seeds, faults []int
	t.Version, t.Total, t.Killed, t.Faults = MutantsVersion, len(t.Mutants), 0, -1
	for i := range t.Mutants {
		m := &t.Mutants[i]
		m.sum()
		if s := m.shrunk(); s != nil {
			faults = append(faults, s.To.Faults)
		}
		if m.State == MutantCaught {
			t.Killed++
			seeds = append(seeds, m.Seeds)
		}
	}
	t.Median = lowerMedian(seeds)
	if len(faults) > 0 {
		t.Faults = lowerMedian(faults)
	}
}

// sum finds the state, which is that of the worst start, and the median.
func (m *Mutant) sum() {
	var seeds []int
	m.State = MutantCaught
	for _, h := range m.Starts {
		seeds = append(seeds, h.Seeds)
		switch {
		case h.Scenario == "":
			m.State = MutantSurvived
		case m.State == MutantCaught && !m.Expected(h):
			m.State = MutantUnrelated
		}
	}
	m.Seeds = lowerMedian(seeds)
}

// lowerMedian is the lower one of two in the middle.
func lowerMedian(list []int) int {
	if len(list) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(list))[(len(list)-1)/2]
}

// By lists what each start found: the expected check if it was among those that failed.
func (m *Mutant) By() string {
	var out []string
	for _, h := range m.Starts {
		if len(h.Checks) == 0 {
			continue
		}
		check := h.Checks[0]
		if i := slices.IndexFunc(h.Checks, func(c string) bool { return slices.Contains(m.CaughtBy, c) }); i >= 0 {
			check = h.Checks[i]
		}
		if check == "run" {
			check = "run (it crashed or hung)"
		}
		if !slices.Contains(out, check) {
			out = append(out, check)
		}
	}
	return strings.Join(out, ", ")
}

// In lists the scenarios that caught it.
func (m *Mutant) In() string {
	var out []string
	for _, h := range m.Starts {
		if h.Scenario != "" && !slices.Contains(out, h.Scenario) {
			out = append(out, h.Scenario)
		}
	}
	return strings.Join(out, ", ")
}

// Counts shows the seeds that each start took.
func (m *Mutant) Counts() string {
	out := make([]string, len(m.Starts))
	for i, h := range m.Starts {
		out[i] = fmt.Sprint(h.Seeds)
	}
	return strings.Join(out, " ")
}

// Smallest is the size of the plan that was shrunk, in words.
func (m *Mutant) Smallest() string {
	if s := m.shrunk(); s != nil {
		return s.To.String()
	}
	return ""
}

func (m *Mutant) shrunk() *Shrunk {
	if len(m.Starts) == 0 {
		return nil
	}
	return m.Starts[0].Shrunk
}

// Rate says how many were caught.
func (t *Mutants) Rate() string {
	if t.Total == 0 {
		return "no mutant"
	}
	text := fmt.Sprintf("%d of %d mutants were caught (%.0f%%); half of them within %s.", t.Killed, t.Total, 100*float64(t.Killed)/float64(t.Total), plural(t.Median, "seed"))
	if t.Faults >= 0 {
		text += fmt.Sprintf(" Of half of the plans that caught them, %s or less is left when they are shrunk.", plural(t.Faults, "fault"))
	}
	return text
}

// WriteFile writes mutants.json into the folder dir, which is made if need be.
func (t *Mutants) WriteFile(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return wholefile.Write(filepath.Join(dir, MutantsFile), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		return e.Encode(t)
	})
}

// readMutants reads mutants.json in the folder of the results; nil: the bank was not hunted there.
func readMutants(dir string) (*Mutants, error) {
	path := filepath.Join(dir, MutantsFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t := new(Mutants)
	if err := parseVersioned(data, MutantsVersion, t); err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	t.Sum()
	return t, nil
}
