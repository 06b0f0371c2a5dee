package reports

import (
	"cmp"
	"fmt"
	"slices"

	"firedrill/checker"
)

// sideBySide joins whole results that were recorded in different worlds, so that one report shows them next to each other.
// It refuses parts of different builds, two that share a world, and scenarios of one name that say different things.
func sideBySide(parts []Part) (*Results, error) {
	first := parts[0]
	whole := &Results{Version: Version, Build: first.Results.Build}
	from := make(map[string]string) // by world, the part that has it
	for _, p := range parts {
		if p.Results.Shard != nil {
			return nil, fmt.Errorf("%s is a shard and %s is whole; merge shards with shards, and then worlds with worlds", p.Name, first.Name)
		}
		if p.Results.Build != whole.Build {
			return nil, fmt.Errorf("%s is of build %q and %s of build %q; worlds are compared that ran the same", first.Name, whole.Build, p.Name, p.Results.Build)
		}
		whole.Machine = cmp.Or(whole.Machine, p.Results.Machine)
		for _, world := range worldsOf(p.Results.Runs) {
			if from[world] != "" {
				return nil, fmt.Errorf("%s and %s were both played in the world %s; whole results are merged of different worlds, such as sim and real, and shards are made by `run --shard 1/2`", from[world], p.Name, world)
			}
			from[world] = p.Name
		}
		for _, s := range p.Results.Scenarios {
			i := slices.IndexFunc(whole.Scenarios, func(o Scenario) bool { return o.Name == s.Name })
			if i < 0 {
				whole.Scenarios = append(whole.Scenarios, s)
			} else if whole.Scenarios[i].Digest != s.Digest {
				return nil, fmt.Errorf("%s is not the same scenario in %s and in %s", s.Name, first.Name, p.Name)
			}
		}
		whole.Runs = append(whole.Runs, p.Results.Runs...)
	}
	return whole.normal(), nil
}

// worldsOf lists the worlds in which runs were played.
func worldsOf(runs []checker.Result) []string {
	var out []string
	for i := range runs {
		if !slices.Contains(out, runs[i].World) {
			out = append(out, runs[i].World)
		}
	}
	return out
}
