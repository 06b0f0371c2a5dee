package placement

import (
	"cmp"
	"slices"
)

// arrange decides about one engine that a service runs on, or ran on.
func (s *service) arrange(name string, e *engine) {
	switch why := s.verdict(name, e); why.Code {
	case "":
		s.at = append(s.at, e)
	case CodeEngineUnknown, CodeEngineDown, CodeEngineBoots:
		s.lost = append(s.lost, leave{name, e, why})
		return
	default:
		s.leaving = append(s.leaving, leave{name, e, why})
	}
	s.runs = append(s.runs, e)
	e.running++
}

// lead finds which engine is the primary: the one that was, or if it is lost, a survivor, rather one that stays and is
// in no doubt. Without survivors there is none yet.
func (s *service) lead() *engine {
	if len(s.runs) == 0 {
		return nil
	}
	if s.runs[0].Name == s.Engines[0] {
		return s.runs[0]
	}
	if i := slices.IndexFunc(s.at, (*engine).takes); i >= 0 {
		return s.at[i]
	}
	return s.runs[0]
}

// verdict says why a service cannot stay on an engine; without a code, it can.
func (s *service) verdict(name string, e *engine) Reason {
	switch {
	case e == nil:
		return Reason{Code: CodeEngineUnknown, Engine: name}
	case e.State == EngineBooting:
		return Reason{Code: CodeEngineBoots, Engine: name}
	case !e.exists():
		return Reason{Code: CodeEngineDown, Engine: name}
	case e.group != s.group:
		return Reason{Code: CodeOtherGroup, Engine: name, Group: e.Engine.Group}
	case e.barred:
		return e.whyBarred()
	case e.State == EngineDraining:
		return Reason{Code: CodeEngineDrains, Engine: name}
	}
	return Reason{}
}

// settle finds what stays as it is. A service that is to run on fewer engines gives some up, and so does an engine
// that holds more than max_vs_per_se, which may have been lowered.
func (g *group) settle() {
	for _, s := range g.services {
		for len(s.at) > s.want {
			s.drop(s.worst())
		}
		if s.want == 0 {
			s.leaving = nil
		}
		for _, e := range s.at {
			e.holds = append(e.holds, s)
		}
		if slices.Contains(s.at, s.primary) {
			s.primary.primaries++
		}
	}
	for _, e := range g.engines {
		g.unload(e)
		if e.takes() {
			g.takers = append(g.takers, e)
			g.free += g.config.MaxVSPerSE - len(e.holds)
		}
		if e.takes() || e.crowded {
			g.stops = append(g.stops, e)
		}
	}
}

// worst is the engine that a service gives up first: one in doubt, even if a healthy one could be of use to others; then
// one that shares a host, the most loaded; of the healthy ones the primary last, because its role would have to move.
func (s *service) worst() *engine {
	return slices.MaxFunc(s.at, func(a, b *engine) int {
		return cmp.Or(
			compareBool(!a.takes(), !b.takes()),
			compareBool(a != s.primary, b != s.primary),
			cmp.Compare(s.neighbours(a), s.neighbours(b)),
			cmp.Compare(a.running, b.running),
			cmp.Compare(a.Name, b.Name),
		)
	})
}

// neighbours counts the engines of the service on the host of one of them.
func (s *service) neighbours(e *engine) (n int) {
	for _, o := range s.at {
		if o.host == e.host {
			n++
		}
	}
	return n
}

func (s *service) drop(e *engine) {
	s.at = slices.DeleteFunc(s.at, func(o *engine) bool { return o == e })
}

// unload makes an engine that holds too much give services up, those first for which it is not the primary. They still
// run there until they find a slot, so the engine gets nothing in this plan.
func (g *group) unload(e *engine) {
	held := len(e.holds)
	if held > g.config.MaxVSPerSE {
		e.crowded = true
	}
	for len(e.holds) > g.config.MaxVSPerSE {
		s := slices.MaxFunc(e.holds, func(a, b *service) int {
			return cmp.Or(compareBool(a.primary != e, b.primary != e), cmp.Compare(a.Name, b.Name))
		})
		s.drop(e)
		e.release(s)
		s.leaving = append(s.leaving, leave{e.Name, e, Reason{Code: CodeOverCapacity, Engine: e.Name, Have: held, Want: g.config.MaxVSPerSE}})
	}
}

func (e *engine) release(s *service) {
	e.holds = slices.DeleteFunc(e.holds, func(o *service) bool { return o == s })
	if s.primary == e {
		e.primaries--
	}
}

// compareBool puts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
