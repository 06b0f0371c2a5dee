package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"firedrill/checker"
)

// SweepVersion is the version of sweep.json.
const SweepVersion = 1

// The files of a sweep.
const (
	SweepFile     = "sweep.json"
	SweepHTMLFile = "sweep.html"
)

// Sweep is sweep.json: one scenario played with every combination of some settings. Durations are integer nanoseconds.
type Sweep struct {
	Version      int           `json:"version"`
	Build        string        `json:"build"`
	Scenario     string        `json:"scenario"`
	Seeds        string        `json:"seeds"`
	Settings     []string      `json:"settings"` // paths in the scenario
	Combinations []Combination `json:"combinations"`
}

// Combination is what came of one value for each setting.
type Combination struct {
	Values    []string      `json:"values"` // in the order of the settings
	Runs      int           `json:"runs"`
	Simulated time.Duration `json:"simulated"` // all runs together

	// Failovers are the outages of virtual services after a fault in which somebody suspected or took over. The others,
	// such as a lost probe, are none.
	Failovers int           `json:"failovers"`
	Median    time.Duration `json:"p50"`
	P99       time.Duration `json:"p99"` // zero where there are too few, which Enough tells
	Low       time.Duration `json:"p99_low"`
	High      time.Duration `json:"p99_high"` // zero: not known
	Enough    bool          `json:"enough"`
	Max       time.Duration `json:"max"`

	// False counts takeovers that nothing had caused: the violations of failover-with-cause.
	False        int      `json:"false_failovers"`
	FalsePerHour float64  `json:"false_failovers_per_hour"` // simulated
	Over         int      `json:"over_expectation"`         // runs that broke a bound or an expectation of the scenario
	Unsafe       int      `json:"unsafe"`                   // runs that broke a promise of safety
	Broken       []string `json:"broken"`                   // the promises, by name

	// Best says that no other combination under the same conditions is better at one of the two without being worse at
	// the other.
	Best bool `json:"best"`
}

// aims are the checks that a sweep measures or leaves to its reader; what else breaks is never a matter of taste.
var aims = []string{"failover-with-cause", "outage-bound", "failover-count", "services-recover"}

// Measure takes in the runs of a combination.
func (c *Combination) Measure(runs []checker.Result) {
	var lengths clusters
	c.Broken = []string{}
	for i := range runs {
		run := &runs[i]
		c.Runs++
		c.Simulated += run.Simulated
		var outages []time.Duration
		for j := range run.Outages {
			if o := &run.Outages[j]; o.Service != api && o.Fault != "none" && o.Phases.Converge < o.Duration {
				outages = append(outages, o.Duration)
			}
		}
		lengths = append(lengths, outages)
		c.judge(run)
	}
	if c.Simulated > 0 {
		c.FalsePerHour = float64(c.False) / c.Simulated.Hours()
	}
	slices.Sort(c.Broken)
	c.Broken = slices.Compact(c.Broken)
	s := newClusteredSample(lengths)
	median, p99 := s.Quantile(0.5), s.Quantile(0.99)
	c.Failovers, c.Max, c.Median = s.N(), s.Max(), median.Value
	if c.Enough = p99.Enough; c.Enough {
		c.P99 = p99.Value
	}
	if p99.LowKnown {
		c.Low = p99.Low
	}
	if p99.HighKnown {
		c.High = p99.High
	}
}

func (c *Combination) judge(run *checker.Result) {
	over, unsafe := false, run.Verdict == checker.Error
	for _, v := range run.Violations {
		switch {
		case v.Check == "failover-with-cause":
			c.False++
		case slices.Contains(aims, v.Check):
			over = true
		default:
			unsafe = true
			c.Broken = append(c.Broken, v.Check)
		}
	}
	if over {
		c.Over++
	}
	if unsafe {
		c.Unsafe++
	}
}

// time is what the combination is ranked by: p99, or the longest where there are too few for it.
func (c *Combination) time() time.Duration {
	if c.Enough {
		return c.P99
	}
	return c.Max
}

