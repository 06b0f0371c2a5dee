package config

import (
	"fmt"
	"maps"
	"reflect"
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
	if err != nil {
		return CodeInvalid
	}
	if cloud, ok := object.(*Cloud); ok && exists && cloud.Password == Redacted && old.Object.(*Cloud).Password != "" {
		cloud.Password = old.Object.(*Cloud).Password
		c.Body = Encode(cloud)
	}
	if object.Validate() != nil || object.ObjectName() != c.Key.Name || n.refuses(object) {
		return CodeInvalid
	}
	n[c.Key] = Entry{c.Key, index, object, c.Body}
	return CodeOK
}

// replace makes the objects one by one in a new configuration, which then takes the facts over.
func (n naive) replace(index uint64, items []Item) (naive, Code) {
	out := naive{}
	for _, kind := range Kinds() {
		for _, i := range items {
			if i.Key.Kind == kind && (kind.Fact() || out.apply(index, Change{Op: OpCreate, Key: i.Key, Body: i.Body}) != CodeOK) {
				return n, CodeInvalid
			}
		}
	}
	for key, e := range n {
		switch o := e.Object.(type) {
		case *Cluster:
			out[key] = e
		case *ServiceEngine:
			group := Key{KindServiceEngineGroup, o.GroupRef}
			if after, ok := out[group]; ok && after.Object.(*ServiceEngineGroup).HAMode == n[group].Object.(*ServiceEngineGroup).HAMode {
				out[key] = e
			}
		}
	}
	return out, CodeOK
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
		case *BackupConfiguration:
			if b, ok := object.(*BackupConfiguration); ok && o.Name != b.Name {
				return true
			}
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
			if ok && o.Name != engine.Name && o.GroupRef == engine.GroupRef && o.State != EngineDeleting {
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
	return ok && engines >= 2 && engine.State != EngineDeleting && n[Key{KindServiceEngineGroup, engine.GroupRef}].Object.(*ServiceEngineGroup).HAMode == HAModeLegacyActiveStandby
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
			access := rapid.SampledFrom([]CloudAccess{NoAccess, WriteAccess, "?"}).Draw(t, "access")
			return &Cloud{Name: name, Access: access, Username: "admin", Password: rapid.SampledFrom([]string{"", "<&>", Redacted}).Draw(t, "password")}
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
		case KindBackupConfiguration:
			return but(validBackup(), func(b *BackupConfiguration) { b.Name = name })
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

// anyItems draws what the state holds, in any order, less a few objects and with a few others.
func anyItems(s *State) *rapid.Generator[[]Item] {
	return rapid.Custom(func(t *rapid.T) []Item {
		items := map[Key]Item{}
		for _, i := range s.Items() {
			if rapid.IntRange(0, 7).Draw(t, "stays") > 0 {
				items[i.Key] = i
			}
		}
		for range rapid.IntRange(0, 3).Draw(t, "others") {
			if o := anyObject().Draw(t, "object"); !keyOf(o).Kind.Fact() || rapid.IntRange(0, 20).Draw(t, "fact") == 0 {
				items[keyOf(o)] = ItemOf(o)
			}
		}
		keys := slices.SortedFunc(maps.Keys(items), func(a, b Key) int { return strings.Compare(a.String(), b.String()) })
		var out []Item
		for _, key := range rapid.Permutation(keys).Draw(t, "order") {
			out = append(out, items[key])
		}
		return out
	})
}

// throughLog encodes and decodes items.
func throughLog(t *rapid.T, items []Item) []Item {
	out, err := DecodeItems(EncodeItems(items))
	if err != nil || !reflect.DeepEqual(out, items) {
		t.Fatalf("%s became %s with error %v", items, out, err)
	}
	return out
}

// TestState compares the state with the naive one, through changes and snapshots.
func TestState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, want, index := NewState(), naive{}, uint64(0)
		if rapid.Bool().Draw(t, "prepared") { // or services, which need most, would hardly ever be made
			for _, o := range []Object{
				&Cloud{Name: "a", Access: NoAccess, Username: "admin", Password: "a"}, &ServiceEngineGroup{Name: "a", HAMode: HAModeLegacyActiveStandby},
				&ServiceEngineGroup{Name: "b", HAMode: HAModeShared}, &Pool{Name: "a"}, &Pool{Name: "b"}, &Pool{Name: "c"},
				&VirtualService{Name: "a", VIP: ip("198.19.2.1"), Port: 80, PoolRef: "a", SEGroupRef: "a"},
			} {
				index++
				s.Apply(index, create(o))
				want.apply(index, create(o))
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"change": func(t *rapid.T) {
				index++
				c := anyChange(index).Draw(t, "change")
				if got, code := s.Apply(index, c), want.apply(index, c); got.Code != code {
					t.Fatalf("%s: %+v, want code %d", c.Key, got, code)
				}
			},
			"replace": func(t *rapid.T) {
				index++
				items := anyItems(s).Draw(t, "items")
				after, code := want.replace(index, items)
				if got := s.Replace(index, throughLog(t, items)); got.Code != code || s.Index() != index {
					t.Fatalf("%+v, want code %d", got, code)
				}
				want = after
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
			"": func(t *rapid.T) { want.compare(t, s); sameAsFromScratch(t, s) },
		})
	})
}

// sameAsFromScratch compares the bookkeeping of a state with that of one that has only ever seen these objects.
func sameAsFromScratch(t *rapid.T, s *State) {
	scratch := NewState()
	for _, e := range s.entries { // in any order
		scratch.insert(e)
	}
	same := scratch.Hash() == s.Hash() && maps.Equal(scratch.users, s.users) && maps.Equal(scratch.entries, s.entries)
	for _, kind := range Kinds() {
		same = same && slices.Equal(scratch.lists[kind], s.lists[kind])
	}
	if !same || !maps.EqualFunc(scratch.vips, s.vips, slices.Equal) {
		t.Fatalf("from scratch: %x %v %v\nnow: %x %v %v", scratch.Hash(), scratch.users, scratch.vips, s.Hash(), s.users, s.vips)
	}
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
