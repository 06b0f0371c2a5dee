package reports

import (
	"cmp"
	"encoding/json"
	"io"
	"slices"
	"time"

	"firedrill/checker"
	"firedrill/checker/history/wholefile"
	"firedrill/scenarios"
)

// Version is the version of results.json that this program writes, and the only one that it reads.
const Version = 1

// Results is results.json: what was run, and the judgement of every run. Durations are integer nanoseconds.
type Results struct {
	Version   int              `json:"version"`
	Build     string           `json:"build"`             // what was tested, such as a commit
	Machine   string           `json:"machine,omitempty"` // profile of the machine that the simulator was told of
	Shard     *Shard           `json:"shard,omitempty"`   // the part of a suite that this is; nil: the whole
	Scenarios []Scenario       `json:"scenarios"`         // in the order of the report
	Runs      []checker.Result `json:"runs"`              // by scenario, world and seed
	Soak      *Soak            `json:"soak,omitempty"`    // of which Runs are a sample; nil: Runs are all
}

// Scenario is what a reader of the results must know of a scenario, so that they can be rendered again
// without its file.
type Scenario struct {
	Name     string   `json:"name"`
	About    string   `json:"about"`
	Argument string   `json:"argument"`         // what `firedrill replay` takes: the name, or the path of a file
	Expected []string `json:"expected"`         // what was demanded, one sentence each
	Bounds   []Bound  `json:"bounds"`           // of outages; what is not listed is not bounded
	Digest   string   `json:"digest,omitempty"` // 16 hex digits; equal for scenarios that say the same
	Groups   []Group  `json:"groups,omitempty"` // the service-engine groups
	Profile  string   `json:"profile,omitempty"`
	Missing  int      `json:"missing,omitempty"` // runs that were to be played and were not: somebody interrupted
	// Place is where the scenario stands, for those who mark files; nil: not known.
	Place *Place `json:"place,omitempty"`
}

// Group is a service-engine group: its HA mode, as the vendor names it, and the virtual services that it carries.
type Group struct {
	Name   string `json:"name"`
	HAMode string `json:"ha_mode"`
	// Heartbeats are those between its engines: how often, and how many are missed until one counts as dead.
	Heartbeats string   `json:"heartbeats,omitempty"`
	Services   []string `json:"services"`
}

// Bound is the longest outage that a scenario allows a service. Zero: it may not notice.
type Bound struct {
	Service string        `json:"service"` // a name, "api", or "*" for every virtual service
	Max     time.Duration `json:"max"`
}

// WriteResults writes the results to a file, which appears only when it is whole. Runs are put in order and
// absent lists become empty ones; the results themselves are left alone.
func (r *Results) WriteResults(path string) error {
	return wholefile.Write(path, r.write)
}

func (r *Results) write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(r.normal())
}

// normal is a copy with everything in its place: seeds are played in parallel and end in any order.
func (r *Results) normal() *Results {
	n := &Results{
		Version:   Version,
		Build:     r.Build,
		Machine:   r.Machine,
		Shard:     r.Shard,
		Soak:      r.Soak,
		Scenarios: append([]Scenario{}, r.Scenarios...),
		Runs:      append([]checker.Result{}, r.Runs...),
	}
	place := make(map[string]int, len(n.Scenarios))
	for i := range n.Scenarios {
		s := &n.Scenarios[i]
		place[s.Name] = i - len(n.Scenarios) // unlisted ones come last, at 0
		s.Expected = append([]string{}, s.Expected...)
		s.Bounds = append([]Bound{}, s.Bounds...)
	}
	for i := range n.Runs {
		run := &n.Runs[i]
		run.Violations = append([]checker.Violation{}, run.Violations...)
		run.Outages = append([]checker.Outage{}, run.Outages...)
	}
	slices.SortStableFunc(n.Runs, func(a, b checker.Result) int {
		return cmp.Or(cmp.Compare(place[a.Scenario], place[b.Scenario]), cmp.Compare(a.Scenario, b.Scenario),
			cmp.Compare(rank(a.World), rank(b.World)), cmp.Compare(a.World, b.World), cmp.Compare(a.Seed, b.Seed))
	})
	return n
}

// rank puts the simulator before all other worlds.
func rank(world string) int {
	if world == scenarios.WorldSim {
		return 0
	}
	return 1
}
