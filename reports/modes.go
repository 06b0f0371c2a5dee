package reports

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// modeRow is the outages of one HA mode after one kind of fault, over all scenarios.
type modeRow struct {
	Mode, Fault  string
	Heartbeats   string // of the group
	N, Runs      string
	Cells        []statCell // p50 and p99
	Max          string
	Scenario, ID string // of the longest
	Seed         uint64
}

// modeNames are the vendor's names for people.
var modeNames = map[string]string{
	"HA_MODE_LEGACY_ACTIVE_STANDBY": "legacy active/standby",
	"HA_MODE_SHARED_PAIR":           "elastic, active/active",
	"HA_MODE_SHARED":                "elastic, N+M",
}

const apiMode = "control plane (API)"

// modes sorts the outages by the HA mode and the heartbeats of the group that carries the service, and by fault,
// each world for itself. Results that do not say
// which group that is give no row for it.
func modes(all []*group) []modeRow {
	type key struct{ mode, heartbeats, fault string }
	of := make(map[key][]outage)
	in, longest := make(map[key]*group), make(map[key]time.Duration) // where the longest was, and how long
	var keys []key
	for _, g := range all {
		mode, pace := g.modes()
		for _, o := range slices.Concat(g.services.outages, g.api.outages) {
			if mode[o.Service] == "" {
				continue
			}
			k := key{inWorld(mode[o.Service], g.world), pace[o.Service], o.Fault}
			if of[k] == nil {
				keys = append(keys, k)
			}
			if of[k] == nil || o.Duration > longest[k] {
				in[k], longest[k] = g, o.Duration
			}
			of[k] = append(of[k], o)
		}
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(modeRank(a.mode), modeRank(b.mode)), strings.Compare(a.mode, b.mode), strings.Compare(a.heartbeats, b.heartbeats), strings.Compare(a.fault, b.fault))
	})
	var rows []modeRow
	for _, k := range keys {
		rows = append(rows, newModeRow(k.mode, k.heartbeats, k.fault, of[k], in[k]))
	}
	return rows
}

// modeRank puts the API last.
func modeRank(mode string) int {
	if strings.HasPrefix(mode, apiMode) {
		return 1
	}
	return 0
}

// modes is the HA mode of every service of a scenario, and the heartbeats of its group.
func (g *group) modes() (mode, pace map[string]string) {
	mode, pace = map[string]string{api: apiMode}, make(map[string]string)
	for _, group := range g.info.Groups {
		for _, service := range group.Services {
			mode[service], pace[service] = cmp.Or(modeNames[group.HAMode], group.HAMode), group.Heartbeats
		}
	}
	return mode, pace
}

func newModeRow(mode, heartbeats, fault string, outages []outage, in *group) modeRow {
	s := sampleOf(outages)
	longest, _ := worst(outages)
	r := modeRow{Mode: mode, Heartbeats: heartbeats, Fault: fault, N: count(s.N()), Runs: count(s.Runs()), Max: duration(longest.Duration),
		Scenario: in.label(), ID: in.id, Seed: longest.run.Seed}
	for _, q := range []float64{0.5, 0.99} {
		r.Cells = append(r.Cells, newStatCell(s.Quantile(q)))
	}
	return r
}
