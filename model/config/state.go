package config

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Op is what a [Change] does.
type Op uint8

// The changes.
const (
	OpCreate Op = iota + 1
	OpUpdate
	OpDelete
)

// Change is one command to the configuration.
type Change struct {
	Op     Op
	Key    Key
	Expect uint64 // of an update and a delete: the version that must be there; 0: any
	Body   []byte // of a create and an update: the object as JSON
}

// Code is the outcome of a [Change].
type Code uint8

// The outcomes. All but CodeOK left the state as it was.
const (
	CodeOK Code = iota
	CodeNotFound
	CodeAlreadyExists
	CodeVersionMismatch
	CodeInvalid // Error names the field
	CodeInUse   // Error names an object that refers to this one
)

// Outcome is what a change came to.
type Outcome struct {
	Code    Code
	Error   string
	Version uint64 // of the object after a change that was made; of the present object after a mismatch
}

// Entry is an object as the state holds it. Its version is the log index of the change that made it, so it
// grows and is never used twice, not even after a delete. Body and Object must not be changed.
type Entry struct {
	Key     Key
	Version uint64
	Object  Object
	Body    []byte
}

// State is the replicated configuration: a deterministic function of the changes applied.
type State struct {
	index   uint64
	hash    uint64 // sum over all entries, so that it costs the same at any size
	entries map[Key]*Entry
	lists   map[Kind][]*Entry       // by name
	users   map[Key]int             // how many entries refer to the key
	vips    map[netip.Addr][]*Entry // the virtual services of an address, by name
	groups  map[string]*groupIndex  // of service engines, by name, with what refers to them
	shared  uint64                  // index of the last change of what groups have in common
}

// groupIndex is what belongs to a group, so that to look at one group costs nothing for the others.
type groupIndex struct {
	engines, services []*Entry // by name
	changed           uint64   // index of the last change of the group itself, or of what belongs to it
}

// NewState returns an empty configuration.
func NewState() *State {
	return &State{entries: make(map[Key]*Entry), lists: make(map[Kind][]*Entry), users: make(map[Key]int), vips: make(map[netip.Addr][]*Entry), groups: make(map[string]*groupIndex)}
}

// Index is the log index of the last change applied.
func (s *State) Index() uint64 { return s.index }

// Hash is equal for equal content, whatever changes led there.
func (s *State) Hash() uint64 { return s.hash }

// Get returns the object of a key.
func (s *State) Get(key Key) (Entry, bool) {
	if e := s.entries[key]; e != nil {
		return *e, true
	}
	return Entry{}, false
}

// List returns the objects of a kind, by name. The slice must not be changed, and is valid until the next change.
func (s *State) List(kind Kind) []*Entry { return s.lists[kind] }

// Apply makes a change, or says why it cannot be made. Index is the change's place in the log.
func (s *State) Apply(index uint64, c Change) Outcome {
	s.index = index
	switch c.Op {
	case OpCreate, OpUpdate:
		return s.put(index, c)
	case OpDelete:
		return s.delete(index, c)
	}
	return invalid(fmt.Sprintf("operation %d is unknown", c.Op))
}

// EnginesOf and ServicesOf return what belongs to a group, like [State.List].
func (s *State) EnginesOf(group string) []*Entry { return s.group(group).engines }

// ServicesOf returns the virtual services of a group, by name.
func (s *State) ServicesOf(group string) []*Entry { return s.group(group).services }

// Changed is the index of the last change of a group, its engines, services and placement, or of anything that groups
// have in common, such as pools.
func (s *State) Changed(group string) uint64 { return max(s.shared, s.group(group).changed) }

var noGroup groupIndex

func (s *State) group(name string) *groupIndex {
	if g := s.groups[name]; g != nil {
		return g
	}
	return &noGroup
}

// touch notes a change in the group that an entry belongs to, and calls change on the list that holds it there.
func (s *State) touch(e *Entry, change func([]*Entry, *Entry) []*Entry) {
	name, list := "", func(*groupIndex) *[]*Entry { return nil }
	switch o := e.Object.(type) {
	case *ServiceEngineGroup:
		name = o.Name
	case *Placement:
		name = o.Name
	case *ServiceEngine:
		name, list = o.GroupRef, func(g *groupIndex) *[]*Entry { return &g.engines }
	case *VirtualService:
		name, list = o.SEGroupRef, func(g *groupIndex) *[]*Entry { return &g.services }
	case *Pool, *HealthMonitor, *Cloud:
		s.shared = s.index
		return
	default:
		return
	}
	g := s.groups[name]
	if g == nil {
		g = &groupIndex{}
		s.groups[name] = g
	}
	g.changed = s.index
	if l := list(g); l != nil {
		*l = change(*l, e)
	}
}

func invalid(problem string) Outcome { return Outcome{Code: CodeInvalid, Error: problem} }

