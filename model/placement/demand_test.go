package placement

import (
	"testing"

	"firedrill/model/config"
)

// TestDemand works out how many engines a group should have.
func TestDemand(t *testing.T) {
	const shared, pair = config.HAModeShared, config.HAModeSharedPair
	for _, c := range []struct {
		name             string
		group            config.ServiceEngineGroup
		services, scale  int
		patient          bool
		wantN, wantM     int
		want, wantCreate int
	}{
		{"nothing to place", config.ServiceEngineGroup{HAMode: shared}, 0, 1, false, 0, 0, 0, 0},
		{"one service", config.ServiceEngineGroup{HAMode: shared}, 1, 1, false, 1, 1, 2, 2},
		{"the article", config.ServiceEngineGroup{HAMode: shared, MaxVSPerSE: 8}, 20, 1, false, 3, 1, 4, 4},
		{"one more than fits", config.ServiceEngineGroup{HAMode: shared, MaxVSPerSE: 8}, 25, 1, false, 4, 1, 5, 5},
		{"a larger buffer", config.ServiceEngineGroup{HAMode: shared, MaxVSPerSE: 8, BufferSE: 3}, 20, 1, false, 3, 3, 6, 6},
		{"max_se", config.ServiceEngineGroup{HAMode: shared, MaxVSPerSE: 8, MaxSE: 3}, 20, 1, false, 3, 1, 3, 3},
		{"a wide service", config.ServiceEngineGroup{HAMode: shared}, 1, 3, false, 3, 1, 4, 4},
		{"wider than allowed", config.ServiceEngineGroup{HAMode: shared}, 1, 30, false, 4, 1, 5, 5},
		{"active/active", config.ServiceEngineGroup{HAMode: pair}, 1, 1, false, 2, 0, 2, 2},
		{"active/active, packed", config.ServiceEngineGroup{HAMode: pair, Algo: config.PlacementPacked, MaxVSPerSE: 4}, 7, 2, true, 4, 0, 4, 4},
		{"active/active, distributed", config.ServiceEngineGroup{HAMode: pair, MaxVSPerSE: 4}, 4, 2, true, 2, 0, 8, 8},
		{"distributed up to max_se", config.ServiceEngineGroup{HAMode: pair, MaxVSPerSE: 4}, 7, 2, true, 4, 0, 10, 10},
		{"distributed, in haste", config.ServiceEngineGroup{HAMode: pair, MaxVSPerSE: 4}, 7, 2, false, 4, 0, 4, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.group.Name = "web"
			in := Input{Groups: []Group{{Config: c.group, Access: config.WriteAccess}}, Services: services(c.services)}
			for i := range in.Services {
				in.Services[i].Scale, in.Services[i].Patient = c.scale, c.patient
			}
			p := Compute(in)
			if g := p.Groups[0]; g.N != c.wantN || g.M != c.wantM || g.Want != c.want || len(p.Create) != c.wantCreate {
				t.Errorf("N %d, M %d, want %d, create %d\n%s", g.N, g.M, g.Want, len(p.Create), p)
			}
		})
	}
}
