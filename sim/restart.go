package sim

import (
	"time"

	"firedrill/scenarios"
	"firedrill/scenarios/install"
)

// install puts the builds of the platform onto a machine.
func (m *machine) install(t *scenarios.Topology) {
	m.build, m.images, m.broken = install.Builds(t, m.Name)
}

// startAttempts is how often a supervisor starts a build that does not come up before it goes back to the one before.
const startAttempts = 3

// Restart implements [model.Env]. The process ends at once; its supervisor starts the build of the version, or, if that
// does not come up, the one that ran before.
func (m *machine) Restart(version string) {
	m.effect(func() {
		if m.disk != nil {
			m.disk.crash(m.w.now)
		}
		if version == "" {
			version = m.build
		}
		m.stop("restarts with " + version)
		away := time.Duration(0)
		for range startAttempts {
			away += between(m.rng, m.w.plan.Topology.Restart.Min, m.w.plan.Topology.Restart.Max)
			if version != m.broken {
				m.build = version
				break
			}
		}
		inc := m.inc
		m.w.at(m.w.now+int64(away), func() {
			if m.inc == inc && m.downs == 0 { // else whoever struck it meanwhile starts it
				m.told = m.build
				m.start()
			}
		})
	})
}
