package sim

import (
	"math/rand/v2"
	"time"

	"firedrill/scenarios"
)

// pace is how fast things happen on a machine that was measured. Nil is a machine whose processes take no time.
type pace struct {
	scenarios.Machine
	rng *rand.Rand
}

func newPace(on *scenarios.Machine, seed uint64, name string) *pace {
	if on == nil {
		return nil
	}
	return &pace{*on, newStream(seed, "pace/"+name)}
}

// wake draws how long it takes until an idle process runs to which something is due.
func (p *pace) wake() time.Duration {
	if p == nil {
		return 0
	}
	return spread(p.rng, &p.Wake)
}

// serve draws how long an engine works on a request.
func (p *pace) serve() time.Duration {
	if p == nil {
		return 0
	}
	return spread(p.rng, &p.Serve)
}

// start draws how long a machine takes to boot.
func (p *pace) start() time.Duration {
	if p == nil {
		return 0
	}
	return spread(p.rng, &p.Start)
}

// startAfter starts a machine when it has booted, unless somebody has struck it, or started it, meanwhile.
func (m *machine) startAfter(boots time.Duration) {
	if boots == 0 {
		m.start()
		return
	}
	inc := m.inc
	m.w.at(m.w.now+int64(boots), func() {
		if m.inc == inc && m.downs == 0 {
			m.start()
		}
	})
}
