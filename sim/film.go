package sim

import (
	"slices"
	"time"

	"firedrill/checker/history/scene"
	"firedrill/model"
	"firedrill/scenarios"
)

// film records how every machine stands, whenever that becomes another, and what was sent.
type film struct {
	w     *World
	film  scene.Film
	known []map[string]string // facts, by machine
	seen  int                 // routine messages so far
}

// A film is to be looked at in a browser, so there are bounds to it.
const (
	filmChanges  = 200_000 // beyond that no change is recorded, and the film says since when
	filmMessages = 60_000  // that are not routine
	filmRoutine  = 30_000  // beyond that every other one is dropped, again and again
)

func newFilm(w *World) *film {
	return &film{w: w, film: scene.Film{Scenario: w.plan.Name, Seed: w.seed, Length: w.plan.Duration.Std(), Stride: 1, Complete: w.plan.Duration.Std()}}
}

// done returns what was recorded; nil for no film.
func (f *film) done() *scene.Film {
	if f == nil {
		return nil
	}
	return &f.film
}

// after looks at what an event may have changed: its machine, or, if it is nobody's or the cloud's, which has power over
// others, all.
func (f *film) after(m *machine) {
	if m != nil && m.Role != scenarios.RoleCloud && m.index < len(f.known) {
		f.look(m)
		return
	}
	for _, m := range f.w.machines {
		f.look(m)
	}
}

// look compares how a machine stands with what is known of it.
func (f *film) look(m *machine) {
	now := time.Duration(f.w.now)
	if f.film.Complete < now {
		return
	}
	if m.index == len(f.known) {
		f.known = append(f.known, make(map[string]string))
		f.film.Nodes = append(f.film.Nodes, scene.Node{Name: m.Name, Role: m.Role})
	}
	known := f.known[m.index]
	facts := m.describe()
	facts = slices.DeleteFunc(facts, func(f model.Fact) bool { return f.Moving })
	kept := 0
	for _, fact := range facts {
		was, there := known[fact.Name]
		if there {
			kept++
		}
		if !there || was != fact.Value {
			f.change(m, fact.Name, fact.Value)
		}
	}
	if kept < len(known) {
		f.forget(m, facts)
	}
	for _, fact := range facts {
		known[fact.Name] = fact.Value
	}
	if len(f.film.Changes) > filmChanges {
		f.film.Complete = now
	}
}

// forget says of what a machine tells no more that it is no more, in the order of names.
func (f *film) forget(m *machine, facts []model.Fact) {
	known := f.known[m.index]
	var gone []string
	for name := range known {
		if !slices.ContainsFunc(facts, func(f model.Fact) bool { return f.Name == name }) {
			gone = append(gone, name)
		}
	}
	slices.Sort(gone)
	for _, name := range gone {
		f.change(m, name, "")
		delete(known, name)
	}
}

func (f *film) change(m *machine, name, is string) {
	f.film.Changes = append(f.film.Changes, scene.Change{At: time.Duration(f.w.now), Node: m.index, Name: name, Is: is})
}

// sent records a frame that is on its way.
func (f *film) sent(fr *frame, due int64) {
	m := describeFrame(fr, fr.src.m, fr.dst.m.Name)
	m.Due = time.Duration(due)
	f.message(m)
}

// lost records one that was lost. Of messages between nodes that is never routine.
func (f *film) lost(fr *frame) {
	m := describeFrame(fr, fr.src.m, fr.dst.m.Name)
	m.Lost, m.Routine = true, m.Routine && fr.kind != message
	f.message(m)
}

// message keeps one, unless there are too many. Of routine messages every so many-th one is kept, so that the whole run
// shows equally.
func (f *film) message(m scene.Message) {
	all := &f.film.Messages
	if !m.Routine {
		if len(*all) < filmMessages+filmRoutine {
			*all = append(*all, m)
		}
		return
	}
	f.seen++
	if f.seen%f.film.Stride != 0 {
		return
	}
	*all = append(*all, m)
	if f.seen/f.film.Stride > filmRoutine {
		f.thin()
	}
}

// thin drops every other routine message.
func (f *film) thin() {
	f.film.Stride *= 2
	n := 0
	f.film.Messages = slices.DeleteFunc(f.film.Messages, func(m scene.Message) bool {
		if !m.Routine {
			return false
		}
		n++
		return n%2 != 0
	})
}
