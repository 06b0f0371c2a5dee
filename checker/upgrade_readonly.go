package checker

import (
	"strings"

	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/model/config"
)

// checkUpgradeReadonly: while the platform is upgraded no client changes the configuration ("Upgrading Avi Vantage
// Software"). An upgrade lasts from the place in the log where it begins to the place where it ends.
func checkUpgradeReadonly(h *evidence) []Violation {
	var out []Violation
	upgrades := h.upgrades()
	if len(upgrades) == 0 {
		return nil
	}
	asked := make(map[string]*history.Event) // by client: the call under way
	for i := range h.Events {
		e := &h.Events[i]
		if e.Type == history.Call {
			asked[e.Client] = e
		}
		call := asked[e.Client]
		if e.Type != history.Return || e.Outcome != history.OK || call == nil || !changes(call) {
			continue
		}
		for _, u := range upgrades {
			if e.Index > 0 && u.begin < e.Index && e.Index < u.end || e.Index == 0 && u.began < call.Time && e.Time < u.ended {
				out = append(out, violation(e.Time, nil, "%s changed %s (%s) while the platform was upgraded", e.Client, call.Key, call.Operation))
			}
		}
	}
	return out
}

// upgraded is an upgrade: its places in the log, and when a leader told of them.
type upgraded struct {
	begin, end   uint64
	began, ended int64
}

// upgrades lists those of a history.
func (h *evidence) upgrades() []upgraded {
	var out []upgraded
	open := false
	for _, e := range h.told {
		if !is(e, model.EventUpgrade) {
			continue
		}
		active := (&config.Upgrade{State: config.UpgradeState(e.Unit)}).Active()
		switch {
		case active && !open:
			out = append(out, upgraded{begin: e.Index, end: ^uint64(0), began: e.Time, ended: int64(ends(h.History)) + 1})
		case !active && open:
			out[len(out)-1].end, out[len(out)-1].ended = e.Index, e.Time
		}
		open = active
	}
	return out
}

// changes tells whether a call asks for a change of the configuration.
func changes(call *history.Event) bool {
	switch call.Operation {
	case history.OpCreate, history.OpUpdate, history.OpDelete:
		return true
	case history.OpRequest:
		method, path, _ := strings.Cut(call.Key, " ")
		return method != "GET" && !strings.HasPrefix(path, "/api/upgrade") && !strings.HasPrefix(path, "/api/configuration/export") &&
			!strings.HasPrefix(path, "/api/cluster/recover")
	}
	return false
}
