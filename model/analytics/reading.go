package analytics

import (
	"net/netip"
	"slices"
	"strings"

	"firedrill/model"
	"firedrill/model/wire"
)

// Reading is the leader's question to all controllers of the cluster, until it has heard them or gives up. Those
// that seem to be away are asked, too: they may hold what nobody else does.
type Reading struct {
	Query   *wire.MetricsQuery
	waiting []netip.Addr
	metrics []*wire.Metrics
}

// NewReading begins with what the leader's own store answers; the others are still to be asked.
func NewReading(q *wire.MetricsQuery, own *wire.MetricsAnswer, others []netip.Addr) *Reading {
	return &Reading{Query: q, waiting: slices.Clone(others), metrics: own.Metrics}
}

// Heard takes the answer of another controller and tells whether it was the last one.
func (r *Reading) Heard(from netip.Addr, a *wire.MetricsAnswer) (done bool) {
	i := slices.Index(r.waiting, from)
	if i >= 0 && a.Id == r.Query.Id {
		r.waiting = slices.Delete(r.waiting, i, i+1)
		r.metrics = append(r.metrics, a.Metrics...)
	}
	return len(r.waiting) == 0
}

// Missing lists the controllers that have not answered. While there are any, the totals may lack samples of lives
// that have ended, and of services that those controllers collect.
func (r *Reading) Missing() []netip.Addr { return r.waiting }

// Totals merges what was answered. Of the services named, those that nobody knows anything about are there with
// nothing; services nobody named are left out, unless no names are given.
func (r *Reading) Totals(services ...string) []ServiceTotals {
	merged := Merge(r.metrics)
	if len(services) == 0 {
		return merged
	}
	names := slices.Clone(services)
	slices.Sort(names)
	var out []ServiceTotals
	for _, name := range slices.Compact(names) {
		t := ServiceTotals{Service: name}
		if i, found := slices.BinarySearchFunc(merged, name, func(t ServiceTotals, name string) int { return strings.Compare(t.Service, name) }); found {
			t = merged[i]
		}
		out = append(out, t)
	}
	return out
}

// Tell records what a reader was answered, for the judges. Missing names the controllers that did not answer; doubt
// says why else samples may be missing, such as that the collectors have just changed.
func Tell(env model.Env, totals []ServiceTotals, missing []string, doubt string) {
	for _, t := range totals {
		e := model.CountersEvent(model.EventMetricsRead, t.Service,
			model.Counters{Flows: t.Flows, Refused: t.Refused, Requests: t.Requests, Responses: t.Responses})
		e.Peer, e.Detail = strings.Join(missing, ","), doubt
		env.Emit(e)
	}
}
