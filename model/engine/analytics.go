package engine

import (
	"net/netip"
	"slices"

	"firedrill/model/analytics"
	"firedrill/model/wire"
)

// stream sends what the data path has carried to the controllers that collect it.
type stream struct {
	*analytics.Recorder
	collectors []string // as the leader last named them
}

// beginStream starts anew in every life of the engine: the data path begins at zero, too. The incarnation is short
// enough for the numbers of any reader of JSON.
func (e *Engine) beginStream() {
	incarnation := e.env.Rand().Uint64() >> 11
	e.stream.Recorder = analytics.NewRecorder(e.cfg.Name, incarnation, e.cfg.Controllers, func(to netip.Addr, m *wire.Metrics) {
		e.env.Send(to, wire.Encode(&wire.Envelope_Metrics{Metrics: m}))
	})
}

// streamOn goes with every report.
func (e *Engine) streamOn() {
	e.env.Traffic(e.stream.Collect)
	e.stream.Report()
}

// redistribute follows the leader's word on who collects. A leader that names nobody has no opinion.
func (s *stream) redistribute(collectors []string) {
	if slices.Equal(collectors, s.collectors) {
		return
	}
	s.collectors = collectors
	addresses := make([]netip.Addr, 0, len(collectors))
	for _, c := range collectors {
		if a, err := netip.ParseAddr(c); err == nil {
			addresses = append(addresses, a)
		}
	}
	s.Redistribute(addresses)
}
