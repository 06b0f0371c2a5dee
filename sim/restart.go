package sim

import (
	"cmp"
	"slices"
	"time"

	"firedrill/scenarios"
)

// install puts the builds of the platform onto a machine.
func (m *machine) install(t *scenarios.Topology) {
	m.build, m.images = platformVersion, append([]string{platformVersion}, t.Images...)
	for _, in := range t.Installed {
		if in.Node == m.Name {
			m.build, m.broken = cmp.Or(in.Version, m.build), in.Broken
			m.images = slices.DeleteFunc(m.images, func(v string) bool { return v == in.Lacks })
		}
	}
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
