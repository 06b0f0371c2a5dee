package checker

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"firedrill/checker/history"
	"firedrill/checker/words"
	"firedrill/model"
)

// watchSlack is how much later than its monitor says an engine may be seen to notice: clocks drift.
const watchSlack = 100 * time.Millisecond

// checkServersWatched wants every engine that lets clients in to notice a back-end server that has stopped, in the time of
// its monitor, and no engine to trust one that has come back sooner than its monitor allows.
func checkServersWatched(h *evidence) []Violation {
	var out []Violation
	m := newMonitors(h)
	for _, s := range h.Header.Services {
		if s.Pool == nil || s.Pool.Out == 0 {
			continue
		}
		until := h.balancedUntil(s)
		for _, stop := range h.told {
			if is(stop, model.EventStopped) && slices.Contains(s.Pool.Servers, stop.Node) && (until == len(h.Events) || stop.Time < h.Events[until].Time) {
				out = append(out, h.unnoticed(m, s, stop)...)
			}
		}
	}
	return append(out, h.trustedEarly(m)...)
}

// trustedEarly lists the engines that called a server up which had not passed its monitor for long enough since it came
// back: the monitor wants several answers in a row. One that was away for less than it takes to be noticed may have missed
// no check.
func (h *evidence) trustedEarly(m *monitors) (found []Violation) {
	type word struct{ engine, pool, server string }
	down, away, back := make(map[word]int64), make(map[string]int64), make(map[string]int64) // since when
	until, in, out := make(map[string]int), make(map[string]time.Duration), make(map[string]time.Duration)
	for _, s := range h.Header.Services {
		if s.Pool != nil && s.Pool.In > 0 {
			in[s.Pool.Name], out[s.Pool.Name], until[s.Pool.Name] = s.Pool.In.Std(), s.Pool.Out.Std(), h.balancedUntil(s)
		}
	}
	for i := range h.Events {
		e := &h.Events[i]
		if e.Type != history.NodeEv {
			continue
		}
		switch model.EventKind(e.Event) {
		case model.EventStopped:
			away[e.Node] = e.Time
		case model.EventStarted:
			back[e.Node] = e.Time
			maps.DeleteFunc(down, func(w word, _ int64) bool { return w.engine == e.Node })
		case model.EventServerDown:
			down[word{e.Node, e.Unit, m.server(e)}] = e.Time
		case model.EventServerUp:
			w := word{e.Node, e.Unit, m.server(e)}
			since, was := down[w]
			delete(down, w)
			passed, least := time.Duration(e.Time-back[w.server]), in[e.Unit]-in[e.Unit]/100-watchSlack
			missed := back[w.server] > since && time.Duration(back[w.server]-away[w.server]) >= out[e.Unit]
			if was && missed && passed < least && e.Detail == "" && i < until[e.Unit] {
				found = append(found, violation(e.Time, []string{describe(e)},
					"%s called %s up %s after it had come back; its monitor takes %s at least",
					e.Node, w.server, words.Duration(passed), words.Duration(in[e.Unit])))
			}
		}
	}
	return found
}

// unnoticed lists the engines that did not notice in time that a server of a service stopped.
func (h *evidence) unnoticed(m *monitors, s history.Service, stop *history.Event) (out []Violation) {
	within := s.Pool.Out.Std() + s.Pool.Out.Std()/100 + watchSlack
	until := stop.Time + int64(within)
	if until > int64(ends(h.History)) || h.starts(stop.Node, stop.Time, until) {
		return nil
	}
	for _, engine := range h.admits(s.Name, stop.Time, until) {
		if h.starts(engine, stop.Time, until) || h.struck(engine, stop.Time, until) || !h.callsUp(m, engine, s.Pool.Name, stop.Node, until) {
			continue
		}
		out = append(out, violation(until, []string{describe(stop)}, "%s went on giving flows of %s to %s for %s after that had stopped", engine, s.Name, stop.Node, words.Duration(within)))
	}
	return out
}

// callsUp tells whether, by what it last said until then, an engine takes a server for up. One that says nothing takes
// it for up: the first check of a server that does not answer is told, too.
func (h *evidence) callsUp(m *monitors, engine, pool, server string, until int64) bool {
	up := true
	for _, e := range h.told {
		if e.Time > until {
			break
		}
		if e.Node == engine && is(e, model.EventStarted) {
			up = true
		}
		if e.Node == engine && e.Unit == pool && (is(e, model.EventServerUp) || is(e, model.EventServerDown)) && m.server(e) == server {
			up = is(e, model.EventServerUp)
		}
	}
	return up
}

// starts tells whether a node starts or stops after from, until.
func (h *evidence) starts(node string, from, until int64) bool {
	return slices.ContainsFunc(h.told, func(e *history.Event) bool {
		return e.Node == node && e.Time > from && e.Time <= until && (is(e, model.EventStarted) || is(e, model.EventStopped))
	})
}

// admits lists the engines that answered clients of a service in the time.
func (h *evidence) admits(service string, from, until int64) (out []string) {
	first, _ := slices.BinarySearchFunc(h.Events, from, func(e history.Event, t int64) int { return cmp.Compare(e.Time, t) })
	for i := first; i < len(h.Events) && h.Events[i].Time <= until; i++ {
		e := &h.Events[i]
		if e.Type == history.Probe && e.OK && e.Service == service && !slices.Contains(out, e.By) {
			out = append(out, e.By)
		}
	}
	return out
}