func (s *State) put(index uint64, c Change) Outcome {
	old := s.entries[c.Key]
	switch {
	case c.Op == OpCreate && old != nil:
		return Outcome{Code: CodeAlreadyExists, Error: c.Key.String() + " exists", Version: old.Version}
	case c.Op == OpUpdate:
		if refusal := expect(old, c); refusal.Code != CodeOK {
			return refusal
		}
	}
	e, err := s.admit(index, c)
	if err != nil {
		return invalid(err.Error())
	}
	if old != nil {
		s.remove(old)
	}
	s.insert(e)
	return Outcome{Version: index}
}

func (s *State) delete(index uint64, c Change) Outcome {
	old := s.entries[c.Key]
	if refusal := expect(old, c); refusal.Code != CodeOK {
		return refusal
	}
	if s.users[c.Key] > 0 {
		return Outcome{Code: CodeInUse, Error: fmt.Sprintf("%s is used by %s", c.Key, s.userOf(c.Key)), Version: old.Version}
	}
	s.remove(old)
	return Outcome{Version: index}
}

// expect refuses a change of what is not there, or not in the version that the caller has seen.
func expect(old *Entry, c Change) Outcome {
	switch {
	case old == nil:
		return Outcome{Code: CodeNotFound, Error: c.Key.String() + " does not exist"}
	case c.Expect != 0 && c.Expect != old.Version:
		return Outcome{Code: CodeVersionMismatch, Version: old.Version,
			Error: fmt.Sprintf("%s is at version %d, not %d", c.Key, old.Version, c.Expect)}
	}
	return Outcome{}
}

// admit makes the entry that a create or an update asks for, once its object has been checked, alone and against
// the rest of the configuration. Where the body says [Redacted] for a secret, the entry has the secret of the
// object that it replaces.
func (s *State) admit(index uint64, c Change) (*Entry, error) {
	o, err := Decode(c.Key.Kind, c.Body)
	if err != nil {
		return nil, err
	}
	e := &Entry{Key: c.Key, Version: index, Object: o, Body: c.Body}
	if old := s.entries[c.Key]; old != nil && keepSecrets(o, old.Object) {
		e.Body = Encode(o)
	}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	v := &validator{object: o}
	v.check(o.ObjectName() == c.Key.Name, "name", "%q is not the name in the key %s", o.ObjectName(), c.Key)
	for _, r := range o.References() {
		v.check(s.entries[r] != nil, referenceField[r.Kind], "%s does not exist", r)
	}
	switch o := o.(type) {
	case *VirtualService:
		s.admitService(v, o)
	case *ServiceEngine:
		s.admitEngine(v, o)
	case *ServiceEngineGroup:
		s.admitGroup(v, o)
	case *BackupConfiguration:
		s.admitBackup(v, o)
	case *Placement:
		s.admitPlacement(v, o)
	}
	return e, v.result()
}

// referenceField is the field by which other objects refer to a kind.
var referenceField = map[Kind]string{
	KindCloud:              "cloud_ref",
	KindServiceEngineGroup: "se_group_ref",
	KindHealthMonitor:      "health_monitor_refs",
	KindPool:               "pool_ref",
}

// admitService keeps an address with one group, because groups share nothing, and its ports with one service each.
func (s *State) admitService(v *validator, vs *VirtualService) {
	for _, e := range s.vips[vs.VIP] {
		o := e.Object.(*VirtualService)
		switch {
		case o.Name == vs.Name:
		case o.SEGroupRef != vs.SEGroupRef:
			v.check(false, "vip", "%s belongs to group %s through virtual service %s", vs.VIP, o.SEGroupRef, o.Name)
		case o.Port == vs.Port:
			v.check(false, "port", "%s:%d belongs to virtual service %s", vs.VIP, vs.Port, o.Name)
		}
	}
}

// admitEngine holds a legacy group to two engines, those that are about to end not counted, and an engine to its group.
func (s *State) admitEngine(v *validator, engine *ServiceEngine) {
	if old := s.entries[Key{KindServiceEngine, engine.Name}]; old != nil {
		group := old.Object.(*ServiceEngine).GroupRef
		v.check(group == engine.GroupRef, "se_group_ref", "the engine belongs to group %s; delete it there first", group)
	}
	group, ok := s.Get(Key{KindServiceEngineGroup, engine.GroupRef})
	if !ok || group.Object.(*ServiceEngineGroup).HAMode != HAModeLegacyActiveStandby {
		return
	}
	others := 0
	for _, e := range s.EnginesOf(engine.GroupRef) {
		if e.Key.Name != engine.Name && e.Object.(*ServiceEngine).State != EngineDeleting {
			others++
		}
	}
	v.check(others < 2 || engine.State == EngineDeleting, "se_group_ref", "group %s of %s has its 2 engines", engine.GroupRef, HAModeLegacyActiveStandby)
}

