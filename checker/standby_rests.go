package checker

import (
	"time"

	"firedrill/checker/history"
	"firedrill/checker/words"
	"firedrill/model"
	"firedrill/model/config"
)

// restsWithin is how long after it has let go, or was told, a standby may yet learn of servers: an answer is on its way.
const restsWithin = 5 * time.Second

// checkStandbyRests wants an engine that serves nothing to ask nothing of back-end servers where its group says so
// (hm_on_standby): what it does not ask, it cannot know.
func checkStandbyRests(h *evidence) []Violation {
	var out []Violation
	s := newSettings()
	groups := make(map[string]string)          // of engines
	serves := make(map[string]map[string]bool) // units, by engine
	idle := make(map[string]int64)             // engines that serve nothing, since when
	rest := make(map[string]int64)             // groups whose standby rests, since when
	told := make(map[string]bool)              // each once
	for _, n := range h.Header.Nodes {
		if n.Role == "engine" {
			groups[n.Name], serves[n.Name] = n.Group, make(map[string]bool)
		}
	}
	for i := range h.Events {
		e := &h.Events[i]
		s.see(e)
		if e.Type == history.Return {
			s.resting(rest, e.Time)
		}
		units := serves[e.Node]
		if e.Type != history.NodeEv || units == nil {
			continue
		}
		switch model.EventKind(e.Event) {
		case model.EventStarted:
			clear(units)
			idle[e.Node] = e.Time
		case model.EventActive:
			units[e.Unit] = true
		case model.EventStandby:
			if delete(units, e.Unit); len(units) == 0 {
				idle[e.Node] = e.Time
			}
		case model.EventServerUp, model.EventServerDown:
			since, rests := rest[groups[e.Node]]
			since = max(since, idle[e.Node])
			if rests && s.known() && len(units) == 0 && e.Detail == "" && e.Time-since > int64(restsWithin) && !told[e.Node] {
				told[e.Node] = true
				out = append(out, violation(e.Time, []string{describe(e)}, "%s has asked servers, though it serves nothing since %s and group %s does not want that of a standby",
					e.Node, words.Instant(time.Duration(since)), groups[e.Node]))
			}
		}
	}
	return out
}

// resting keeps since when the standby of a group rests.
func (s *settings) resting(rest map[string]int64, t int64) {
	for name, g := range s.groups {
		if g.HAMode != config.HAModeLegacyActiveStandby || g.HMOnStandby == nil || *g.HMOnStandby {
			delete(rest, name)
		} else if _, already := rest[name]; !already {
			rest[name] = t
		}
	}
}
