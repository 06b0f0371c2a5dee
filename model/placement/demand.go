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

// reckon works out the demand that does not depend on who can wait.
func (g *group) reckon() {
	widest := 0
	for _, s := range g.services {
		g.placements += s.want
		widest = max(widest, s.want)
	}
	for _, e := range g.engines {
		if e.exists() {
			g.exist++
		}
		if e.counts() {
			g.have++
		}
	}
	if g.placements > 0 {
		g.n = max(ceil(g.placements, g.config.MaxVSPerSE), widest)
		if g.config.HAMode == config.HAModeShared {
			g.m = g.config.BufferSE
		}
	}
	g.base = g.n + g.m
}

// hold works out how many engines there should be, and how full one may become by services that can wait, once all
// others have their slots. While engines are on their way it is a fair share, or with DISTRIBUTED nothing but the
// service itself, if there is room for all to be alone.
func (g *group) hold() {
	alone := 0
	for _, s := range g.services {
		if s.Patient {
			alone += s.want - len(s.at)
		}
	}
	for _, e := range g.engines {
		if e.counts() && len(e.holds) > 0 {
			alone++
		}
	}
	distributed := g.config.Algo == config.PlacementDistributed
	g.want, g.limit = g.base, g.config.MaxVSPerSE
	if distributed {
		g.want = max(g.want, alone)
	}
	g.want = min(g.want, g.config.MaxSE)
	making := 0
	if g.canCreate() {
		making = max(0, min(g.want-g.have, g.config.MaxSE-g.exist))
	}
	switch total := g.have + making; {
	case making == 0 && !slices.ContainsFunc(g.engines, (*engine).boots):
	case distributed && alone <= total:
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
func (g *group) open(h *host) bool {
	return h.listed && !h.Down && !h.Full && !h.Maintenance && g.allows(h)
}

// ceil divides and rounds up.
func ceil(a, b int) int { return (a + b - 1) / b }
