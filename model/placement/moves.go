package placement

import (
	"cmp"
	"slices"
)

// draft is a move with what its place in the order depends on.
type draft struct {
	Move
	from, to *engine // from: only where the service runs
	rank     int
}

// The ranks of moves: what costs nothing and what ends an outage goes first, what only frees slots last.
const (
	rankPromote = iota
	rankRun
	rankGrow
	rankMove
	rankShrink
)

// assign writes the assignments, and the moves that lead to them.
func (s *site) assign(plan *Plan) {
	var drafts []draft
	for _, g := range s.groups {
		if !g.elastic() {
			continue
		}
		for _, v := range g.services {
			names := make([]string, len(v.final))
			for i, e := range v.final {
				names[i] = e.Name
			}
			plan.Assignments = append(plan.Assignments, Assignment{v.Name, names})
			drafts = v.draft(drafts)
		}
	}
	slices.SortStableFunc(drafts, func(a, b draft) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.Service, b.Service)) })
	s.order(plan, drafts)
}

// draft adds the moves of a service: those engines that make it run on more than now, then those that take the place of
// others, then what it gives up.
func (s *service) draft(drafts []draft) []draft {
	if len(s.picks) == 0 && len(s.lost) == 0 && len(s.final) == len(s.runs) {
		return drafts // unchanged
	}
	removed := s.removed()
	added := minus(s.final, s.runs)
	drafts = s.draftPromote(drafts)
	grown := max(0, len(s.final)-len(s.runs))
	for i, e := range added[:grown] {
		drafts = append(drafts, s.draftGrow(i, e))
	}
	swapped := len(added) - grown
	for i, e := range added[grown:] {
		m := Move{Service: s.Name, Kind: MoveMove, From: removed[i].Name, To: e.Name, MakeFirst: true, Why: s.whyLeft(removed[i]), Where: s.where(e)}
		drafts = append(drafts, draft{m, removed[i], e, rankMove})
	}
	for _, e := range removed[swapped:] {
		m := Move{Service: s.Name, Kind: MoveScaleIn, From: e.Name, Why: s.whyGiven(e)}
		drafts = append(drafts, draft{m, e, nil, rankShrink})
	}
	if len(s.at) == s.want {
		for _, l := range s.lost[min(grown, len(s.lost)):] {
			m := Move{Service: s.Name, Kind: MoveScaleIn, From: l.name, Why: l.why}
			drafts = append(drafts, draft{m, nil, nil, rankShrink})
		}
	}
	return drafts
}

// removed are the engines that the service is taken from: first those that it should leave anyway.
func (s *service) removed() []*engine {
	var left []*engine
	for _, l := range s.leaving {
		left = append(left, l.engine)
	}
	left = minus(left, s.final)
	return append(left, minus(minus(s.runs, s.final), left)...)
}

// draftPromote adds the promotion of a secondary that runs.
func (s *service) draftPromote(drafts []draft) []draft {
	if len(s.Engines) == 0 || len(s.final) == 0 || s.final[0].Name == s.Engines[0] || !slices.Contains(s.runs, s.final[0]) {
		return drafts
	}
	m := Move{Service: s.Name, Kind: MovePromote, From: s.Engines[0], To: s.final[0].Name}
	for _, l := range slices.Concat(s.lost, s.leaving) {
		if l.name == m.From {
			m.Why = l.why
		}
	}
	if m.Why.Code == "" { // it runs there, and could stay
		m.Why = s.whyGiven(s.runs[0])
	}
	return append(drafts, draft{m, nil, nil, rankPromote})
}

// draftGrow is the i-th engine more than now: in place of one that is lost, or beside the others.
func (s *service) draftGrow(i int, e *engine) draft {
	m := Move{Service: s.Name, To: e.Name, Where: s.where(e)}
	switch {
	case i < len(s.lost):
		m.Kind, m.From, m.Why = MoveMove, s.lost[i].name, s.lost[i].why
	case len(s.runs) == 0:
		m.Kind, m.Why = MovePlace, Reason{Code: CodeNotPlaced}
	default:
		m.Kind, m.Why = MoveScaleOut, Reason{Code: CodeScaleOut, Have: len(s.runs) + i, Want: s.want}
	}
	rank := rankGrow
	if len(s.runs) == 0 {
		rank = rankRun
	}
	return draft{m, nil, e, rank}
}

// whyLeft says why a service goes from an engine to another.
func (s *service) whyLeft(e *engine) Reason {
	for _, l := range s.leaving {
		if l.engine == e {
			return l.why
		}
	}
	return s.moved
}

// whyGiven says why a service gives up an engine without another in its place.
func (s *service) whyGiven(e *engine) Reason {
	switch {
	case s.Disabled:
		return Reason{Code: CodeDisabled}
	case len(s.runs) > s.want:
		return Reason{Code: CodeScaleIn, Have: len(s.runs), Want: s.want}
	}
	return s.whyLeft(e)
}

func (s *service) where(e *engine) Reason {
	for _, p := range s.picks {
		if p.engine == e {
			return p.where
		}
	}
	return Reason{}
}

// minus returns what is in a and not in b.
func minus(a, b []*engine) (rest []*engine) {
	for _, e := range a {
		if !slices.Contains(b, e) {
			rest = append(rest, e)
		}
	}
	return rest
}
