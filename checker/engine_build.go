package checker

import (
	"math"
	"slices"
	"time"

	"firedrill/checker/history"
	"firedrill/model"
)

// build is what an engine of a group runs for a time.
type build struct {
	engine, version string // version: "" where it was not said
	from, until     int64
}

// aboutThen is how far what a leader knows of a group, and asks the cloud for, may be from what the group does: an engine
// may be about to restart, or have done so just now.
const aboutThen = int64(5 * time.Second)

// checkEngineBuild follows which builds the engines of each group run, and holds what a cloud's new engine boots against
// those that others of its group ran when it was asked for: the build that the site began with is wrong once the group is
// upgraded, and the newest one before that.
func checkEngineBuild(h *evidence) []Violation {
	group := make(map[string]string)
	for _, n := range h.Header.Nodes {
		group[n.Name] = n.Group
	}
	asked, booted, runs := make(map[string]int64), make(map[string]*history.Event), make(map[string][]build)
	note := func(engine, version string, now int64) {
		of := group[engine]
		if last := lastOf(runs[of], engine); last != nil {
			if last.version == version || version == "" {
				return
			}
			last.until = now
		}
		runs[of] = append(runs[of], build{engine, version, now, math.MaxInt64})
	}
	for _, e := range h.told {
		switch kind := model.EventKind(e.Event); {
		case kind == model.EventCreated:
			asked[e.Peer] = e.Time
		case kind == model.EventDeleted:
			if last := lastOf(runs[group[e.Peer]], e.Peer); last != nil {
				last.until = e.Time
			}
		case group[e.Node] == "":
		case kind == model.EventStarted || kind == model.EventRestart:
			if _, made := asked[e.Node]; made && booted[e.Node] == nil {
				booted[e.Node] = e
			}
			note(e.Node, e.Unit, e.Time)
		}
	}
	var out []Violation
	for _, name := range sortedKeys(booted) {
		e := booted[name]
		had := others(runs[group[name]], name, asked[name])
		if len(had) > 0 && e.Unit != "" && !slices.Contains(had, e.Unit) && !slices.Contains(had, "") {
			out = append(out, violation(e.Time, []string{describe(e)}, "%s boots %s, and others of its group ran %s when it was asked for", name, e.Unit, had[0]))
		}
	}
	return out
}

// lastOf is the build that an engine runs, nil if it has run none.
func lastOf(runs []build, engine string) *build {
	for i := range slices.Backward(runs) {
		if runs[i].engine == engine {
			return &runs[i]
		}
	}
	return nil
}

// others lists the builds that engines other than one ran about a time.
func others(runs []build, engine string, at int64) []string {
	var out []string
	for _, b := range runs {
		if b.engine != engine && b.from-aboutThen <= at && at-aboutThen <= b.until {
			out = append(out, b.version)
		}
	}
	return out
}
