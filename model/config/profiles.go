package config

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// profiles holds the sets of timers that ship. The vendor's are from "High Availability for Avi
// Controllers", "Impact of a Controller Failure" and "Service Engine Failure Detection"; ours aim at the
// shortest failover that a quiet network allows without false alarms.
var profiles = []struct {
	name   string
	timers Timers
}{
	{"documented", Timers{
		ControllerHeartbeat: seconds(10), ControllerFailedHeartbeats: 4, WarmStart: seconds(150), LatencyWarning: millis(1), SnapshotEvery: 1000,
		SEHeartbeat: seconds(10), SEFailedHeartbeats: 6,
		DPHeartbeat: millis(100), DPFailedHeartbeats: 10, FailbackDelay: seconds(30),
		SECreateTimeout: seconds(900), MaxSESpawnDelay: seconds(1800), SEFailoverInterval: seconds(300), QueryHostFail: seconds(180),
		UnresponsiveSEReboot: seconds(300), DeadSEDetection: seconds(360), MaxDeadSE: 1,
		UpgradeDrain: seconds(120), UpgradeRestart: seconds(600),
		GARPCount: 3, GARPSpacing: seconds(1), GARPRefresh: seconds(60),
		APIAttempt: seconds(5), APITimeout: seconds(60),
	}},
	{"fast", Timers{
		ControllerHeartbeat: millis(100), ControllerFailedHeartbeats: 5, WarmStart: 0, LatencyWarning: millis(1), SnapshotEvery: 100,
		SEHeartbeat: millis(250), SEFailedHeartbeats: 8,
		DPHeartbeat: millis(100), DPFailedHeartbeats: 3, FailbackDelay: seconds(2),
		SECreateTimeout: seconds(8), MaxSESpawnDelay: seconds(4), SEFailoverInterval: seconds(5), QueryHostFail: seconds(2),
		UnresponsiveSEReboot: seconds(5), DeadSEDetection: seconds(6), MaxDeadSE: 1,
		UpgradeDrain: seconds(1), UpgradeRestart: seconds(8),
		GARPCount: 3, GARPSpacing: millis(100), GARPRefresh: seconds(1),
		APIAttempt: millis(300), APITimeout: seconds(5),
	}},
}

const (
	shortest  = Duration(time.Millisecond) // of any interval: below it, timers cost more than they tell
	mostBeats = 1000                       // of any count of heartbeats or announcements
)

func seconds(n int) Duration { return Duration(time.Duration(n) * time.Second) }
func millis(n int) Duration  { return Duration(time.Duration(n) * time.Millisecond) }

// Profile returns the timers of a profile; the error of an unknown one lists those that exist.
func Profile(name string) (Timers, error) {
	for _, p := range profiles {
		if p.name == name {
			return p.timers, nil
		}
	}
	return Timers{}, fmt.Errorf("unknown profile %q; use %s", name, strings.Join(Profiles(), " or "))
}

// Profiles lists the names of the profiles.
func Profiles() []string {
	names := make([]string, len(profiles))
	for i, p := range profiles {
		names[i] = p.name
	}
	return names
}

