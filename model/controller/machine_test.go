package controller

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firedrill/model/config"
	"firedrill/model/release"
	"firedrill/model/wire"
)

// drawCommand is any command, valid or not, on few names, so that they meet.
func drawCommand(t *rapid.T) []byte {
	name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name")
	pool := fmt.Sprintf(`{"name":%q,"description":%q,"servers":[]}`, name, rapid.StringMatching("[a-z]{0,3}").Draw(t, "text"))
	event := func(id string) []byte {
		body, _ := json.Marshal(Event{Time: time.Unix(1_700_000_000, 0).UTC(), ID: id, Object: name})
		return body
	}
	r := &wire.Request{Kind: string(config.KindPool), Name: name, Body: []byte(pool), Version: rapid.SampledFrom([]uint64{0, 0, 0, 7}).Draw(t, "version")}
	switch rapid.IntRange(0, 8).Draw(t, "what") {
	case 0, 1:
		r.Operation = wire.Operation_CREATE
	case 2:
		r.Operation = wire.Operation_UPDATE
	case 3:
		r.Operation = wire.Operation_DELETE
	case 4:
		r.Operation, r.Body = wire.Operation_EVENT, event(EventNodeLeft)
	case 5:
		r.Operation, r.Body = wire.Operation_EVENT, event(EventNodeJoined)
	case 6:
		r.Operation, r.Body = wire.Operation_RESTORE, config.EncodeItems([]config.Item{{Key: config.Key{Kind: config.KindPool, Name: name}, Body: []byte(pool)}})
	case 7:
		r.Operation, r.Body = wire.Operation_EVENT, []byte("no event")
	default:
		return []byte("no command")
	}
	return encodeNoted(r, rapid.SampledFrom([][]byte{nil, nil, event(EventClusterChanged), []byte("no event")}).Draw(t, "noted"))
}

// TestMachineRoundTrip: a machine that takes over a snapshot is the one that made it: it has the same hash and the same
// snapshot, and goes on in the same way.
func TestMachineRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, index := newMachine(release.Newest), uint64(0)
		apply := func(to ...*machine) {
			index++
			command := drawCommand(t)
			first := to[0].Apply(index, command)
			for _, other := range to[1:] {
				if got := other.Apply(index, command); !bytes.Equal(got, first) {
					t.Fatalf("after a restore %q is answered with %q, not %q", command, got, first)
				}
			}
		}
		for range rapid.IntRange(0, 30).Draw(t, "before") {
			apply(m)
		}
		snapshot := m.Snapshot()
		restored := newMachine(release.Newest)
		for range rapid.IntRange(0, 3).Draw(t, "of another past") {
			index++
			restored.Apply(index, drawCommand(t))
		}
		if err := restored.Restore(snapshot); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 10).Draw(t, "after") {
			apply(m, restored)
		}
		if m.Hash() != restored.Hash() || !bytes.Equal(m.Snapshot(), restored.Snapshot()) {
			t.Errorf("hash %x, restored %x\n%s\n%s", m.Hash(), restored.Hash(), m.Snapshot(), restored.Snapshot())
		}
	})
}

// TestMachineHashTells: a command that changes something changes the hash, an event too.
func TestMachineHashTells(t *testing.T) {
	m := newMachine(release.Newest)
	seen := map[uint64]int{m.Hash(): 0}
	for i, r := range []*wire.Request{
		{Operation: wire.Operation_CREATE, Kind: "Pool", Name: "a", Body: []byte(`{"name":"a","servers":[]}`)},
		{Operation: wire.Operation_EVENT, Body: []byte(`{"event_id":"X"}`)},
		{Operation: wire.Operation_EVENT, Body: []byte(`{"event_id":"X"}`)},
		{Operation: wire.Operation_UPDATE, Kind: "Pool", Name: "a", Body: []byte(`{"name":"a","servers":[]}`)},
	} {
		m.Apply(uint64(i+1), encodeCommand(r))
		if before, known := seen[m.Hash()]; known {
			t.Errorf("after %v the hash is that after command %d", r, before)
		}
		seen[m.Hash()] = i + 1
	}
}

// TestMachineRefusesDamage: a snapshot that is no snapshot changes nothing.
func TestMachineRefusesDamage(t *testing.T) {
	m := newMachine(release.Newest)
	m.Apply(1, encodeCommand(&wire.Request{Operation: wire.Operation_CREATE, Kind: "Pool", Name: "a", Body: []byte(`{"name":"a","servers":[]}`)}))
	m.Apply(2, encodeCommand(&wire.Request{Operation: wire.Operation_EVENT, Body: []byte(`{"event_id":"X"}`)}))
	good := m.Snapshot()
	hash := m.Hash()
	bad := map[string][]byte{
		"empty": {}, "format": append([]byte{9}, good[1:]...), "length": {1}, "a length too long": {1, 0xff, 0x7f, 'x'},
		"an endless length": {1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"events":            good[:len(good)-1], "configuration": append(append([]byte{1, 1}, '{'), newMachine(release.Newest).events.snapshot()...),
	}
	for name, data := range bad {
		if err := m.Restore(data); err == nil || m.Hash() != hash || !bytes.Equal(m.Snapshot(), good) {
			t.Errorf("%s: error %v, changed %t", name, err, m.Hash() != hash)
		}
	}
}

// TestEventLogIsBounded: the newest thousand events are kept, in their order, also across a snapshot; who has left is
// remembered for longer.
func TestEventLogIsBounded(t *testing.T) {
	m := newMachine(release.Newest)
	event := func(index int, id, object string) {
		body, _ := json.Marshal(Event{ID: id, Object: object})
		m.Apply(uint64(index), encodeCommand(&wire.Request{Operation: wire.Operation_EVENT, Body: body}))
	}
	event(1, EventNodeLeft, "gone")
	event(2, EventNodeLeft, "back")
	event(3, EventNodeJoined, "back")
	for i := range eventsKept + 50 {
		event(i+4, EventSEUp, strconv.Itoa(i))
	}
	check := func(when string, m *machine) {
		t.Helper()
		list := m.events.list
		if len(list) != eventsKept || list[0].Object != "50" || list[eventsKept-1].Object != strconv.Itoa(eventsKept+49) {
			t.Fatalf("%s: %d events, from %q", when, len(list), list[0].Object)
		}
		for i := range list[1:] {
			if list[i].Index+1 != list[i+1].Index {
				t.Fatalf("%s: %d is followed by %d", when, list[i].Index, list[i+1].Index)
			}
		}
		if !m.events.gone["gone"] || m.events.gone["back"] {
			t.Errorf("%s: gone are %v", when, m.events.gone)
		}
	}
	check("before", m)
	restored := newMachine(release.Newest)
	if err := restored.Restore(m.Snapshot()); err != nil {
		t.Fatal(err)
	}
	check("restored", restored)
}
