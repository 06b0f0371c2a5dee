package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"firedrill/checker"
	"firedrill/checker/history/wholefile"
	"firedrill/scenarios"
)

// BaselineVersion is the version of baseline files that this program writes, and the only one that it reads.
const BaselineVersion = 1

// baselineFormat opens a baseline file, so that no other JSON is taken for one.
const baselineFormat = "firedrill.baseline"

// Baseline is what the gate keeps of results, in a file that belongs into version control: see BASELINE.md.
type Baseline struct {
	Format    string             `json:"format"`
	Version   int                `json:"version"`
	Build     string             `json:"build"`             // what was measured, such as a commit
	Machine   string             `json:"machine,omitempty"` // profile of the machine that the simulator was told of
	Scenarios []BaselineScenario `json:"scenarios"`
}

// BaselineScenario is one scenario in one world. All its runs passed.
type BaselineScenario struct {
	Scenario string  `json:"scenario"`
	World    string  `json:"world"`
	Digest   string  `json:"digest,omitempty"` // of the scenario: where it differs, equal seeds are other plans
	Bounds   []Bound `json:"bounds"`
	Seeds    string  `json:"seeds"` // as `--seeds` takes them
	// The longest outage of each seed in microseconds, in the order of the seeds: of any virtual service, and of the
	// API. Zero: no outage; an absent list: no outage in any seed. One number a run, because the outages of one run
	// share its faults and are no independent measurements.
	Services []int64 `json:"services_us,omitempty"`
	API      []int64 `json:"api_us,omitempty"`

	seeds []uint64
}

// NewBaseline takes from results what the gate compares with.
func NewBaseline(r *Results) *Baseline {
	b := &Baseline{Format: baselineFormat, Version: BaselineVersion, Build: r.Build, Machine: r.Machine}
	for _, g := range groups(r.normal()) {
		if len(g.runs) > 0 {
			b.Scenarios = append(b.Scenarios, g.baseline())
		}
	}
	return b
}

// Fits tells why results cannot be held against the baseline: they were simulated on another machine.
func (b *Baseline) Fits(r *Results) error {
	if b.Machine == r.Machine {
		return nil
	}
	return fmt.Errorf("the baseline was simulated on %s, these results on %s; compare what was told of the same machine (run --machine), or make a new baseline by --update",
		machineName(b.Machine), machineName(r.Machine))
}

func (g *group) baseline() BaselineScenario {
	out := BaselineScenario{Scenario: g.info.Name, World: g.world, Digest: g.info.Digest, Bounds: append([]Bound{}, g.info.Bounds...)}
	for _, run := range g.runs {
		out.seeds = append(out.seeds, run.Seed)
		out.Services = append(out.Services, longest(run, false))
		out.API = append(out.API, longest(run, true))
	}
	out.Seeds = formatSeeds(out.seeds)
	for _, list := range []*[]int64{&out.Services, &out.API} {
		if slices.Max(*list) == 0 {
			*list = nil
		}
	}
	return out
}

// longest is the longest outage of a run, of the API or of any virtual service, in microseconds.
func longest(run *checker.Result, ofAPI bool) int64 {
	worst := time.Duration(0)
	for i := range run.Outages {
		if o := &run.Outages[i]; (o.Service == api) == ofAPI {
			worst = max(worst, o.Duration)
		}
	}
	return worst.Round(time.Microsecond).Microseconds()
}