// Override returns t with every timer of o that is set.
func (t Timers) Override(o Timers) Timers {
	return Timers{
		ControllerHeartbeat:        cmp.Or(o.ControllerHeartbeat, t.ControllerHeartbeat),
		ControllerFailedHeartbeats: cmp.Or(o.ControllerFailedHeartbeats, t.ControllerFailedHeartbeats),
		WarmStart:                  cmp.Or(o.WarmStart, t.WarmStart),
		LatencyWarning:             cmp.Or(o.LatencyWarning, t.LatencyWarning),
		SnapshotEvery:              cmp.Or(o.SnapshotEvery, t.SnapshotEvery),
		SEHeartbeat:                cmp.Or(o.SEHeartbeat, t.SEHeartbeat),
		SEFailedHeartbeats:         cmp.Or(o.SEFailedHeartbeats, t.SEFailedHeartbeats),
		DPHeartbeat:                cmp.Or(o.DPHeartbeat, t.DPHeartbeat),
		DPFailedHeartbeats:         cmp.Or(o.DPFailedHeartbeats, t.DPFailedHeartbeats),
		FailbackDelay:              cmp.Or(o.FailbackDelay, t.FailbackDelay),
		SECreateTimeout:            cmp.Or(o.SECreateTimeout, t.SECreateTimeout),
		MaxSESpawnDelay:            cmp.Or(o.MaxSESpawnDelay, t.MaxSESpawnDelay),
		SEFailoverInterval:         cmp.Or(o.SEFailoverInterval, t.SEFailoverInterval),
		QueryHostFail:              cmp.Or(o.QueryHostFail, t.QueryHostFail),
		UnresponsiveSEReboot:       cmp.Or(o.UnresponsiveSEReboot, t.UnresponsiveSEReboot),
		DeadSEDetection:            cmp.Or(o.DeadSEDetection, t.DeadSEDetection),
		MaxDeadSE:                  cmp.Or(o.MaxDeadSE, t.MaxDeadSE),
		UpgradeDrain:               cmp.Or(o.UpgradeDrain, t.UpgradeDrain),
		UpgradeRestart:             cmp.Or(o.UpgradeRestart, t.UpgradeRestart),
		GARPCount:                  cmp.Or(o.GARPCount, t.GARPCount),
		GARPSpacing:                cmp.Or(o.GARPSpacing, t.GARPSpacing),
		GARPRefresh:                cmp.Or(o.GARPRefresh, t.GARPRefresh),
		APIAttempt:                 cmp.Or(o.APIAttempt, t.APIAttempt),
		APITimeout:                 cmp.Or(o.APITimeout, t.APITimeout),
	}
}

// Validate refuses timers that cannot work, and names the first: only a warm start, a failback delay and a warning may be
// zero, and two missed heartbeats are the least from which a failure may be concluded.
func (t Timers) Validate() error {
	for _, d := range []struct {
		name         string
		value, least Duration
	}{
		{"controller_heartbeat", t.ControllerHeartbeat, shortest},
		{"warm_start", t.WarmStart, 0},
		{"controller_latency_warning", t.LatencyWarning, 0},
		{"se_heartbeat", t.SEHeartbeat, shortest},
		{"dp_hb_frequency", t.DPHeartbeat, shortest},
		{"failback_delay", t.FailbackDelay, 0},
		{"se_create_timeout", t.SECreateTimeout, shortest},
		{"max_se_spawn_interval_delay", t.MaxSESpawnDelay, shortest},
		{"se_failover_attempt_interval", t.SEFailoverInterval, shortest},
		{"query_host_fail", t.QueryHostFail, shortest},
		{"unresponsive_se_reboot", t.UnresponsiveSEReboot, shortest},
		{"dead_se_detection_timer", t.DeadSEDetection, shortest},
		{"upgrade_drain", t.UpgradeDrain, shortest},
		{"upgrade_restart", t.UpgradeRestart, shortest},
		{"garp_spacing", t.GARPSpacing, shortest},
		{"garp_refresh", t.GARPRefresh, shortest},
		{"api_attempt", t.APIAttempt, shortest},
		{"api_timeout", t.APITimeout, t.APIAttempt},
	} {
		if d.value < d.least {
			return fmt.Errorf("timers: %s: %v is too short; use %v or more", d.name, d.value, d.least)
		}
	}
	for _, c := range []struct {
		name         string
		value, least int
	}{
		{"controller_failed_heartbeats", t.ControllerFailedHeartbeats, 2},
		{"se_failed_heartbeats", t.SEFailedHeartbeats, 2},
		{"dp_hb_timeout_count", t.DPFailedHeartbeats, 2},
		{"max_dead_se_in_grp", t.MaxDeadSE, 1},
		{"garp_count", t.GARPCount, 1},
		{"snapshot_every", t.SnapshotEvery, 1},
	} {
		if c.value < c.least || c.value > mostBeats {
			return fmt.Errorf("timers: %s: %d is out of range; use %d to %d", c.name, c.value, c.least, mostBeats)
		}
	}
	return nil
}
