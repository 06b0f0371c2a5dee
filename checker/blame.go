package checker

import (
	"cmp"
	"math"
	"slices"

	"firedrill/checker/history"
)

// turn is a moment at which a fault changed something: it struck, or it was over. Both take services away: what comes
// back after a partition may depose a leader, and what starts again may ask for its load.
type turn struct {
	*fault
	at   int64
	over bool
}

// turns lists the beginnings and ends of faults by time.
func turns(faults []fault) []turn {
	var out []turn
	for i := range faults {
		f := &faults[i]
		out = append(out, turn{f, f.begin, false})
		if f.end != math.MaxInt64 {
			out = append(out, turn{f, f.end, true})
		}
	}
	slices.SortStableFunc(out, func(a, b turn) int { return cmp.Compare(a.at, b.at) })
	return out
}

// blame finds what is behind a darkness, nil if nothing is: of what happened to the service's nodes since the last
// answer the latest before the first lost probe left, or else the first while that probe was under way. Where nothing
// did, it is the latest fault that was still in force or just over; or else the latest of all.
func (t *timeline) blame(s history.Service, d darkness) *turn {
	var felt, latest *turn
	for i := range t.turns {
		n := &t.turns[i]
		if n.at > d.known || n.at >= d.end {
			break
		}
		if !n.reaches(carries(s)) {
			continue
		}
		if n.at > d.firstLost {
			if latest == nil || latest.at < d.answered {
				latest = n
			}
			return latest.first(d)
		}
		if latest = n; n.effective(d.firstLost) {
			felt = n
		}
	}
	switch {
	case latest == nil:
		return nil
	case latest.at < d.answered && felt != nil:
		return felt
	}
	return latest.first(d)
}

// effective tells whether what happened at the turn is felt at t: the fault is in force, or was until a moment ago.
func (n *turn) effective(t int64) bool {
	if n.over {
		return n.felt(t)
	}
	return t < n.end
}

// first goes back from the end of a fault to its beginning, where both lie since the last answer: then it was short.
func (n *turn) first(d darkness) *turn {
	if n.over && n.begin >= d.answered {
		return &turn{n.fault, n.begin, false}
	}
	return n
}

// afterwards is how much of the time from start to end lay after the last fault that reached the service was over;
// 0 where one lasted beyond.
func (t *timeline) afterwards(s history.Service, start, end int64) int64 {
	last := int64(-1)
	for i := range t.faults {
		f := &t.faults[i]
		if f.begin >= end || !f.reaches(carries(s)) {
			continue
		}
		if f.end > end {
			return 0
		}
		last = max(last, f.end)
	}
	if last < 0 {
		return 0
	}
	return end - max(start, last)
}
