package placement

// candidate is an engine for one more placement of a service.
type candidate struct {
	engine *engine
	odds   odds
	spread bool // the service has others
}

// odds is what speaks against an engine, worst first, 16 bits each: the placements of the service on its host, those in
// its rack, all placements on it, and those that it is the primary of, which matters for the first engine of a service
// only. One number, because a large group compares millions of them.
type odds uint64

// hosts counts the placements of the service on the host.
func (o odds) hosts() int { return int(o >> 48) }

// racks counts the placements of the service in the rack.
func (o odds) racks() int { return int(o >> 32 & 0xffff) }

// apart is what anti-affinity says.
func (o odds) apart() odds { return o >> 32 }

// load counts the placements on the engine.
func (o odds) load() int { return int(o >> 16 & 0xffff) }

// best finds the engine for one more placement of a service: another host than its other engines, another rack, the
// least loaded, the first by name.
func (g *group) best(s *service, limit int) (best candidate) {
	if g.free == 0 {
		return candidate{}
	}
	s.visit(+1)
	defer s.visit(-1)
	first := len(s.at) == 0
	for _, e := range g.takers {
		if len(e.holds) >= limit || e.mark == s {
			continue
		}
		if o := e.odds(first); best.engine == nil || o < best.odds {
			best = candidate{e, o, !first}
		}
	}
	return best
}

// visit marks the engines, hosts and racks of a service, and takes the marks off again.
func (s *service) visit(by int) {
	for _, e := range s.at {
		e.mark = nil
		if by > 0 {
			e.mark = s
		}
		e.host.marks += by
		if e.host.rack != nil {
			e.host.rack.marks += by
		}
	}
}

// odds weighs an engine for the service that is marked.
func (e *engine) odds(first bool) odds {
	o := odds(len(e.holds)) << 16
	if first {
		return o | odds(e.primaries)
	}
	o |= odds(e.host.marks) << 48
	if e.host.rack != nil {
		o |= odds(e.host.rack.marks) << 32
	}
	return o
}

// where says why it was chosen.
func (c candidate) where(limit int) Reason {
	r := Reason{Code: CodeLeastLoaded, Engine: c.engine.Name, Host: c.engine.host.Name, Have: c.odds.load(), Want: limit}
	switch {
	case c.odds.hosts() > 0:
		r.Code = CodeSameHost
	case c.odds.racks() > 0:
		r.Code = CodeSameRack
	case c.spread:
		r.Code = CodeOtherHost
	}
	return r
}