// Write writes the baseline to a file, which appears only when it is whole. What belongs to one scenario stands on few
// lines, each of one kind, so that a review shows which numbers moved.
func (b *Baseline) Write(path string) error {
	return wholefile.Write(path, func(w io.Writer) error {
		var out bytes.Buffer
		fmt.Fprintf(&out, "{\n \"format\": %s,\n \"version\": %d,\n \"build\": %s,\n", quoted(b.Format), b.Version, quoted(b.Build))
		if b.Machine != "" {
			fmt.Fprintf(&out, " \"machine\": %s,\n", quoted(b.Machine))
		}
		out.WriteString(" \"scenarios\": [")
		for i := range b.Scenarios {
			s := &b.Scenarios[i]
			if i > 0 {
				out.WriteString(",")
			}
			fmt.Fprintf(&out, "\n  {\"scenario\": %s, \"world\": %s,", quoted(s.Scenario), quoted(s.World))
			if s.Digest != "" {
				fmt.Fprintf(&out, " \"digest\": %s,", quoted(s.Digest))
			}
			fmt.Fprintf(&out, "\n   \"bounds\": %s,\n   \"seeds\": %s", quoted(s.Bounds), quoted(s.Seeds))
			if len(s.Services) > 0 {
				fmt.Fprintf(&out, ",\n   \"services_us\": %s", quoted(s.Services))
			}
			if len(s.API) > 0 {
				fmt.Fprintf(&out, ",\n   \"api_us\": %s", quoted(s.API))
			}
			out.WriteString("}")
		}
		out.WriteString("\n ]\n}\n")
		_, err := out.WriteTo(w)
		return err
	})
}

// quoted is a value on one line of JSON. The values of a baseline are text, numbers and lists of them.
func quoted(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// ReadBaseline reads a baseline file. The first thing that is wrong becomes a one-line error that names the file, the
// line where one is known, and what would be right.
func ReadBaseline(path string) (*Baseline, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	b, err := parseBaseline(data)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return b, nil
}

func parseBaseline(data []byte) (*Baseline, error) {
	var head struct {
		Format string `json:"format"`
	}
	if json.Unmarshal(data, &head) == nil && head.Format != baselineFormat {
		return nil, &misread{line: 1, problem: fmt.Sprintf("this is no baseline, which begins with \"format\": %q; `firedrill gate --update` makes one", baselineFormat)}
	}
	b := new(Baseline)
	if err := parseVersioned(data, BaselineVersion, b); err != nil {
		return nil, err
	}
	type id struct{ scenario, world string }
	seen := make(map[id]bool)
	for i := range b.Scenarios {
		s := &b.Scenarios[i]
		if err := s.check(); err != nil {
			return nil, &misread{lineOfValue(data, s.Scenario), fmt.Sprintf("scenarios[%d]: %v", i, err)}
		}
		if key := (id{s.Scenario, s.World}); seen[key] {
			return nil, &misread{lineOfValue(data, s.Scenario), fmt.Sprintf("scenarios[%d]: %s is there twice; a scenario is listed once", i, s.Scenario)}
		} else {
			seen[key] = true
		}
	}
	return b, nil
}

// check refuses what the types allow but the gate would trip over, and fills in what the file abbreviates.
func (s *BaselineScenario) check() error {
	if s.Scenario == "" {
		return fmt.Errorf("scenario is missing; it is the name of what was run")
	}
	var err error
	if s.seeds, err = scenarios.ParseSeeds(s.Seeds); err != nil {
		return fmt.Errorf("seeds: %w", err)
	}
	for name, list := range map[string]*[]int64{"api_us": &s.API, "services_us": &s.Services} {
		switch {
		case len(*list) == 0:
			*list = make([]int64, len(s.seeds))
		case len(*list) != len(s.seeds):
			return fmt.Errorf("%s lists %d outages, but seeds %s are %d; one number a seed", name, len(*list), s.Seeds, len(s.seeds))
		case slices.Min(*list) < 0:
			return fmt.Errorf("%s holds %d; an outage takes no less than 0", name, slices.Min(*list))
		}
	}
	return nil
}

// lineOfValue finds the first use of a text; encoding/json does not tell its place.
func lineOfValue(data []byte, value string) int {
	at := bytes.Index(data, quoted(value))
	if at < 0 {
		return 0
	}
	return lineAt(data, int64(at))
}
