package placement

import (
	"fmt"
	"slices"

	"firedrill/model/config"
)

// world is an input while a plan is carried out, step by step.
type world struct {
	in      Input
	engines map[string]Engine
	groups  map[string]Group
	runs    map[string][]string // service to engines that serve it, the primary first
	load    map[string]int
	before  map[string]int // load at the start
}

func newWorld(in Input) *world {
	w := &world{in: in, engines: map[string]Engine{}, groups: map[string]Group{}, runs: map[string][]string{}, load: map[string]int{}, before: map[string]int{}}
	for _, e := range in.Engines {
		w.engines[e.Name] = e
	}
	for _, g := range in.Groups {
		g.Config = g.Config.WithDefaults()
		w.groups[g.Config.Name] = g
	}
	for _, s := range in.Services {
		if _, known := w.groups[s.Group]; !known {
			continue
		}
		for _, e := range s.Engines {
			if state := w.engines[e].State; state == EngineUp || state == EngineSuspected || state == EngineDraining {
				w.runs[s.Name] = append(w.runs[s.Name], e)
				w.load[e]++
				w.before[e]++
			}
		}
	}
	return w
}

// check carries a plan out and says which hard rule it breaks.
func check(in Input, p *Plan) error {
	w := newWorld(in)
	start := map[string]int{}
	for s, runs := range w.runs {
		start[s] = len(runs)
	}
	for i, m := range p.Moves {
		if err := w.move(m); err != nil {
			return fmt.Errorf("%d. %s: %w", i, m, err)
		}
	}
	for _, a := range p.Assignments {
		if err := w.arrived(a, start[a.Service]); err != nil {
			return fmt.Errorf("%s: %w", a.Service, err)
		}
	}
	if err := w.staffed(p); err != nil {
		return err
	}
	return w.explained(p)
}

func (w *world) service(name string) Service {
	return w.in.Services[slices.IndexFunc(w.in.Services, func(s Service) bool { return s.Name == name })]
}

// move carries one move out.
func (w *world) move(m Move) error {
	s := w.service(m.Service)
	g := w.groups[s.Group]
	running := slices.Contains(w.runs[s.Name], m.From)
	if m.Kind == MoveMove && m.MakeFirst != running {
		return fmt.Errorf("make before break, and it runs there: %v", running)
	}
	if m.Kind == MovePromote {
		if !slices.Contains(w.runs[s.Name], m.To) {
			return fmt.Errorf("the new primary does not run")
		}
	} else if m.To != "" {
		if err := w.enter(s, g, m); err != nil {
			return err
		}
	}
	if m.Kind != MovePromote && running {
		if len(w.runs[s.Name]) == 1 && !s.Disabled {
			return fmt.Errorf("ends all that runs")
		}
		w.runs[s.Name] = slices.DeleteFunc(slices.Clone(w.runs[s.Name]), func(e string) bool { return e == m.From })
		w.load[m.From]--
	}
	return nil
}

// enter starts a service on an engine.
func (w *world) enter(s Service, g Group, m Move) error {
	e, host := w.engines[m.To], ""
	switch host = e.Host; {
	case e.Group != s.Group:
		return fmt.Errorf("the engine belongs to group %s", e.Group)
	case e.State != EngineUp || e.FailedLately:
		return fmt.Errorf("the engine is %s, failed lately: %v", e.State, e.FailedLately)
	case !allowed(g, host):
		return fmt.Errorf("its host %s is barred", host)
	case slices.Contains(w.runs[s.Name], m.To):
		return fmt.Errorf("it runs there")
	}
	for _, h := range w.in.Hosts {
		if h.Name == host && (h.Down || h.Maintenance) {
			return fmt.Errorf("its host is down: %v, is to be maintained: %v", h.Down, h.Maintenance)
		}
	}
	w.runs[s.Name] = append(w.runs[s.Name], m.To)
	if w.load[m.To]++; w.load[m.To] > g.Config.MaxVSPerSE && !w.foreign() {
		return fmt.Errorf("%s holds %d for a while", m.To, w.load[m.To])
	}
	return nil
}

// foreign tells whether any engine serves another group's services too, which may force a hand for a moment.
func (w *world) foreign() bool {
	return slices.ContainsFunc(w.in.Services, func(s Service) bool {
		return slices.ContainsFunc(s.Engines, func(e string) bool { return s.Group != w.engines[e].Group })
	})
}

func allowed(g Group, host string) bool {
	return host == "" || !slices.Contains(g.ExcludeHosts, host) && (len(g.IncludeHosts) == 0 || slices.Contains(g.IncludeHosts, host))
}

func (w *world) maintained(host string) bool {
	return slices.ContainsFunc(w.in.Hosts, func(h Host) bool { return h.Name == host && h.Maintenance })
}

// arrived holds what the moves came to against the assignment and what the service wants.
func (w *world) arrived(a Assignment, start int) error {
	s := w.service(a.Service)
	g := w.groups[s.Group]
	want := min(max(s.Scale, g.Config.MinScaleoutPerVS), g.Config.MaxScaleoutPerVS)
	if s.Disabled {
		want = 0
	}
	got := slices.Sorted(slices.Values(w.runs[a.Service]))
	if !slices.Equal(got, slices.Sorted(slices.Values(a.Engines))) {
		return fmt.Errorf("the moves lead to %v, the assignment is %v", got, a.Engines)
	}
	least := min(start, want)
	for _, e := range s.Engines {
		if (w.engines[e].State == EngineDraining || w.maintained(w.engines[e].Host)) && least > 1 {
			least--
		}
	}
	if len(got) > want || len(got) < least {
		return fmt.Errorf("runs on %d, ran on %d, wants %d", len(got), start, want)
	}
	return nil
}

// staffed checks the engines that are to be made and given back.
func (w *world) staffed(p *Plan) error {
	exist := map[string]int{}
	for _, e := range w.in.Engines {
		stays := e.Serves || !slices.ContainsFunc(p.Delete, func(d Deletion) bool { return d.Engine == e.Name })
		if pair := w.groups[e.Group].Config.HAMode == config.HAModeLegacyActiveStandby; e.State != EngineDown && (stays || !pair) {
			exist[e.Group]++
		}
	}
	for _, c := range p.Create {
		g := w.groups[c.Group]
		if exist[c.Group]++; exist[c.Group] > g.Config.MaxSE || g.Access != config.WriteAccess || !allowed(g, c.Host) || w.maintained(c.Host) {
			return fmt.Errorf("creates engine %d of %s on %q", exist[c.Group], c.Group, c.Host)
		}
	}
	for _, d := range p.Delete {
		if !w.engines[d.Engine].Managed || w.before[d.Engine]+w.load[d.Engine] > 0 {
			return fmt.Errorf("deletes %s, which holds %d", d.Engine, w.before[d.Engine])
		}
	}
	return nil
}

// explained: every decision has a reason that can be read.
func (w *world) explained(p *Plan) error {
	var all []Reason
	for _, m := range p.Moves {
		all = append(all, m.Why)
		if m.To != "" && m.Kind != MovePromote {
			all = append(all, m.Where)
		}
	}
	for _, c := range p.Create {
		all = append(all, c.Why)
	}
	for _, d := range p.Delete {
		all = append(all, d.Why)
	}
	for _, x := range p.Waiting {
		all = append(all, x.Why)
	}
	for _, x := range p.Warnings {
		all = append(all, x.Why)
	}
	for _, r := range all {
		if r.String() == "" {
			return fmt.Errorf("no text for %+v", r)
		}
	}
	return nil
}
