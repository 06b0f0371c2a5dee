package scenarios

import (
	"fmt"
	"time"

	"firedrill/model/config"
)

// applyDefaults sets what the scenario does not say. Given tells whether a path was written, so that a zero
// that was written stays a zero.
func applyDefaults(s *Scenario, given func(path string) bool) {
	const ms, us = time.Millisecond, time.Microsecond
	d := defaults(given)

	if !given("worlds") {
		s.Worlds = []string{WorldSim}
	}
	set(d, "profile", &s.Profile, "fast")

	t := &s.Topology
	set(d, "topology.cluster", &t.Cluster, t.Controllers)
	set(d, "topology.restart", &t.Restart, Span{200 * ms, 800 * ms})
	set(d, "topology.network.latency", &t.Network.Latency, Span{100 * us, 300 * us})
	set(d, "topology.network.tail.share", &t.Network.Tail.Share, Whole/1000)
	set(d, "topology.network.tail.latency", &t.Network.Tail.Latency, Span{ms, 5 * ms})
	set(d, "topology.network.duplicate", &t.Network.Duplicate, Whole/1000)
	set(d, "topology.network.arp_expiry", &t.Network.ARPExpiry, config.Duration(time.Minute))
	set(d, "topology.disk.sync", &t.Disk.Sync, Span{500 * us, 2 * ms})
	set(d, "topology.clocks.offset", &t.Clocks.Offset, Span{0, 500 * ms})
	set(d, "topology.clocks.drift", &t.Clocks.Drift, 50)

	if c := t.Cloud; c != nil {
		set(d, "topology.cloud.boot", &c.Boot, Span{2 * time.Second, 4 * time.Second})
		set(d, "topology.cloud.notices", &c.Notices, config.Duration(500*ms))
	}

	for i := range s.Config.Clouds {
		set(d, fmt.Sprintf("config.clouds[%d].access", i), &s.Config.Clouds[i].Access, config.NoAccess)
		if t.Cloud != nil {
			set(d, fmt.Sprintf("config.clouds[%d].mgmt_ip", i), &s.Config.Clouds[i].Management, CloudIP(1))
		}
	}
	for i := range s.Config.Groups {
		set(d, fmt.Sprintf("config.service_engine_groups[%d].ha_mode", i), &s.Config.Groups[i].HAMode, config.HAModeShared)
	}

	p := &s.Workload.Probes
	set(d, "workload.probes.every", &p.Every, config.Duration(100*ms))
	set(d, "workload.probes.fast", &p.Fast, config.Duration(5*ms))
	set(d, "workload.probes.timeout", &p.Timeout, config.Duration(50*ms))
	set(d, "workload.flows.every", &s.Workload.Flows.Every, config.Duration(100*ms))
	if m := s.Workload.Mix; m != nil {
		set(d, "workload.mix.keys", &m.Keys, 5)
		set(d, "workload.mix.readers", &m.Readers, 5)
		set(d, "workload.mix.from", &m.From, at(3*time.Second))
		set(d, "workload.mix.until", &m.Until, at(max(0, s.Duration.Std()-2*time.Second)))
	}

	swarmDefaults(s, d)
	set(d, "expect.dual_active", &s.Expect.DualActive, config.Duration(100*ms))
	set(d, "expect.recover_within", &s.Expect.RecoverWithin, config.Duration(recoverWithin(s)))
}

// recoverWithin is how long services may take to come back: two elections, because the first may find no majority, each
// of up to twice the time after which a silent leader counts as lost; the warm start of the new leader; and a few
// seconds in which engines and clients find it.
func recoverWithin(s *Scenario) time.Duration {
	const elections, clients = 2, 3 * time.Second
	profile, err := config.Profile(s.Profile)
	t := profile.Override(s.Timers)
	if err != nil || t.Validate() != nil || t.ControllerHeartbeat.Std() > longestDelay || t.WarmStart.Std() > longestRun/2 {
		return 5 * time.Second // the timers are refused, or nobody waits for them
	}
	lost := time.Duration(t.ControllerFailedHeartbeats) * t.ControllerHeartbeat.Std()
	return min(elections*2*lost+t.WarmStart.Std()+clients, longestRun)
}

type defaults func(given string) bool

func set[T any](d defaults, path string, field *T, value T) {
	if !d(path) {
		*field = value
	}
}
