package checker

import (
	"math"
	"slices"
	"time"

	"firedrill/checker/history"
	"firedrill/model"
)

// fault is one blow of the world, from its begin to its end.
type fault struct {
	kind, target string
	begin        int64
	end          int64          // math.MaxInt64 while it lasts
	named        []string       // its targets
	struck       []history.Node // whom it may touch: its targets, and what shares a host with them
	stranger     bool           // it struck something that the header does not name
}

// aftermath is how long after its end a fault may still be the cause of a takeover: nodes rejoin, clocks and
// caches settle.
const aftermath = int64(5 * time.Second)

// faults lists the faults that struck somebody, by begin.
func faults(h *history.History) []fault {
	type id struct {
		step          int
		fault, target string
	}
	var out []fault
	open := make(map[id][]int)
	for i := range h.Events {
		e := &h.Events[i]
		if e.Type == history.NodeEv {
			out = restarts(h, out, e)
			continue
		}
		if e.Type != history.Fault {
			continue
		}
		key := id{e.Step, e.Fault, e.Target}
		if e.Phase == history.Begin {
			if len(e.Resolved) == 0 {
				continue
			}
			open[key] = append(open[key], len(out))
			f := fault{kind: e.Fault, target: e.Target, begin: e.Time, end: math.MaxInt64, named: e.Resolved}
			f.touch(h.Header.Nodes, e.Resolved)
			out = append(out, f)
			continue
		}
		for _, at := range open[key] { // a fault that began again has one end
			out[at].end = e.Time
		}
		delete(open, key)
	}
	return out
}

// restarts adds a node that asks to be restarted to the faults, until it has started: what follows from it is planned, and
// is explained like what follows from a fault.
func restarts(h *history.History, out []fault, e *history.Event) []fault {
	switch model.EventKind(e.Event) {
	case model.EventRestart:
		f := fault{kind: string(model.EventRestart), target: e.Node, begin: e.Time, end: math.MaxInt64, named: []string{e.Node}}
		f.touch(slices.DeleteFunc(slices.Clone(h.Header.Nodes), func(n history.Node) bool { return n.Name != e.Node }), f.named)
		return append(out, f)
	case model.EventStarted:
		for i := range out {
			if f := &out[i]; f.kind == string(model.EventRestart) && f.target == e.Node && f.end == math.MaxInt64 {
				f.end = e.Time
			}
		}
	}
	return out
}

func (f *fault) touch(nodes []history.Node, names []string) {
	var hosts []string
	named := 0
	for _, n := range nodes {
		if slices.Contains(names, n.Name) {
			named++
			hosts = append(hosts, n.Host)
		}
	}
	f.stranger = named < len(names)
	for _, n := range nodes {
		if slices.Contains(names, n.Name) || n.Host != "" && slices.Contains(hosts, n.Host) {
			f.struck = append(f.struck, n)
		}
	}
}

// reaches tells whether the fault can touch a node like that. What the header does not name could be anything.
func (f *fault) reaches(like func(history.Node) bool) bool {
	return f.stranger || slices.ContainsFunc(f.struck, like)
}

// felt tells whether the fault is in effect at t, or was until a moment ago.
func (f *fault) felt(t int64) bool {
	return f.begin <= t && (f.end == math.MaxInt64 || t <= f.end+aftermath)
}

// isController selects what an election depends on.
func isController(n history.Node) bool { return n.Role == "controller" || n.Role == "gateway" }

// isEngineOf selects what a takeover within a group depends on.
func isEngineOf(group string) func(history.Node) bool {
	return func(n history.Node) bool { return n.Role == "engine" && n.Group == group || n.Role == "gateway" }
}

// carries selects what a client of the service depends on.
func carries(s history.Service) func(history.Node) bool {
	return func(n history.Node) bool {
		switch n.Role {
		case "controller":
			return s.Name == api
		case "engine":
			return s.Name != api && (s.Group == "" || n.Group == s.Group)
		case "server":
			return s.Name != api
		}
		return true
	}
}

// api is the name of the service that is the configuration API.
const api = "api"
