package drill

import (
	"cmp"
	"regexp"
	"slices"
	"time"

	"firedrill/checker"
	"firedrill/reports"
)

const soakVersion = 1

// soakState is how far a soak has come, and what it has found. It does not grow with the number of runs.
type soakState struct {
	Version   int                   `json:"version"`
	Build     string                `json:"build"`
	Scenarios string                `json:"scenarios"` // which they are, and the first seed
	Next      uint64                `json:"next"`      // the seed that was not played yet
	Elapsed   time.Duration         `json:"elapsed"`   // real time spent on it, over all processes
	Simulated time.Duration         `json:"simulated"`
	Runs      int                   `json:"runs"`
	Failed    int                   `json:"failed"`
	Failures  []reports.SoakFailure `json:"failures"` // each kind once, as they were first seen
	Unlisted  int                   `json:"unlisted"` // failed runs of kinds for which there was no room
	Each      []soakOne             `json:"each"`     // by scenario
}

// soakOne is what came of one scenario.
type soakOne struct {
	Name  string           `json:"name"`
	Met   []checker.Met    `json:"met"`
	Worst *checker.Result  `json:"worst,omitempty"` // that with the longest outage
	Kept  []checker.Result `json:"kept"`            // a sample, by lot
}

// mostKinds is how many kinds of failure are told apart.
const mostKinds = 100

func (s *soakState) one(name string) *soakOne {
	for i := range s.Each {
		if s.Each[i].Name == name {
			return &s.Each[i]
		}
	}
	s.Each = append(s.Each, soakOne{Name: name})
	return &s.Each[len(s.Each)-1]
}

// met is what faults have met in a scenario so far.
func (s *soakState) met(name string) []checker.Met { return s.one(name).Met }

// add counts a run.
func (s *soakState) add(r *checker.Result, keep int) {
	s.Runs++
	s.Simulated += r.Simulated
	one := s.one(r.Scenario)
	one.Met = addMet(one.Met, r.Met)
	if one.Worst == nil || longest(r) > longest(one.Worst) {
		worst := *r
		one.Worst = &worst
	}
	one.Kept = append(one.Kept, *r)
	slices.SortFunc(one.Kept, func(a, b checker.Result) int { return cmp.Compare(lot(a.Seed), lot(b.Seed)) })
	one.Kept = one.Kept[:min(len(one.Kept), keep)]
	if r.Verdict != checker.Pass {
		s.Failed++
		s.fail(r)
	}
}

// lot is a number that says nothing of the seed, by which a sample is drawn: those with the least are kept, whatever the
// order in which they came (SplitMix64; Steele and others, OOPSLA 2014).
func lot(seed uint64) uint64 {
	z := seed + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func longest(r *checker.Result) (d time.Duration) {
	for _, o := range r.Outages {
		d = max(d, o.Duration)
	}
	return d
}

func addMet(all, more []checker.Met) []checker.Met {
	for _, m := range more {
		i := slices.IndexFunc(all, func(a checker.Met) bool { return a.Fault == m.Fault && a.State == m.State })
		if i < 0 {
			all = append(all, m)
		} else {
			all[i].Times += m.Times
		}
	}
	return all
}

var digits = regexp.MustCompile(`[0-9]+(\.[0-9]+)?`)

// kind is what makes two failures one: the scenario, the check, and what it said but for numbers.
func kind(r *checker.Result) (check, cause string) {
	if len(r.Violations) == 0 {
		return string(r.Verdict), ""
	}
	return r.Violations[0].Check, digits.ReplaceAllString(r.Violations[0].Message, "#")
}

func (s *soakState) find(r *checker.Result) int {
	check, cause := kind(r)
	return slices.IndexFunc(s.Failures, func(f reports.SoakFailure) bool {
		return f.First.Scenario == r.Scenario && f.Check == check && f.Cause == cause
	})
}

// fail counts a failed run among those of its kind.
func (s *soakState) fail(r *checker.Result) {
	switch i := s.find(r); {
	case i >= 0:
		s.Failures[i].Count++
	case len(s.Failures) == mostKinds:
		s.Unlisted++
	default:
		check, cause := kind(r)
		s.Failures = append(s.Failures, reports.SoakFailure{Check: check, Cause: cause, Count: 1, First: *r})
	}
}

// news picks the failures of a kind that was not seen before, one each, whose histories are worth keeping.
func (s *soakState) news(results []checker.Result) []int {
	var out []int
	seen := soakState{}
	for i := range results {
		r := &results[i]
		if r.Verdict == checker.Fail && s.find(r) < 0 && seen.find(r) < 0 && len(s.Failures)+len(out) < mostKinds {
			seen.fail(r)
			out = append(out, i)
		}
	}
	return out
}

// sample is the runs that are reported: those drawn by lot, the first of every kind of failure, and those with the longest
// outages.
func (s *soakState) sample() []checker.Result {
	var out []checker.Result
	type run struct {
		scenario string
		seed     uint64
	}
	seen := make(map[run]bool)
	add := func(r *checker.Result) {
		if k := (run{r.Scenario, r.Seed}); !seen[k] {
			seen[k] = true
			out = append(out, *r)
		}
	}
	for i := range s.Each {
		for j := range s.Each[i].Kept {
			add(&s.Each[i].Kept[j])
		}
		if s.Each[i].Worst != nil {
			add(s.Each[i].Worst)
		}
	}
	for i := range s.Failures {
		add(&s.Failures[i].First)
	}
	return out
}

// summary is what all runs came to.
func (s *soakState) summary() *reports.Soak {
	sum := &reports.Soak{Elapsed: s.Elapsed, Simulated: s.Simulated, Runs: s.Runs, Failed: s.Failed, Failures: s.Failures, Unlisted: s.Unlisted}
	for i := range s.Each {
		sum.Met = addMet(sum.Met, s.Each[i].Met)
	}
	return sum
}
