package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Fact tells whether objects of the kind state what is there in this installation (its controllers, its engines, which
// of them carries what) rather than what somebody wants. Backups hold no facts, and a restore leaves them.
func (k Kind) Fact() bool {
	return k == KindCluster || k == KindServiceEngine || k == KindPlacement || k == KindUpgrade
}

// Items returns the configuration without the facts, by kind and name: what a backup holds.
func (s *State) Items() []Item {
	var out []Item
	for _, kind := range Kinds() {
		if kind.Fact() {
			continue
		}
		for _, e := range s.lists[kind] {
			out = append(out, Item{e.Key, e.Body})
		}
	}
	return out
}

// Replace makes the items, in any order, the whole configuration, or changes nothing and says which field of which
// object is wrong. Index is the change's place in the log, and becomes the version of every object, so that whoever
// compares versions notices.
//
// Facts stay, with their versions, but for engines whose cloud or group is gone or has another HA mode now: an engine in use
// keeps its mode (see [State.Apply]), so it is removed, and joins the group as it now is with its next report. So
// every state that Replace leads to can also be reached by single changes.
func (s *State) Replace(index uint64, items []Item) Outcome {
	s.index = index
	fresh, err := s.replacement(index, items)
	if err != nil {
		return invalid(err.Error())
	}
	*s = *fresh
	return Outcome{Version: index}
}

// CheckItems tells whether [State.Replace] takes the items, which does not depend on the state. The error names the
// object and its field.
func CheckItems(items []Item) error {
	_, err := NewState().replacement(0, items)
	return err
}

// replacement builds the state that comes of a replacement.
func (s *State) replacement(index uint64, items []Item) (*State, error) {
	fresh := NewState()
	fresh.index = index
	for _, i := range inOrder(items) {
		if err := fresh.add(index, i); err != nil {
			return nil, err
		}
	}
	for _, kind := range []Kind{KindCluster, KindUpgrade} {
		for _, e := range s.lists[kind] {
			fresh.insert(e)
		}
	}
	for _, e := range s.lists[KindServiceEngine] {
		engine := e.Object.(*ServiceEngine)
		cloud := Key{KindCloud, engine.CloudRef}
		if sameMode(s, fresh, engine.GroupRef) && (engine.CloudRef == "" || fresh.entries[cloud] != nil) {
			fresh.insert(e)
		}
	}
	for _, e := range s.lists[KindPlacement] {
		if sameMode(s, fresh, e.Key.Name) {
			fresh.insert(e)
		}
	}
	return fresh, nil
}

// inOrder returns items so that each comes behind those that it refers to, and the same items in the same order.
func inOrder(items []Item) []Item {
	place := make(map[Kind]int, len(kinds))
	for i, k := range kinds {
		place[k.kind] = i
	}
	return slices.SortedStableFunc(slices.Values(items), func(a, b Item) int {
		return cmp.Or(cmp.Compare(place[a.Key.Kind], place[b.Key.Kind]), cmp.Compare(a.Key.Name, b.Key.Name))
	})
}

// add takes one item into a state that is being built.
func (s *State) add(index uint64, i Item) error {
	if i.Key.Kind.Fact() {
		return &FieldError{i.Key.Kind, i.Key.Name, "kind", "it states a fact about one installation; a backup holds none"}
	}
	if s.entries[i.Key] != nil {
		return &FieldError{i.Key.Kind, i.Key.Name, "name", "it is there twice"}
	}
	e, err := s.admit(index, Change{Op: OpCreate, Key: i.Key, Body: i.Body})
	if field := (*FieldError)(nil); err != nil && !errors.As(err, &field) {
		return fmt.Errorf("%s: %w", i.Key, err) // what cannot be read does not know its name
	}
	if err != nil {
		return err
	}
	s.insert(e)
	return nil
}

// sameMode tells whether both states have the group, with the same HA mode.
func sameMode(a, b *State, group string) bool {
	key := Key{KindServiceEngineGroup, group}
	x, y := a.entries[key], b.entries[key]
	return x != nil && y != nil && x.Object.(*ServiceEngineGroup).HAMode == y.Object.(*ServiceEngineGroup).HAMode
}
