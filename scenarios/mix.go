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

// count is how many operations a rate makes of a stretch of time.
func count(rate float64, d time.Duration) int64 {
	perThousandSeconds := int64(math.Round(rate * 1000))
	return perThousandSeconds * d.Milliseconds() / 1_000_000
}

// operations writes the mix out, for a cluster of so many controllers. Of the configured pools the first is in it
// too, so that what engines run keeps changing.
func (m *Mix) operations(seed uint64, controllers int, pools []config.Pool) []Operation {
	bounds := stream(seed, "mix/bounds")
	stretch := Span{m.From.draw(bounds).Min, m.Until.draw(bounds).Min}
	choices := stream(seed, "mix/choices")
	var out []Operation
	for i, at := range arrivals(stream(seed, "mix/arrivals"), stretch, m.Rate) {
		op := m.operation(choices, i)
		if len(pools) > 0 && i%configuredEvery == 0 {
			op = m.onConfigured(op, pools[0], i)
		}
		op.At = at
		out = append(out, op)
	}
	for n := range controllers {
		r := stream(seed, fmt.Sprintf("mix/reader/%d", n+1))
		for _, at := range arrivals(r, stretch, m.Readers) {
			out = append(out, Operation{
				At: at, Client: fmt.Sprintf("reader-%d", n+1), Do: history.OpRead,
				Key: m.key(1 + r.IntN(m.Keys)), Via: nodeName(RoleController, n+1),
			})
		}
	}
	return out
}

// arrivals draws times that are independent and uniform over a stretch, which are the arrivals of a Poisson
// process given their number: gaps are exponential, and bursts happen.
func arrivals(r *rand.Rand, stretch Span, rate float64) []Span {
	times := make([]Span, count(rate, stretch.Max-stretch.Min))
	for i := range times {
		times[i] = stretch.draw(r)
	}
	slices.SortFunc(times, func(a, b Span) int { return cmp.Compare(a.Min, b.Min) })
	return times
}

// configuredEvery says how often the configured pool has its turn.
const configuredEvery = 8

// onConfigured turns an operation on the mix's own objects into one on a pool that services use: it stays, and only
// what it is said to be changes.
func (m *Mix) onConfigured(op Operation, pool config.Pool, i int) Operation {
	op.Key, op.Value = config.Key{Kind: config.KindPool, Name: pool.Name}.String(), ""
	switch op.Do {
	case history.OpList:
		op.Key = string(config.KindPool)
	case history.OpCreate, history.OpUpdate, history.OpDelete:
		op.Do = history.OpUpdate
		pool.Description = fmt.Sprintf("mix %d", i)
		op.Value = string(config.Encode(&pool))
	}
	return op
}

// key is object number n of those that the clients contend for.
func (m *Mix) key(n int) string { return fmt.Sprintf("%s/mix-%d", config.KindPool, n) }

// operation is number i of the mix.
func (m *Mix) operation(r *rand.Rand, i int) Operation {
	client, key, dice := 1+r.IntN(m.Clients), 1+r.IntN(m.Keys), r.Uint32N(100)
	op := Operation{Client: fmt.Sprintf("mix-%d", client), Key: m.key(key)}
	for _, s := range shares {
		if op.Do = s.do; dice < s.share {
			break
		}
		dice -= s.share
	}
	switch op.Do {
	case history.OpCreate, history.OpUpdate:
		op.Value = mixValue(fmt.Sprintf("mix-%d", key), i)
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
