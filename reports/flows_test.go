package reports

import (
	"testing"

	"firedrill/checker"
)

// TestLongFlows: the flows of all takeovers of a scenario, by HA mode, and where most were broken.
func TestLongFlows(t *testing.T) {
	g := &group{id: "s", info: Scenario{Name: "s", Groups: []Group{{Name: "g", HAMode: "HA_MODE_SHARED_PAIR", Services: []string{"shop"}}}}}
	for i, broken := range [][]int{{0, 3}, {5}, nil} {
		r := &checker.Result{Scenario: "s", Seed: uint64(i + 1)}
		for _, n := range broken {
			r.Takeovers = append(r.Takeovers, checker.Takeover{Service: "shop", Open: 10, Broken: n})
		}
		g.runs = append(g.runs, r)
	}
	rows := longFlows([]*group{g})
	if len(rows) != 1 {
		t.Fatalf("%+v", rows)
	}
	r := rows[0]
	if r.Mode != "elastic, active/active" || r.Takeovers != "3" || r.Runs != "2" || r.Open != "30" || r.Kept != "22 (73.3%)" || r.Broken != "8 (26.7%)" || r.Most != "5" || r.Seed != 2 {
		t.Errorf("%+v", r)
	}
}
