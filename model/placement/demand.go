package placement

import (
	"slices"

	"firedrill/model/config"
)

// demand is how many engines a group should have, by the package's words.
type demand struct {
	placements int
	n, m       int
	want       int // engines, at most max_se
	base       int // N + M, whatever max_se says
	have       int // engines that count
	exist      int // engines that count against max_se
	limit      int // of placements on an engine, for services that can wait
}

// reckon works out the demand.
func (g *group) reckon() {
	widest, busy, fresh := 0, 0, 0
	for _, s := range g.services {
		g.placements += s.want
		widest = max(widest, s.want)
		if s.Patient {
			fresh += s.want - len(s.at)
		}
	}
	for _, e := range g.engines {
		if e.exists() {
			g.exist++
		}
		if e.counts() {
			g.have++
			if len(e.holds) > 0 {
				busy++
			}
		}
	}
	if g.placements > 0 {
		g.n = max(ceil(g.placements, g.config.MaxVSPerSE), widest)
		if g.config.HAMode == config.HAModeShared {
			g.m = g.config.BufferSE
		}
	}
	g.base = g.n + g.m
	g.want = g.base
	if g.config.Algo == config.PlacementDistributed {
		g.want = max(g.want, busy+fresh)
	}
	g.want = min(g.want, g.config.MaxSE)
	g.hold(busy + fresh)
}

// hold bounds how full an engine may become by services that can wait, as long as there is something to wait for:
// their fair share, or with DISTRIBUTED nothing but themselves if there is room for all to be alone.
func (g *group) hold(alone int) {
	g.limit = g.config.MaxVSPerSE
	booting := slices.ContainsFunc(g.engines, (*engine).boots)
	making := 0
	if g.canCreate() {
		making = max(0, min(g.want-g.have, g.config.MaxSE-g.exist))
	}
	switch total := g.have + making; {
	case !booting && making == 0:
	case g.config.Algo == config.PlacementDistributed && alone <= total:
		g.limit = 1
	default:
		g.limit = min(g.limit, ceil(g.placements, total))
	}
}

// canCreate tells whether the cloud can be asked for engines.
func (g *group) canCreate() bool {
	return g.spec.Access == config.WriteAccess && (g.hostless() || g.openHost())
}

// hostless: nothing is known of hosts, so the cloud chooses.
func (g *group) hostless() bool {
	return !slices.ContainsFunc(g.site.hosts, func(h *host) bool { return h.listed })
}

func (g *group) openHost() bool {
	return slices.ContainsFunc(g.site.hosts, g.open)
}

// open tells whether an engine of the group can be made on a host.
func (g *group) open(h *host) bool { return h.listed && !h.Down && g.allows(h) }

// ceil divides and rounds up.
func ceil(a, b int) int { return (a + b - 1) / b }
