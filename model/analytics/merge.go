package analytics

import (
	"cmp"
	"slices"
	"strings"

	"firedrill/model/wire"
)

// ServiceTotals is what all engines together have carried for a service, in all lives that are known of.
type ServiceTotals struct {
	Service   string         `json:"service"`
	Flows     uint64         `json:"flows"`
	Refused   uint64         `json:"refused"`
	Requests  uint64         `json:"requests"`
	Responses uint64         `json:"responses"`
	Dropped   uint64         `json:"dropped"` // log records that are lost
	Engines   []EngineTotals `json:"engines"` // by engine and incarnation
	Logs      []Log          `json:"logs,omitempty"`
}

// EngineTotals is one engine's part in it, in one life.
type EngineTotals struct {
	Engine      string `json:"engine"`
	Incarnation uint64 `json:"incarnation"`
	Flows       uint64 `json:"flows"`
	Refused     uint64 `json:"refused"`
	Requests    uint64 `json:"requests"`
	Responses   uint64 `json:"responses"`
	Dropped     uint64 `json:"dropped"`
}

// Log is one record of an engine's log.
type Log struct {
	Engine      string `json:"engine"`
	Incarnation uint64 `json:"incarnation"`
	Number      uint64 `json:"number"`
	AtNs        uint64 `json:"at_ns"` // since that life began
	Client      string `json:"client"`
	Server      string `json:"server,omitempty"`
	Refused     bool   `json:"refused,omitempty"`
}

// Merge adds up what several stores hold, by service. Of what they hold in common it takes the latest, and every log
// record once; so the order of the metrics, and how often they are given, do not matter.
func Merge(metrics []*wire.Metrics) []ServiceTotals {
	var out []ServiceTotals
	for _, c := range latest(metrics) {
		if len(out) == 0 || out[len(out)-1].Service != c.service {
			out = append(out, ServiceTotals{Service: c.service})
		}
		out[len(out)-1].add(c)
	}
	for _, l := range distinct(metrics) {
		i, found := slices.BinarySearchFunc(out, l.service, func(t ServiceTotals, name string) int { return strings.Compare(t.Service, name) })
		if found {
			out[i].Logs = append(out[i].Logs, l.Log)
		}
	}
	return out
}

func (t *ServiceTotals) add(c contribution) {
	t.Flows += c.Flows
	t.Refused += c.Refused
	t.Requests += c.Requests
	t.Responses += c.Responses
	t.Dropped += c.Dropped
	t.Engines = append(t.Engines, EngineTotals{Engine: c.engine, Incarnation: c.incarnation,
		Flows: c.Flows, Refused: c.Refused, Requests: c.Requests, Responses: c.Responses, Dropped: c.Dropped})
}

// contribution is what one life of an engine has carried for a service.
type contribution struct {
	service, engine string
	incarnation     uint64
	*wire.ServiceCounters
}

// latest returns one contribution for every service, engine and life, in this order.
func latest(metrics []*wire.Metrics) []contribution {
	var all []contribution
	for _, m := range metrics {
		for _, c := range m.Services {
			all = append(all, contribution{c.Service, m.Engine, m.Incarnation, c})
		}
	}
	order := func(a, b contribution) int {
		return cmp.Or(strings.Compare(a.service, b.service), strings.Compare(a.engine, b.engine), cmp.Compare(a.incarnation, b.incarnation))
	}
	slices.SortFunc(all, order)
	out := all[:0]
	for _, c := range all {
		if n := len(out); n > 0 && order(out[n-1], c) == 0 {
			joined := &wire.ServiceCounters{Service: c.service}
			join(joined, out[n-1].ServiceCounters)
			join(joined, c.ServiceCounters)
			out[n-1].ServiceCounters = joined
			continue
		}
		out = append(out, c)
	}
	return out
}

// record is a log record with its service.
type record struct {
	service string
	Log
}

// distinct returns every log record once, by service, engine, life and number.
func distinct(metrics []*wire.Metrics) []record {
	var all []record
	for _, m := range metrics {
		for _, l := range m.Logs {
			all = append(all, record{l.Service, Log{Engine: m.Engine, Incarnation: m.Incarnation,
				Number: l.Number, AtNs: l.AtNs, Client: l.Client, Server: l.Server, Refused: l.Refused}})
		}
	}
	order := func(a, b record) int {
		return cmp.Or(strings.Compare(a.service, b.service), strings.Compare(a.Engine, b.Engine),
			cmp.Compare(a.Incarnation, b.Incarnation), cmp.Compare(a.Number, b.Number))
	}
	slices.SortFunc(all, order)
	return slices.CompactFunc(all, func(a, b record) bool { return order(a, b) == 0 })
}
