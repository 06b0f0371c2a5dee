package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// naive is the state as a map, with every question answered by a search.
type naive map[Key]Entry

func (n naive) apply(index uint64, c Change) Code {
	old, exists := n[c.Key]
	switch {
	case c.Op == OpCreate && exists:
		return CodeAlreadyExists
	case c.Op != OpCreate && !exists:
		return CodeNotFound
	case c.Op != OpCreate && c.Expect != 0 && c.Expect != old.Version:
		return CodeVersionMismatch
	case c.Op == OpDelete:
		for _, e := range n {
			if slices.Contains(e.Object.References(), c.Key) {
				return CodeInUse
			}
		}
		delete(n, c.Key)
		return CodeOK
	}
	object, err := Decode(c.Key.Kind, c.Body)
	if err != nil || object.Validate() != nil || object.ObjectName() != c.Key.Name || n.refuses(object) {
		return CodeInvalid
	}
	n[c.Key] = Entry{c.Key, index, object, c.Body}
	return CodeOK
}

// refuses tells whether an object does not fit among the others.
func (n naive) refuses(object Object) bool {
	for _, r := range object.References() {
		if _, ok := n[r]; !ok {
			return true
		}
	}
	engines := 0
	for key, e := range n {
		switch o := e.Object.(type) {
		case *VirtualService:
			vs, ok := object.(*VirtualService)
			if ok && o.Name != vs.Name && o.VIP == vs.VIP && (o.Port == vs.Port || o.SEGroupRef != vs.SEGroupRef) {
				return true
			}
		case *ServiceEngine:
			engine, ok := object.(*ServiceEngine)
			if ok && o.Name == engine.Name && o.GroupRef != engine.GroupRef {
				return true
			}
			if ok && o.Name != engine.Name && o.GroupRef == engine.GroupRef {
				engines++
			}
		case *ServiceEngineGroup:
			group, ok := object.(*ServiceEngineGroup)
			if ok && o.Name == group.Name && o.HAMode != group.HAMode && n.used(key) {
				return true
			}
		}
	}
	engine, ok := object.(*ServiceEngine)
	return ok && engines >= 2 && n[Key{KindServiceEngineGroup, engine.GroupRef}].Object.(*ServiceEngineGroup).HAMode == HAModeLegacyActiveStandby
}

func (n naive) used(key Key) bool {
	for _, e := range n {
		if slices.Contains(e.Object.References(), key) {
			return true
		}
	}
	return false
}

// names are few, so that objects meet.
var names = rapid.SampledFrom([]string{"a", "b", "c"})

// anyObject draws an object that is mostly valid alone.
func anyObject() *rapid.Generator[Object] {
	return rapid.Custom(func(t *rapid.T) Object {
		name := names.Draw(t, "name")
		switch rapid.SampledFrom(Kinds()).Draw(t, "kind") {
		case KindCluster:
			return but(validCluster(), func(c *Cluster) { c.Name = name })
		case KindCloud:
			return &Cloud{name, rapid.SampledFrom([]CloudAccess{NoAccess, WriteAccess, "?"}).Draw(t, "access")}
		case KindServiceEngineGroup:
			mode := rapid.SampledFrom([]HAMode{HAModeShared, HAModeLegacyActiveStandby}).Draw(t, "mode")
			return &ServiceEngineGroup{Name: name, HAMode: mode, CloudRef: rapid.SampledFrom([]string{"", "a"}).Draw(t, "cloud")}
		case KindServiceEngine:
			name += rapid.SampledFrom([]string{"", "1"}).Draw(t, "number") // more than a pair takes
			return but(validEngine(), func(e *ServiceEngine) { e.Name, e.GroupRef = name, names.Draw(t, "group") })
		case KindHealthMonitor:
			return but(validMonitor(), func(m *HealthMonitor) { m.Name = name })
		case KindPool:
			return &Pool{Name: name, HealthMonitorRefs: rapid.SliceOfNDistinct(names, 0, 2, rapid.ID).Draw(t, "monitors")}
		default:
			vip := ip(fmt.Sprintf("198.19.2.%d", rapid.IntRange(1, 2).Draw(t, "vip")))
			port := rapid.Uint16Range(80, 81).Draw(t, "port")
			return &VirtualService{Name: name, VIP: vip, Port: port, PoolRef: names.Draw(t, "pool"), SEGroupRef: names.Draw(t, "group")}
		}
	})
}

