package drill

import (
	"slices"
	"strings"
	"testing"

	"firedrill/scenarios"
)

func TestCombinationsAreAllOfThem(t *testing.T) {
	all, err := combinations([]setting{{"a", []string{"1", "2"}}, {"b", []string{"x", "y", "z"}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range all {
		got = append(got, strings.Join(c, ""))
	}
	if want := []string{"1x", "1y", "1z", "2x", "2y", "2z"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	many := setting{"a", make([]string, 40)}
	if _, err := combinations([]setting{many, many}); err == nil {
		t.Error("1600 combinations were accepted")
	}
}

// A value that a scenario has already changes nothing of it, whatever its place.
func TestApplyLeavesTheRestAlone(t *testing.T) {
	suite, err := scenarios.Suite()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range suite {
		same, err := apply(s, []setting{{path: "topology.network.arp_expiry"}, {path: "duration"}}, []string{s.Topology.Network.ARPExpiry.String(), s.Duration.String()})
		if err != nil {
			t.Fatal(err)
		}
		before, err1 := scenarios.Marshal(s)
		after, err2 := scenarios.Marshal(same)
		if err1 != nil || err2 != nil || string(before) != string(after) {
			t.Errorf("%s: %v %v\n%s\n%s", s.Name, err1, err2, before, after)
		}
	}
}

func TestApplySetsWhatItSays(t *testing.T) {
	s, err := scenarios.Find("legacy-active-power-loss")
	if err != nil {
		t.Fatal(err)
	}
	changed, err := apply(s, []setting{{path: "timers.dp_hb_frequency"}, {path: "config.service_engine_groups[0].dp_hb_timeout_count"}, {path: "topology.network.loss"}},
		[]string{"25ms", "4", "1.5%"})
	if err != nil {
		t.Fatal(err)
	}
	if got := changed.Timers.DPHeartbeat.String(); got != "25ms" {
		t.Errorf("timer %s", got)
	}
	if got := changed.Config.Groups[0].HBTimeoutCount; got != 4 {
		t.Errorf("count %d", got)
	}
	if got := changed.Topology.Network.Loss.String(); got != "1.5%" {
		t.Errorf("loss %s", got)
	}
	if s.Config.Groups[0].HBTimeoutCount == 4 {
		t.Error("the scenario itself was changed")
	}
}
