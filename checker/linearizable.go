package checker

import (
	"fmt"
	"io"
	"slices"

	"github.com/anishathalye/porcupine"

	"firedrill/checker/history"
	"firedrill/checker/history/wholefile"
)

// CheckLinearizable is the check that [Visualize] draws.
const CheckLinearizable = "linearizable"

// maxSteps bounds the search on one key, because deciding linearizability is NP-complete (Gibbons and Korach,
// 1997). It counts steps and not seconds, so that the verdict is the same on every machine.
const maxSteps = 4 << 20

// registerModel is the register of one key for Porcupine; its operations carry their outcome in the input. Once a
// search has spent its steps nothing fits any more, which ends it.
var registerModel = porcupine.Model{
	Partition: byKey,
	Init:      func() any { return register{} },
	Step: func(state, input, _ any) (bool, any) {
		o := input.(*operation)
		if !o.search.step() {
			return false, state
		}
		next, ok := state.(register).step(o)
		return ok, next
	},
	DescribeOperation:         func(input, _ any) string { return input.(*operation).label() },
	DescribeState:             func(state any) string { return state.(register).String() },
	DescribeOperationMetadata: func(any) string { return "" },
}

// byKey parts operations of several keys; they stand together already.
func byKey(all []porcupine.Operation) [][]porcupine.Operation {
	var out [][]porcupine.Operation
	for start, i := 0, 1; i <= len(all); i++ {
		if i == len(all) || all[i].Input.(*operation).search != all[start].Input.(*operation).search {
			out = append(out, all[start:i])
			start = i
		}
	}
	return out
}

// step counts a step, and tells whether there was one left to take.
func (s *search) step() bool {
	if s.left == 0 {
		s.spent = true
		return false
	}
	s.left-- // a search without bound begins below 0
	return true
}

func (s *search) porcupine(steps int) []porcupine.Operation {
	s.left, s.spent = steps, false
	out := make([]porcupine.Operation, len(s.operations))
	for i, o := range s.operations {
		out[i] = porcupine.Operation{ClientId: o.number, Input: o, Call: int64(o.call), Return: int64(o.ret)}
	}
	return out
}

// checkLinearizable looks, key by key, for an order of the operations that explains what the clients saw, by
// Porcupine (Athalye; the algorithm is that of Wing and Gong, 1993, and Lowe, 2017).
func checkLinearizable(h *evidence) []Violation {
	var out []Violation
	for _, s := range searches(h.History) {
		switch end := int64(ends(h.History)); {
		case porcupine.CheckOperations(registerModel, s.porcupine(maxSteps)):
		case s.spent:
			out = append(out, violation(end, nil, "%s: linearizability check did not finish: %d operations, %d steps tried",
				s.key, len(s.operations), maxSteps))
		default:
			out = append(out, s.explain())
		}
	}
	return out
}

// explain searches once more, now with a record, and shows how far the best order goes.
func (s *search) explain() Violation {
	_, info := porcupine.CheckOperationsVerbose(registerModel, s.porcupine(maxSteps), 0)
	best := longest(info.PartialLinearizations()[0])
	fits := make([]bool, len(s.operations))
	var state register
	var lines []string
	for _, i := range best {
		fits[i] = true
		state, _ = state.step(s.operations[i])
		lines = append(lines, "fits: "+s.operations[i].String())
	}
	const shown = 6
	if len(lines) > shown {
		lines = append([]string{fmt.Sprintf("%d operations before", len(lines)-shown)}, lines[len(lines)-shown:]...)
	}
	lines = append(lines, "then: "+state.String())
	odd := s.firstOf(fits)
	for i, o := range s.operations {
		if !fits[i] && o.call < odd.ret && len(lines) < 3*shown {
			lines = append(lines, "does not fit: "+o.String())
		}
	}
	return violation(odd.till, lines, "%s: no order of the operations explains what the clients saw; %d of %d fit, but not: %s",
		s.key, len(best), len(s.operations), odd)
}

// firstOf returns the operation that returned first of those that do not fit.
func (s *search) firstOf(fits []bool) *operation {
	var odd *operation
	for i, o := range s.operations {
		if !fits[i] && (odd == nil || o.ret < odd.ret) {
			odd = o
		}
	}
	return odd
}

// longest picks one of the orders that Porcupine found, which come in random order.
func longest(orders [][]int) []int {
	var best []int
	for _, o := range orders {
		if len(o) > len(best) || len(o) == len(best) && slices.Compare(o, best) < 0 {
			best = o
		}
	}
	return best
}

// Visualize writes Porcupine's picture of the operations to an HTML file: every key, every client, and for a
// key that is not linearizable the orders that came furthest.
func Visualize(h *history.History, path string) error {
	var all []porcupine.Operation
	keys := searches(h)
	for _, s := range keys {
		all = append(all, s.porcupine(maxSteps)...)
	}
	_, info := porcupine.CheckOperationsVerbose(registerModel, all, 0)
	for _, s := range keys {
		s.left = -1 // the picture takes the steps of every order that was found again
	}
	return wholefile.Write(path, func(w io.Writer) error { return porcupine.Visualize(registerModel, info, w) })
}