func anyChange(versions uint64) *rapid.Generator[Change] {
	return rapid.Custom(func(t *rapid.T) Change {
		o := anyObject().Draw(t, "object")
		c := Change{Op: rapid.SampledFrom([]Op{OpCreate, OpCreate, OpUpdate, OpDelete}).Draw(t, "op"), Key: keyOf(o)}
		if c.Op != OpCreate {
			c.Expect = rapid.Uint64Range(0, versions).Draw(t, "expect")
		}
		if c.Op != OpDelete {
			c.Body = Encode(o)
		}
		return c
	})
}

// TestState compares the state with the naive one, through changes and snapshots.
func TestState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, want, index := NewState(), naive{}, uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"change": func(t *rapid.T) {
				index++
				c := anyChange(index).Draw(t, "change")
				if got, code := s.Apply(index, c), want.apply(index, c); got.Code != code {
					t.Fatalf("%s: %+v, want code %d", c.Key, got, code)
				}
			},
			"snapshot": func(t *rapid.T) {
				fresh := apply(t, create(validMonitor()))
				if err := fresh.Restore(s.Snapshot()); err != nil || fresh.Hash() != s.Hash() || fresh.Index() != s.Index() {
					t.Fatalf("error %v, hash %x of %x, index %d of %d", err, fresh.Hash(), s.Hash(), fresh.Index(), s.Index())
				}
				if string(fresh.Snapshot()) != string(s.Snapshot()) {
					t.Fatalf("%s\nbecame %s", s.Snapshot(), fresh.Snapshot())
				}
				s = fresh
			},
			"": func(t *rapid.T) { want.compare(t, s) },
		})
	})
}

func (n naive) compare(t *rapid.T, s *State) {
	listed := 0
	for _, kind := range Kinds() {
		list := s.List(kind)
		listed += len(list)
		if !slices.IsSortedFunc(list, func(a, b *Entry) int { return strings.Compare(a.Key.Name, b.Key.Name) }) {
			t.Fatalf("%s are not by name", kind)
		}
		for _, e := range list {
			if want := n[e.Key]; want.Version != e.Version || string(want.Body) != string(e.Body) {
				t.Fatalf("%s: %d %s, want %d %s", e.Key, e.Version, e.Body, want.Version, want.Body)
			}
		}
	}
	if listed != len(n) {
		t.Fatalf("%d are listed, want %d", listed, len(n))
	}
	for key := range n {
		if e, ok := s.Get(key); !ok || e.Version != n[key].Version {
			t.Fatalf("%s: %+v, %t", key, e, ok)
		}
	}
}

// TestHash: the hash tells content, not how it came about, and any other content has another.
func TestHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := map[Key]*Entry{}
		for range rapid.IntRange(1, 6).Draw(t, "entries") {
			o := anyObject().Draw(t, "object")
			entries[keyOf(o)] = &Entry{keyOf(o), rapid.Uint64Range(1, 9).Draw(t, "version"), o, Encode(o)}
		}
		keys := slices.SortedFunc(maps.Keys(entries), func(a, b Key) int { return strings.Compare(a.String(), b.String()) })
		a, b := NewState(), NewState()
		for _, key := range keys {
			a.insert(entries[key])
		}
		for _, key := range rapid.Permutation(keys).Draw(t, "order") {
			b.insert(entries[key])
		}
		if a.Hash() != b.Hash() {
			t.Fatalf("%x and %x for the same content", a.Hash(), b.Hash())
		}
		changed := *entries[keys[0]]
		b.remove(entries[keys[0]])
		if a.Hash() == b.Hash() {
			t.Fatal("an object went, the hash stayed")
		}
		switch rapid.IntRange(0, 2).Draw(t, "what") {
		case 0:
			changed.Version++
		case 1:
			changed.Body = append(slices.Clip(changed.Body), ' ')
		default:
			changed.Key.Name += "x"
		}
		b.insert(&changed)
		if a.Hash() == b.Hash() {
			t.Fatal("an object changed, the hash did not")
		}
	})
}
