// Package clients holds what the clients of a run do, whichever world they live in: at what pace they watch services, and
// how they work on the configuration.
package clients

import (
	"time"

	"firedrill/scenarios"
)

// Pace is how one service is watched: slowly while it answers, quickly once it does not, so that an outage is measured
// finely and cheaply. A probe is sent whenever one is due, whatever became of those before.
type Pace struct {
	every, fast time.Duration
	dark        bool
	answered    int64 // when the last answered probe had been sent; 0: none yet
}

// Step is what the fate of a probe means for the next one.
type Step uint8

// The steps.
const (
	Stay   Step = iota // it stays due when it is
	Slower             // it is due when the slow interval has passed from now
	AtOnce             // it is due now
)

// NewPace returns the pace of a plan, for a service that has not been probed.
func NewPace(p scenarios.Probes) Pace { return Pace{every: p.Every.Std(), fast: p.Fast.Std()} }

// First is when the first probe of the n-th service, from 0, is due: probes of different services are spread over the
// interval.
func (p *Pace) First(n int) time.Duration { return time.Duration(n+1) * p.every / 16 % p.every }

// Dark tells whether the service does not answer at present.
func (p *Pace) Dark() bool { return p.dark }

// Next is how long after a probe the next is due.
func (p *Pace) Next() time.Duration {
	if p.dark && p.answered > 0 { // what never answered cannot have an outage, and deserves no hurry
		return p.fast
	}
	return p.every
}

// Finished takes the fate of a probe, by when it had been sent.
func (p *Pace) Finished(sent int64, ok bool) Step {
	switch {
	case ok:
		p.answered = max(p.answered, sent)
		if p.dark {
			p.dark = false
			return Slower
		}
	case !p.dark && sent > p.answered:
		p.dark = true
		if p.answered > 0 {
			return AtOnce
		}
	}
	return Stay
}