// Rank finds the combinations that no other one beats, in the sense of Pareto. An unsafe one is not among them. Only
// those are compared that have their topology in common: a network is given, a timer is chosen.
func (s *Sweep) Rank() {
	for i := range s.Combinations {
		c := &s.Combinations[i]
		c.Best = c.Unsafe == 0 && !slices.ContainsFunc(s.Combinations, func(other Combination) bool {
			return s.conditions(&other) == s.conditions(c) && other.beats(c)
		})
	}
}

func (c *Combination) beats(other *Combination) bool {
	return c.Unsafe == 0 && c.time() <= other.time() && c.False <= other.False && (c.time() < other.time() || c.False < other.False)
}

// conditions is what a combination was played under, in words; empty where the topology is not varied.
func (s *Sweep) conditions(c *Combination) string {
	var out []string
	for i, path := range s.Settings {
		if field, ok := strings.CutPrefix(path, "topology."); ok {
			out = append(out, field+" "+c.Values[i])
		}
	}
	return strings.Join(out, ", ")
}

// Safe tells whether no combination broke a promise of safety.
func (s *Sweep) Safe() bool {
	return !slices.ContainsFunc(s.Combinations, func(c Combination) bool { return c.Unsafe > 0 })
}

// WriteText writes the sweep as a table for a terminal.
func (s *Sweep) WriteText(w io.Writer, colour bool) error {
	p := newPaint(colour)
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.Options{SeparateHeader: true}
	t.Style().Format.Header = text.FormatDefault
	t.Style().Box.PaddingLeft, t.Style().Box.PaddingRight = "", "  "
	header := table.Row{}
	for _, path := range s.Settings {
		header = append(header, path)
	}
	t.AppendHeader(append(header, "failovers", "p50", "p99", "max", "false", "false/h", "expected", "answer"))
	var columns []table.ColumnConfig
	for n := 1; n <= len(s.Settings)+7; n++ {
		columns = append(columns, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(columns)
	for i := range s.Combinations {
		c := &s.Combinations[i]
		row := table.Row{}
		for _, v := range c.Values {
			row = append(row, v)
		}
		t.AppendRow(append(row, count(c.Failovers), c.medianText(), c.p99Text(), duration(c.Max), count(c.False), number(c.FalsePerHour, 2),
			fmt.Sprintf("%d/%d", c.Runs-c.Over, c.Runs), p.combination(c)))
	}
	_, err := fmt.Fprintf(w, "%s\n\n%s\n", t.Render(), s.explanation())
	return err
}

func (s *Sweep) explanation() string {
	hours := time.Duration(0)
	if len(s.Combinations) > 0 {
		hours = s.Combinations[0].Simulated
	}
	return fmt.Sprintf(`%s, seeds %s: %s by the world's clock for each combination. A p99 takes %d runs with a failover.
false: takeovers that no fault had caused. expected: runs that kept to what the scenario expects.
best: under equal conditions (topology) no other is faster without more false takeovers.`, s.Scenario, s.Seeds, duration(hours), Needed(0.99))
}

func (c *Combination) medianText() string {
	if c.Median == 0 {
		return "–"
	}
	return duration(c.Median)
}

func (c *Combination) p99Text() string {
	if !c.Enough {
		return "–"
	}
	return duration(c.P99)
}

// answer says in a word what to think of a combination.
func (c *Combination) answer() string {
	switch {
	case len(c.Broken) > 0:
		return "unsafe: " + strings.Join(c.Broken, ", ")
	case c.Unsafe > 0:
		return "unsafe: broken runs"
	case c.Best:
		return "best"
	}
	return ""
}

func (p paint) combination(c *Combination) string {
	switch {
	case c.Unsafe > 0:
		return p.bad.Sprint(c.answer())
	case c.Best:
		return p.good.Sprint(c.answer())
	}
	return ""
}
