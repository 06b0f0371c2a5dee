// Package analytics carries counters and logs from the data paths of engines to whoever reads them, so that no
// sample is lost or counted twice while its engine lives.
//
// An engine's [Recorder] sends what it counts to one controller per service, the service's [Collector]. Counters are
// totals of the engine's present life, so that a later message replaces an earlier one; log records are numbered. A
// controller's [Store] keeps what it was sent. The leader asks every store ([Reading]) and merges: of one engine,
// life and service, the largest counters and every record once. The merge does not care how often, in which
// order and through whom a sample came, which makes it safe to send anything again.
//
// A message leaves out what its receiver has acknowledged, and says so: it builds on the sequence number of that
// acknowledgement. A store that does not hold what a message builds on, because its process is a new one or it had
// to forget, refuses to acknowledge, and the engine sends everything again. The engine alone can do that: what a
// store held of a life that has ended is gone with the store's process.
package analytics

import (
	"net/netip"

	"firedrill/model"
)

// Collector tells which of the controllers collects a service, by rendezvous hashing: when a controller goes, only
// its own services move. The order of the controllers does not matter. Without any it is the zero Addr.
func Collector(service string, controllers []netip.Addr) netip.Addr {
	var best netip.Addr
	bestScore := uint64(0)
	key := model.NewRendezvous().Text(service)
	for _, c := range controllers {
		score := key.AddrPort(netip.AddrPortFrom(c, 0)).Score()
		if !best.IsValid() || score > bestScore || score == bestScore && best.Less(c) {
			best, bestScore = c, score
		}
	}
	return best
}
