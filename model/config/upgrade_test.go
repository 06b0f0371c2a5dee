package config

import (
	"strings"
	"testing"
)

// TestVersionOf: a new engine boots what its group runs, or is about to.
func TestVersionOf(t *testing.T) {
	u := &Upgrade{From: "16.2", To: "16.3"}
	for engine, state := range map[string]UpgradeNodeState{
		"waits-1": NodeWaiting, "drains-1": NodeDraining, "drains-2": NodeWaiting, "begun-1": NodeRestarting, "begun-2": NodeWaiting,
		"done-1": NodeDone, "failed-1": NodeDone, "failed-2": NodeFailed,
	} {
		group := engine[:len(engine)-2]
		u.Add(group, engine)
		u.Node(engine).State = state
		for i := range u.Groups {
			if u.Groups[i].Name == "failed" {
				u.Groups[i].Why = "it does not come up"
			}
		}
	}
	for _, c := range []struct {
		states []UpgradeState
		fresh  string // groups whose new engines boot the new version
	}{
		{[]UpgradeState{UpgradeControllers, UpgradeEngines, UpgradeSuspended, UpgradeAborting, UpgradeAborted}, "begun done"},
		{[]UpgradeState{UpgradeCompleted}, "waits drains begun done failed later"},
		{[]UpgradeState{RollbackEngines, RollbackControllers, UpgradeRolledBack}, ""},
	} {
		for _, state := range c.states {
			u.State = state
			fresh := ""
			for _, group := range []string{"waits", "drains", "begun", "done", "failed", "later"} {
				if u.VersionOf(group) == u.To {
					fresh += " " + group
				}
			}
			if fresh = strings.TrimSpace(fresh); fresh != c.fresh {
				t.Errorf("%s: new engines of %q boot the new version, want %q", state, fresh, c.fresh)
			}
		}
	}
}
