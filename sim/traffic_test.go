package sim_test

import (
	"testing"

	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/scenarios"
)

// TestCarriedIsWhatClientsSaw: the world's count of what engines carried agrees with the clients' own: every answer
// that arrived had been sent, no more was sent than asked, and a crash begins a new count.
func TestCarriedIsWhatClientsSaw(t *testing.T) {
	s, err := scenarios.Find("legacy-active-power-loss")
	if err != nil {
		t.Fatal(err)
	}
	type key struct{ engine, service string }
	now, ended, answered, lives := map[key]uint64{}, map[key]uint64{}, map[key]uint64{}, 0
	probes := map[string]uint64{}
	for _, e := range play(t, s, 2).History.Events {
		k := key{e.Node, e.Unit}
		switch {
		case e.Type == history.Probe:
			probes[e.Service]++
			if e.OK {
				answered[key{e.By, e.Service}]++
			}
		case e.Event == string(model.EventCarried):
			if e.Index < now[k] || e.Index > e.Hash || e.Hash > e.Term {
				t.Errorf("at %d %v carried %d flows, %d requests, %d responses, after %d", e.Time, k, e.Term, e.Hash, e.Index, now[k])
			}
			now[k] = e.Index
		case e.Event == string(model.EventStopped):
			for k, n := range now {
				if k.engine == e.Node {
					lives++
					ended[k] += n
					delete(now, k)
				}
			}
		}
	}
	for k, n := range answered {
		if sent := now[k] + ended[k]; k.service != "api" && (sent < n || sent > probes[k.service]) {
			t.Errorf("%v sent %d responses; clients asked %d times and got %d", k, sent, probes[k.service], n)
		}
	}
	if lives == 0 {
		t.Error("no engine stopped: this drill is too tame")
	}
}
