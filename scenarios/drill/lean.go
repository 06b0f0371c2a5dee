package drill

import (
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"slices"

	"firedrill/checker"
	"firedrill/checker/history/wholefile"
	"firedrill/scenarios"
)

// mostTimes is how much more often than another a kind of fault is drawn at most.
const mostTimes = 4

// lean makes a scenario with drawn faults lean towards what they have not met yet: kinds with more empty cells are drawn
// more often, and, while it is states of unrest that are missing, faults come closer together. All of it is written into
// the scenario that is returned, so that whoever plays that again needs to know nothing of what was met before. Only
// states that the scenario is known to come to count: what it never does cannot be met.
func lean(s *scenarios.Scenario, met []checker.Met) *scenarios.Scenario {
	if s.Swarm == nil || len(met) == 0 {
		return s
	}
	seen, reached := make(map[[2]string]bool), make(map[string]bool)
	for _, m := range met {
		seen[[2]string{m.Fault, m.State}], reached[m.State] = true, true
	}
	leaned, swarm := *s, *s.Swarm
	swarm.Kinds = nil
	unrest := false
	for _, kind := range s.Swarm.Kinds {
		times := 1
		for _, state := range checker.States {
			if reached[state] && !seen[[2]string{kind, state}] {
				times = min(times+1, mostTimes)
				unrest = unrest || state != checker.StatePeace
			}
		}
		swarm.Kinds = append(swarm.Kinds, slices.Repeat([]string{kind}, times)...)
	}
	if unrest {
		swarm.Close = 3 * s.Swarm.Close
	}
	leaned.Swarm = &swarm
	return &leaned
}

// leanOf is a chosen scenario that leans, with the file under out in which it can be found again.
func leanOf(c scenarios.Chosen, met []checker.Met, out string) (scenarios.Chosen, error) {
	leaned := lean(c.Scenario, met)
	if leaned == c.Scenario {
		return c, nil
	}
	text, err := scenarios.Marshal(leaned)
	if err != nil {
		return c, err
	}
	h := fnv.New32a()
	h.Write(text)
	c.Scenario, c.Argument = leaned, filepath.Join(out, "leaning", fmt.Sprintf("%s-%08x.yaml", c.Name, h.Sum32()))
	if _, err := os.Stat(c.Argument); err == nil {
		return c, nil
	}
	if err := os.MkdirAll(filepath.Dir(c.Argument), 0o755); err != nil {
		return c, err
	}
	return c, wholefile.Write(c.Argument, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}
