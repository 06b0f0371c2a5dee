package checker

import (
	"maps"
	"math"
	"slices"
	"strings"

	"firedrill/checker/history"
	"firedrill/model"
)

// fleet is what engines and the cluster have said of who serves what, up to some moment of a history.
type fleet struct {
	groups    map[string]string          // of engines
	hosts     map[string]string          // of engines
	since     map[string]int64           // engines that run, since when
	holds     map[string]map[string]bool // addresses, by engine
	placed    map[string][]string        // engines of services
	down      map[string]bool            // engines that were ever taken for dead
	upgrading bool
}

// calm calls judge whenever nothing has changed for so long that everything should be as the configuration says: before a
// change of the configuration, before a fault, and in the end. Nothing is judged once it is not certain what is configured.
func (h *evidence) calm(judge func(t int64, s *settings, f *fleet)) {
	s, f := newSettings(), newFleet(h)
	faults := h.faults
	for i := range h.Events {
		e := &h.Events[i]
		for len(faults) > 0 && faults[0].begin <= e.Time {
			if s.known() {
				judge(faults[0].begin, s, f)
			}
			faults = faults[1:]
		}
		if e.Type == history.Call && alters(e) && s.known() {
			judge(e.Time, s, f)
		}
		s.see(e)
		if e.Type == history.NodeEv && !h.elsewhere(e) {
			f.see(e)
		}
	}
	if s.known() {
		judge(int64(ends(h.History)), s, f)
	}
}

func newFleet(h *evidence) *fleet {
	f := &fleet{groups: make(map[string]string), hosts: make(map[string]string), since: make(map[string]int64),
		holds: make(map[string]map[string]bool), placed: make(map[string][]string), down: make(map[string]bool)}
	for _, n := range h.Header.Nodes {
		if n.Role == "engine" {
			f.groups[n.Name], f.hosts[n.Name] = n.Group, n.Host
		}
	}
	return f
}

func (f *fleet) see(e *history.Event) {
	switch model.EventKind(e.Event) {
	case model.EventStarted:
		if _, engine := f.groups[e.Node]; engine {
			f.since[e.Node], f.holds[e.Node] = e.Time, make(map[string]bool)
		}
	case model.EventStopped:
		delete(f.since, e.Node)
		delete(f.holds, e.Node)
	case model.EventAddressAdded:
		if f.holds[e.Node] != nil {
			f.holds[e.Node][e.Unit] = true
		}
	case model.EventAddressRemoved:
		delete(f.holds[e.Node], e.Unit)
	case model.EventPlaced:
		f.placed[e.Unit] = strings.Fields(e.Peer)
	case model.EventEngineDn:
		f.down[e.Peer] = true
	case model.EventUpgrade:
		f.upgrading = strings.HasSuffix(e.Unit, "SERVICE_ENGINES")
	}
}

// of lists the engines of a group that have run since then, by name.
func (f *fleet) of(group string, since int64) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(f.since)) {
		if f.groups[name] == group && f.since[name] <= since {
			out = append(out, name)
		}
	}
	return out
}

// quiet tells whether a group was left alone from then until t: no engine of it has stopped or come back, and no other
// fault was in effect that it or the controllers may feel.
func (h *evidence) quiet(group string, from, t int64) bool {
	feels := func(n history.Node) bool {
		return n.Role == "engine" && n.Group == group || n.Role == "controller" || n.Role == "gateway" || n.Role == "cloud"
	}
	return h.settled(from, t, feels, func(f *fault) bool {
		return f.stops() && !f.reaches(func(n history.Node) bool { return n.Role != "engine" })
	})
}

// settled tells whether no fault was in effect on certain nodes from then until t. One that ends nodes, and of which
// nothing is felt once others have noticed, counts only if it struck or ended in between.
func (h *evidence) settled(from, t int64, feels func(history.Node) bool, noticed func(*fault) bool) bool {
	return !slices.ContainsFunc(h.faults, func(f fault) bool {
		switch {
		case f.begin >= t || !f.reaches(feels):
			return false
		case noticed(&f):
			return f.begin > from || f.end > from && f.end < t
		}
		return f.end > from
	})
}

// stops tells whether the fault ends nodes, so that nothing of it is felt once others have noticed.
func (f *fault) stops() bool {
	return f.kind == "crash" || f.kind == "power-loss" || f.kind == string(model.EventRestart) && f.end != math.MaxInt64
}
