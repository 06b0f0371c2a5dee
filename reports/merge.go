package reports

import (
	"fmt"
	"reflect"
	"slices"

	"firedrill/checker"
	"firedrill/scenarios"
)

// Shard is which part of a suite results are of, where it was spread over machines.
type Shard struct {
	Index int    `json:"index"` // from 1
	Of    int    `json:"of"`
	Seeds string `json:"seeds"` // of the whole suite, as `--seeds` takes them
}

func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Of) }

// Part is the results of one shard and the name of the folder that they are from, for errors.
type Part struct {
	Name    string
	Results *Results
}

// Merge joins the results of all shards of one suite to what the run would have given unsharded. It refuses parts that
// are not of one suite and one build, and a whole that has gaps or overlaps. Results that are whole are put side by side,
// if each is of a world of its own.
func Merge(parts []Part) (*Results, error) {
	for _, p := range parts {
		if p.Results.Soak != nil {
			return nil, fmt.Errorf("%s: these results are a sample of a soak, and cannot be merged", p.Name)
		}
	}
	first := parts[0]
	if first.Results.Shard == nil {
		return sideBySide(parts)
	}
	of := make([]string, first.Results.Shard.Of+1)
	whole := &Results{Version: Version, Build: first.Results.Build, Machine: first.Results.Machine, Scenarios: first.Results.Scenarios}
	for _, p := range parts {
		if err := first.fits(p); err != nil {
			return nil, err
		}
		index := p.Results.Shard.Index
		if of[index] != "" {
			return nil, fmt.Errorf("%s and %s are both shard %v; each is merged once", of[index], p.Name, p.Results.Shard)
		}
		of[index] = p.Name
		whole.Runs = append(whole.Runs, p.Results.Runs...)
	}
	for i := 1; i < len(of); i++ {
		if of[i] == "" {
			return nil, fmt.Errorf("shard %d/%d is missing; name the folders of all %d", i, first.Results.Shard.Of, first.Results.Shard.Of)
		}
	}
	return whole.normal(), whole.complete(first.Results.Shard.Seeds)
}

// fits tells why another part is not of the same suite.
func (p Part) fits(other Part) error {
	a, b := p.Results, other.Results
	switch {
	case b.Shard == nil:
		return fmt.Errorf("%s: these results are whole, not of a shard", other.Name)
	case a.Build != b.Build:
		return fmt.Errorf("%s is of build %q and %s of build %q; shards are merged that tested the same", p.Name, a.Build, other.Name, b.Build)
	case a.Machine != b.Machine:
		return fmt.Errorf("%s was simulated on %s and %s on %s; shards are merged that were told of the same machine", p.Name, machineName(a.Machine), other.Name, machineName(b.Machine))
	case a.Shard.Of != b.Shard.Of || a.Shard.Seeds != b.Shard.Seeds:
		return fmt.Errorf("%s is shard %v of seeds %s and %s shard %v of seeds %s; shards of one run are merged",
			p.Name, a.Shard, a.Shard.Seeds, other.Name, b.Shard, b.Shard.Seeds)
	case b.Shard.Index < 1 || b.Shard.Index > b.Shard.Of:
		return fmt.Errorf("%s: there is no shard %v", other.Name, b.Shard)
	case !reflect.DeepEqual(a.described(), b.described()):
		return fmt.Errorf("%s and %s are of different scenarios, or different versions of them", p.Name, other.Name)
	}
	return nil
}

// machineName says in an error on which machine was simulated.
func machineName(profile string) string {
	if profile == "" {
		return "no measured machine"
	}
	return "the machine " + profile
}

// described is what the results say of their scenarios, whoever interrupted them.
func (r *Results) described() []Scenario {
	out := slices.Clone(r.Scenarios)
	for i := range out {
		out[i].Missing = 0
	}
	return out
}

// complete tells which run is there twice, or not at all.
func (r *Results) complete(seeds string) error {
	if err := r.check(); err != nil {
		return fmt.Errorf("shards overlap:%w", err)
	}
	wanted, err := scenarios.ParseSeeds(seeds)
	if err != nil {
		return err
	}
	for _, s := range r.Scenarios {
		var have []uint64
		for i := range r.Runs {
			if r.Runs[i].Scenario == s.Name {
				have = append(have, r.Runs[i].Seed)
			}
		}
		if missing := without(wanted, have); len(missing) > 0 {
			return fmt.Errorf("%s: seeds %s are in no shard; was a run interrupted?", s.Name, formatSeeds(missing))
		}
	}
	return nil
}

// From finds the part that a run is from.
func From(parts []Part, run *checker.Result) (Part, bool) {
	for _, p := range parts {
		if slices.ContainsFunc(p.Results.Runs, func(r checker.Result) bool {
			return r.Scenario == run.Scenario && r.World == run.World && r.Seed == run.Seed
		}) {
			return p, true
		}
	}
	return Part{}, false
}
