package scenarios

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// NewPlan makes every choice that the scenario leaves open, from the seed alone: each time drawn from its
// range, each fault with several targets written out, the swarm as single faults, the mix as single operations. A plan is a scenario whose
// own plan it is. What describes the world rather than the drill stays a range: latency, sync time, clocks.
//
// Each choice has a random stream of its own, so that another fault or operation shifts none of the others.
// The error says why the scenario, which may have been made by a program, cannot be played. The plan shares
// with the scenario what is equal in both.
func NewPlan(s *Scenario, seed uint64) (*Scenario, error) {
	if p := validate(s); p != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, p)
	}
	plan := *s
	faults := s.Faults
	if s.Swarm != nil {
		faults = slices.Concat(faults, s.Swarm.faults(s, seed))
	}
	plan.Faults = planFaults(faults, seed)
	plan.Swarm = nil
	plan.Workload.Operate = planOperations(s, seed)
	plan.Workload.Mix = nil
	return &plan, nil
}

// stream returns the random numbers for one purpose.
func stream(seed uint64, purpose string) *rand.Rand {
	key := sha256.Sum256(append(binary.LittleEndian.AppendUint64(nil, seed), purpose...))
	return rand.New(rand.NewChaCha8(key))
}

// draw takes a time from the span, in whole microseconds from its beginning: finer steps would only make
// plans harder to read.
func (s Span) draw(r *rand.Rand) Span {
	if s.Single() {
		return s
	}
	steps := int64((s.Max - s.Min) / time.Microsecond)
	return at(s.Min + time.Duration(r.Int64N(steps+1))*time.Microsecond)
}

func planFaults(faults []Fault, seed uint64) []Fault {
	var out []Fault
	for i, f := range faults {
		r := stream(seed, fmt.Sprintf("fault/%d", i+1))
		targets, every := f.Targets, f.Every.Std()
		if len(targets) == 0 {
			targets = []string{f.Target}
		}
		first := f.At.draw(r).Min
		for j, target := range targets {
			one := f
			one.Target, one.Targets, one.Every = target, nil, 0
			one.At = at(first + time.Duration(j)*every)
			one.For = f.For.draw(r)
			one.Delay = f.Delay.draw(r)
			one.By = f.By.draw(r)
			out = append(out, one)
		}
	}
	slices.SortStableFunc(out, func(a, b Fault) int { return cmp.Compare(a.At.Min, b.At.Min) })
	return out
}

func planOperations(s *Scenario, seed uint64) []Operation {
	w := &s.Workload
	var out []Operation
	for i, op := range w.Operate {
		op.At = op.At.draw(stream(seed, fmt.Sprintf("operation/%d", i+1)))
		out = append(out, op)
	}
	mix := w.Mix
	if s.Swarm != nil {
		out = append(out, s.Swarm.operations(s, seed)...)
		if mix != nil {
			mix = s.Swarm.busy(*mix, seed)
		}
	}
	if mix != nil {
		out = append(out, mix.operations(seed, s.Topology.Cluster, s.Config.Pools)...)
	}
	slices.SortStableFunc(out, func(a, b Operation) int { return cmp.Compare(a.At.Min, b.At.Min) })
	return out
}
