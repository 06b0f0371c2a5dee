package placement

import (
	"cmp"
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// reference tries every assignment of one group: a set of engines for every service, as bits.
type reference struct {
	max     int
	takes   uint // engines that take services
	leaving uint // engines that drain
	serving uint // engines on which a service can run
	want    []int
	runs    []uint
	current []uint // sets being tried
	best    score
	found   bool
}

// score is what makes one assignment better than another, most important first; more is better.
type score struct {
	running   [4]int // services that run on one engine or more, on two or more, and so on
	misplaced int    // negative: placements on engines that drain, or beyond max_vs_per_se
	moves     int    // negative
}

func (a score) less(b score) bool {
	return cmp.Or(slices.Compare(a.running[:], b.running[:]), cmp.Compare(a.misplaced, b.misplaced), cmp.Compare(a.moves, b.moves)) < 0
}

func newReference(in Input) *reference {
	g := in.Groups[0].Config.WithDefaults()
	r := &reference{max: g.MaxVSPerSE}
	index := map[string]uint{}
	for i, e := range in.Engines {
		bit := uint(1) << i
		index[e.Name] = bit
		switch e.State {
		case EngineUp:
			if !e.FailedLately {
				r.takes |= bit
			}
			r.serving |= bit
		case EngineSuspected:
			r.serving |= bit
		case EngineDraining:
			r.serving |= bit
			r.leaving |= bit
		}
	}
	for _, s := range in.Services {
		var runs uint
		for _, e := range s.Engines {
			runs |= index[e] & r.serving
		}
		r.runs = append(r.runs, runs)
		r.want = append(r.want, min(max(s.Scale, g.MinScaleoutPerVS), g.MaxScaleoutPerVS))
	}
	r.current = make([]uint, len(r.runs))
	return r
}

// try goes through all sets for the i-th service and those after it.
func (r *reference) try(i int) {
	if i == len(r.runs) {
		if s, ok := r.score(r.current); ok && (!r.found || r.best.less(s)) {
			r.best, r.found = s, true
		}
		return
	}
	for set := range r.serving + 1 {
		if r.allowed(i, set) {
			r.current[i] = set
			r.try(i + 1)
		}
	}
}

// allowed: only engines that take services are new to one, it runs on no more than it wants, and neither on fewer
// engines nor on fewer healthy ones than now.
func (r *reference) allowed(i int, set uint) bool {
	n := bits.OnesCount(set)
	return set&^(r.takes|r.runs[i]) == 0 && n <= r.want[i] && n >= min(r.want[i], bits.OnesCount(r.runs[i])) &&
		bits.OnesCount(set&r.takes) >= min(r.want[i], bits.OnesCount(r.runs[i]&r.takes))
}

// score is no good when an engine gets something beyond max_vs_per_se, or although it has held more: it may only keep
// what it has.
func (r *reference) score(sets []uint) (s score, ok bool) {
	var held, had, fresh [8]int
	for i, set := range sets {
		for n := range bits.OnesCount(set) {
			s.running[n]++
		}
		s.misplaced -= bits.OnesCount(set & r.leaving)
		s.moves -= bits.OnesCount(set &^ r.runs[i])
		for e := range held {
			held[e] += int(set >> e & 1)
			had[e] += int(r.runs[i] >> e & 1)
			fresh[e] += int(set &^ r.runs[i] >> e & 1)
		}
	}
	for e := range held {
		over := 0
		if r.leaving>>e&1 == 0 {
			over = max(0, held[e]-r.max)
		}
		if max(held[e], had[e]) > r.max && fresh[e] > 0 {
			return score{}, false
		}
		s.misplaced -= over
	}
	return s, true
}

// TestReference holds small plans against all possible ones: none is better. Where engines hold too much, others may
// need fewer moves.
func TestReference(t *testing.T) {
	for name, shape := range map[string]shape{"small": small, "crowded": crowded, "drained": drained} {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			for range 10 { // they are small, and what is rare in one is not in ten
				compare(t, shape.draw(t), name != "crowded")
			}
		}))
	}
}

func compare(t *rapid.T, in Input, moves bool) {
	r := newReference(in)
	r.try(0)
	plan := Compute(in)
	got, ok := r.score(r.sets(in, plan))
	if !moves {
		got.moves, r.best.moves = 0, 0
	}
	if !ok || got != r.best {
		t.Fatalf("plan %+v, feasible %v; possible %+v\n%+v\n%s%+v", got, ok, r.best, in, plan, plan.Assignments)
	}
}

// sets is a plan as the reference sees it.
func (r *reference) sets(in Input, p *Plan) []uint {
	sets := make([]uint, len(in.Services))
	for i, s := range in.Services {
		for _, a := range p.Assignments {
			for j, e := range in.Engines {
				if a.Service == s.Name && slices.Contains(a.Engines, e.Name) {
					sets[i] |= 1 << j
				}
			}
		}
	}
	return sets
}