// admitGroup refuses to change the HA mode under engines that run.
func (s *State) admitGroup(v *validator, g *ServiceEngineGroup) {
	old := s.entries[Key{KindServiceEngineGroup, g.Name}]
	if old == nil || s.users[old.Key] == 0 {
		return
	}
	mode := old.Object.(*ServiceEngineGroup).HAMode
	v.check(mode == g.HAMode, "ha_mode", "the group is in use with %s; a group in use keeps its mode", mode)
}

// admitBackup keeps to one schedule, because two would prune each other's files.
func (s *State) admitBackup(v *validator, b *BackupConfiguration) {
	for _, e := range s.lists[KindBackupConfiguration] {
		v.check(e.Key.Name == b.Name, "name", "there can be one %s, and %s is there", KindBackupConfiguration, e.Key.Name)
	}
}

func (s *State) insert(e *Entry) {
	s.entries[e.Key] = e
	s.lists[e.Key.Kind] = inserted(s.lists[e.Key.Kind], e)
	if vs, ok := e.Object.(*VirtualService); ok {
		s.vips[vs.VIP] = inserted(s.vips[vs.VIP], e)
	}
	s.touch(e, inserted)
	s.hash += e.hash()
	for _, r := range e.Object.References() {
		s.users[r]++
	}
}

func (s *State) remove(e *Entry) {
	delete(s.entries, e.Key)
	s.lists[e.Key.Kind] = removed(s.lists[e.Key.Kind], e)
	if vs, ok := e.Object.(*VirtualService); ok {
		if s.vips[vs.VIP] = removed(s.vips[vs.VIP], e); len(s.vips[vs.VIP]) == 0 {
			delete(s.vips, vs.VIP)
		}
	}
	s.touch(e, removed)
	s.hash -= e.hash()
	for _, r := range e.Object.References() {
		if s.users[r]--; s.users[r] == 0 {
			delete(s.users, r)
		}
	}
}

// inserted and removed change a list that is sorted by name.
func inserted(list []*Entry, e *Entry) []*Entry {
	i, _ := slices.BinarySearchFunc(list, e.Key.Name, byName)
	return slices.Insert(list, i, e)
}

func removed(list []*Entry, e *Entry) []*Entry {
	i, _ := slices.BinarySearchFunc(list, e.Key.Name, byName)
	return slices.Delete(list, i, i+1)
}

func byName(e *Entry, name string) int { return strings.Compare(e.Key.Name, name) }

// userOf names one entry that refers to a key: the first by kind and name.
func (s *State) userOf(key Key) string {
	for _, kind := range Kinds() {
		for _, e := range s.lists[kind] {
			if slices.Contains(e.Object.References(), key) {
				return e.Key.String()
			}
		}
	}
	return "nobody"
}

func (e *Entry) hash() uint64 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.WriteString(string(e.Key.Kind))
	_, _ = d.WriteString("/")
	_, _ = d.WriteString(e.Key.Name)
	var version [8]byte
	binary.LittleEndian.PutUint64(version[:], e.Version)
	_, _ = d.Write(version[:])
	_, _ = d.Write(e.Body)
	return d.Sum64()
}

// snapshot is the form in which a state is kept: objects by kind, then by name.
type snapshot struct {
	Version int              `json:"version"`
	Index   uint64           `json:"index"`
	Objects []snapshotObject `json:"objects"`
}

type snapshotObject struct {
	Kind    Kind   `json:"kind"`
	Name    string `json:"name"`
	Version uint64 `json:"version"`
	Body    []byte `json:"body"` // as base64: the very bytes that were applied
}

const snapshotVersion = 1

// Snapshot returns the whole state, the same bytes for the same state.
func (s *State) Snapshot() []byte {
	out := snapshot{Version: snapshotVersion, Index: s.index, Objects: []snapshotObject{}}
	for _, kind := range Kinds() {
		for _, e := range s.lists[kind] {
			out.Objects = append(out.Objects, snapshotObject{kind, e.Key.Name, e.Version, e.Body})
		}
	}
	b, err := json.Marshal(out)
	if err != nil {
		panic("config: bodies that were accepted are JSON: " + err.Error())
	}
	return b
}

// Restore replaces the state by a snapshot. It fails, and changes nothing, if the snapshot is damaged or of
// a version that this build does not know.
func (s *State) Restore(data []byte) error {
	var in snapshot
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("configuration snapshot: %w", err)
	}
	if in.Version != snapshotVersion {
		return fmt.Errorf("configuration snapshot of version %d; this build reads %d", in.Version, snapshotVersion)
	}
	fresh := NewState()
	fresh.index = in.Index
	for _, o := range in.Objects {
		object, err := Decode(o.Kind, o.Body)
		if err != nil {
			return fmt.Errorf("configuration snapshot: %w", err)
		}
		key := Key{o.Kind, o.Name}
		if object.ObjectName() != o.Name || fresh.entries[key] != nil {
			return fmt.Errorf("configuration snapshot: %s is there twice or under another name", key)
		}
		fresh.insert(&Entry{Key: key, Version: o.Version, Object: object, Body: o.Body})
	}
	*s = *fresh
	return nil
}
