package checker

import (
	"slices"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/checker/words"
)

// defaultDualActive is [history.Expect].DualActive where a scenario says nothing.
const defaultDualActive = 100 * time.Millisecond

// holders follows who has what, and finds the times when one thing had two holders for too long.
type holders struct {
	limit      int64
	things     map[string]*held
	order      []*held // as they were first seen
	of         map[string][]*held
	violations []Violation
	message    string // of a violation: thing, names, how long, when, limit
}

type held struct {
	name  string
	by    []string
	since int64 // when the second holder came
	who   []string
}

func newHolders(expect history.Expect, message string) *holders {
	limit := expect.DualActive.Std()
	if limit == 0 {
		limit = defaultDualActive
	}
	return &holders{limit: int64(limit), things: make(map[string]*held), of: make(map[string][]*held), message: message}
}

// take makes the node a holder.
func (s *holders) take(thing, node string, t int64) {
	d := s.things[thing]
	if d == nil {
		d = &held{name: thing}
		s.things[thing] = d
		s.order = append(s.order, d)
	}
	if slices.Contains(d.by, node) {
		return
	}
	d.by = append(d.by, node)
	s.of[node] = append(s.of[node], d)
	switch {
	case len(d.by) == 2:
		d.since, d.who = t, slices.Clone(d.by)
	case len(d.by) > 2 && !slices.Contains(d.who, node):
		d.who = append(d.who, node)
	}
}

// give ends the node's hold on one thing.
func (s *holders) give(thing, node string, t int64) {
	if d := s.things[thing]; d != nil && slices.Contains(d.by, node) {
		s.drop(d, node, t)
		s.of[node] = slices.DeleteFunc(s.of[node], func(o *held) bool { return o == d })
	}
}

// stop ends the node's hold on everything.
func (s *holders) stop(node string, t int64) {
	for _, d := range s.of[node] {
		s.drop(d, node, t)
	}
	s.of[node] = s.of[node][:0]
}

func (s *holders) drop(d *held, node string, t int64) {
	if len(d.by) == 2 {
		s.judge(d, t)
	}
	d.by = slices.DeleteFunc(d.by, func(n string) bool { return n == node })
}

// finish judges what is still shared when the run ends.
func (s *holders) finish(t int64) []Violation {
	for _, d := range s.order {
		if len(d.by) >= 2 {
			s.judge(d, t)
		}
	}
	return s.violations
}

func (s *holders) judge(d *held, t int64) {
	if t-d.since > s.limit {
		s.violations = append(s.violations, violation(d.since+s.limit, nil, s.message, d.name, strings.Join(d.who, " and "),
			longer(time.Duration(t-d.since), time.Duration(s.limit)), words.Instant(time.Duration(d.since)), words.Duration(time.Duration(s.limit))))
	}
}
