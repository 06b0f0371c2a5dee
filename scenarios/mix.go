package scenarios

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"firedrill/checker/history"
	"firedrill/model/config"
)

// shares is what a mix consists of, in percent. Reads and updates dominate, because an update that was lost
// or made twice shows in what is read next.
var shares = []struct {
	do    string
	share uint32
}{
	{history.OpRead, 40}, {history.OpUpdate, 35}, {history.OpCreate, 10}, {history.OpDelete, 10}, {history.OpList, 5},
}

// count is how many operations the mix makes of a stretch of time.
func (m *Mix) count(d time.Duration) int64 {
	perThousandSeconds := int64(math.Round(m.Rate * 1000))
	return perThousandSeconds * d.Milliseconds() / 1_000_000
}

// operations writes the mix out. The times are independent and uniform over the stretch, which are the
// arrivals of a Poisson process given their number: gaps are exponential, and bursts happen.
func (m *Mix) operations(seed uint64) []Operation {
	bounds := stream(seed, "mix/bounds")
	from, until := m.From.draw(bounds).Min, m.Until.draw(bounds).Min
	arrivals := stream(seed, "mix/arrivals")
	times := make([]Span, m.count(until-from))
	for i := range times {
		times[i] = Span{from, until}.draw(arrivals)
	}
	slices.SortFunc(times, func(a, b Span) int { return cmp.Compare(a.Min, b.Min) })

	choices := stream(seed, "mix/choices")
	out := make([]Operation, len(times))
	for i := range out {
		out[i] = m.operation(choices, i)
		out[i].At = times[i]
	}
	return out
}

// operation is number i of the mix.
func (m *Mix) operation(r *rand.Rand, i int) Operation {
	client, key, dice := 1+r.IntN(m.Clients), 1+r.IntN(m.Keys), r.Uint32N(100)
	name := fmt.Sprintf("mix-%d", key)
	op := Operation{Client: fmt.Sprintf("mix-%d", client), Key: string(config.KindPool) + "/" + name}
	for _, s := range shares {
		if op.Do = s.do; dice < s.share {
			break
		}
		dice -= s.share
	}
	switch op.Do {
	case history.OpCreate, history.OpUpdate:
		op.Value = mixValue(name, i)
	case history.OpList:
		op.Key = string(config.KindPool)
	}
	return op
}

// mixValue is a body that no other write of the mix has, so that a reader who sees it has seen this write and
// no other: linearizability checking has no teeth where two writes look alike.
func mixValue(name string, i int) string {
	const ports = 60_000
	pool := config.Pool{Name: name, Servers: []config.Server{{IP: ServerIP(1 + i/ports), Port: uint16(1 + i%ports)}}}
	return string(config.Encode(&pool))
}
