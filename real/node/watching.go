package node

import (
	"context"
	"io"
	"net/netip"

	"firedrill/scenarios"
)

// Watch probes a service as the clients of a run do, from where this process is, until the context ends. It records the
// probes to out, an event a line, at times on CLOCK_MONOTONIC.
func Watch(ctx context.Context, service string, address netip.AddrPort, probes scenarios.Probes, out io.Writer) error {
	clock, err := NewClock()
	if err != nil {
		return err
	}
	clock.epoch = 0
	record := NewRecorder(clock, out)
	w := &watch{client: "client", service: service, address: address, probes: probes, clock: clock, record: record}
	w.run(ctx)
	return record.Err()
}
