package config

import (
	"strings"
	"testing"
)

func create(o Object) Change { return Change{Op: OpCreate, Key: keyOf(o), Body: Encode(o)} }
func update(o Object, expect uint64) Change {
	return Change{Op: OpUpdate, Key: keyOf(o), Expect: expect, Body: Encode(o)}
}
func remove(o Object, expect uint64) Change {
	return Change{Op: OpDelete, Key: keyOf(o), Expect: expect}
}
func keyOf(o Object) Key { return Key{o.Kind(), o.ObjectName()} }

// fataler is what rapid's tests and others have in common.
type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// apply makes changes at the indexes from 1 on, which must all succeed.
func apply(t fataler, changes ...Change) *State {
	t.Helper()
	s := NewState()
	for i, c := range changes {
		if out := s.Apply(uint64(i+1), c); out.Code != CodeOK || out.Version != uint64(i+1) {
			t.Fatalf("change %d of %s: %+v", i+1, c.Key, out)
		}
	}
	return s
}

// full holds one legacy pair with a service; versions are places in the list, from 1.
func full(t fataler) *State {
	t.Helper()
	second := but(validEngine(), func(e *ServiceEngine) { e.Name = "engine-2" })
	return apply(t, create(&Cloud{Name: "lab", Access: NoAccess}),
		create(but(validLegacy(), func(g *ServiceEngineGroup) { g.CloudRef = "lab" })),
		create(validMonitor()), create(validPool()), create(validService()),
		create(validEngine()), create(second))
}

// TestApply makes one change to the full configuration.
func TestApply(t *testing.T) {
	spare := validElastic(HAModeShared)
	other := func(change func(*VirtualService)) *VirtualService {
		return but(validService(), func(s *VirtualService) { s.Name = "other"; change(s) })
	}
	nobody := &Cloud{Name: "nobody", Access: NoAccess}
	for _, c := range []struct {
		name    string
		change  Change
		code    Code
		version uint64
		says    string
	}{
		{"create", create(spare), CodeOK, 100, ""},
		{"create again", create(validPool()), CodeAlreadyExists, 4, "Pool/web exists"},
		{"update any version", update(validPool(), 0), CodeOK, 100, ""},
		{"update the version seen", update(validPool(), 4), CodeOK, 100, ""},
		{"update another version", update(validPool(), 3), CodeVersionMismatch, 4, "Pool/web is at version 4, not 3"},
		{"update nothing", update(nobody, 0), CodeNotFound, 0, "Cloud/nobody does not exist"},
		{"update nothing of a version", update(nobody, 9), CodeNotFound, 0, "does not exist"},
		{"delete", remove(validService(), 0), CodeOK, 100, ""},
		{"delete the version seen", remove(validService(), 5), CodeOK, 100, ""},
		{"delete another version", remove(validService(), 4), CodeVersionMismatch, 5, "is at version 5, not 4"},
		{"delete nothing", remove(nobody, 0), CodeNotFound, 0, "does not exist"},
		{"delete a pool in use", remove(validPool(), 0), CodeInUse, 4, "Pool/web is used by VirtualService/web"},
		{"delete a monitor in use", remove(validMonitor(), 0), CodeInUse, 3, "HealthMonitor/http is used by Pool/web"},
		{"delete a cloud in use", remove(&Cloud{Name: "lab"}, 0), CodeInUse, 1, "is used by ServiceEngineGroup/pair"},
		{"delete a group in use", remove(validLegacy(), 0), CodeInUse, 2, "is used by ServiceEngine/engine-1"},
		{"no operation", Change{Key: keyOf(spare)}, CodeInvalid, 0, "operation 0 is unknown"},
		{"no kind", Change{Op: OpCreate, Key: Key{"Pond", "x"}, Body: []byte("{}")}, CodeInvalid, 0, `unknown kind "Pond"`},
		{"no JSON", Change{Op: OpCreate, Key: keyOf(spare)}, CodeInvalid, 0, "ServiceEngineGroup: EOF"},
		{"invalid", create(&Cloud{Name: "x"}), CodeInvalid, 0, "Cloud x: access: "},
		{"another name than the key's", Change{Op: OpCreate, Key: Key{KindCloud, "x"}, Body: Encode(nobody)}, CodeInvalid, 0, `name: "nobody" is not the name in the key Cloud/x`},
		{"a dangling pool", create(other(func(s *VirtualService) { s.PoolRef = "x" })), CodeInvalid, 0, "pool_ref: Pool/x does not exist"},
		{"a dangling group", create(other(func(s *VirtualService) { s.SEGroupRef = "x" })), CodeInvalid, 0, "se_group_ref: ServiceEngineGroup/x does not exist"},
		{"a dangling monitor", update(but(validPool(), func(p *Pool) { p.HealthMonitorRefs[0] = "x" }), 0), CodeInvalid, 0, "health_monitor_refs: HealthMonitor/x does not exist"},
		{"a dangling cloud", update(but(validLegacy(), func(g *ServiceEngineGroup) { g.CloudRef = "x" }), 0), CodeInvalid, 0, "cloud_ref: Cloud/x does not exist"},
		{"the same VIP and port", create(other(func(s *VirtualService) {})), CodeInvalid, 0, "port: 198.19.2.1:80 belongs to virtual service web"},
		{"another port of the VIP", create(other(func(s *VirtualService) { s.Port = 81 })), CodeOK, 100, ""},
		{"another VIP", create(other(func(s *VirtualService) { s.VIP = ip("198.19.2.2") })), CodeOK, 100, ""},
		{"its own VIP and port", update(validService(), 0), CodeOK, 100, ""},
		{"a third engine of a pair", create(but(validEngine(), func(e *ServiceEngine) { e.Name = "engine-3" })), CodeInvalid, 0, "se_group_ref: group pair of HA_MODE_LEGACY_ACTIVE_STANDBY has its 2 engines"},
		{"an engine of a pair again", update(but(validEngine(), func(e *ServiceEngine) { e.Data = ip("198.19.0.99") }), 0), CodeOK, 100, ""},
		{"a schedule", create(validBackup()), CodeOK, 100, ""},
		{"a secret that was never there", create(but(validCloud(), func(c *Cloud) { c.Name, c.Password = "new", Redacted })), CodeInvalid, 0, "password: <sensitive> keeps the secret that is there"},
		{"a secret that is not there", update(but(validCloud(), func(c *Cloud) { c.Password = Redacted }), 0), CodeInvalid, 0, "password: <sensitive> keeps the secret that is there"},
		{"another mode in use", update(but(spare, func(g *ServiceEngineGroup) { g.Name = "pair" }), 0), CodeInvalid, 0, "ha_mode: the group is in use with HA_MODE_LEGACY_ACTIVE_STANDBY"},
	} {
		s := full(t)
		hash, before := s.Hash(), string(s.Snapshot())
		out := s.Apply(100, c.change)
		if out.Code != c.code || out.Version != c.version || !strings.Contains(out.Error, c.says) || (c.says == "") != (out.Error == "") {
			t.Errorf("%s: %+v, want code %d, version %d, %q", c.name, out, c.code, c.version, c.says)
		}
		same := strings.Replace(before, `"index":7`, `"index":100`, 1) == string(s.Snapshot()) && hash == s.Hash()
		if s.Index() != 100 || same == (out.Code == CodeOK) {
			t.Errorf("%s: index %d, unchanged: %t", c.name, s.Index(), same)
		}
	}
}

// TestGroupsShareNothing: an address stays with one group, an engine with its own.
func TestGroupsShareNothing(t *testing.T) {
	s := full(t)
	s.Apply(8, create(but(validElastic(HAModeShared), func(g *ServiceEngineGroup) { g.Name = "spare" })))
	stray := but(validService(), func(v *VirtualService) { v.Name, v.Port, v.SEGroupRef = "stray", 81, "spare" })
	if out := s.Apply(9, create(stray)); out.Code != CodeInvalid || !strings.Contains(out.Error, "vip: 198.19.2.1 belongs to group pair through virtual service web") {
		t.Errorf("an address of two groups: %+v", out)
	}
	moved := but(validEngine(), func(e *ServiceEngine) { e.GroupRef = "spare" })
	if out := s.Apply(10, update(moved, 0)); out.Code != CodeInvalid || !strings.Contains(out.Error, "belongs to group pair; delete it there first") {
		t.Errorf("an engine that moves: %+v", out)
	}
	s.Apply(11, remove(moved, 0))
	if out := s.Apply(12, create(moved)); out.Code != CodeOK {
		t.Errorf("an engine that was deleted first: %+v", out)
	}
}

// TestIdleGroupChangesMode: only engines and services tie a group to its mode.
func TestIdleGroupChangesMode(t *testing.T) {
	elastic := but(validElastic(HAModeShared), func(g *ServiceEngineGroup) { g.Name = "pair" })
	apply(t, create(validLegacy()), update(elastic, 1))
}

// TestOneSchedule: a second one is refused, the first may change and go.
func TestOneSchedule(t *testing.T) {
	other := but(validBackup(), func(b *BackupConfiguration) { b.Name = "other" })
	s := apply(t, create(validBackup()), update(validBackup(), 1))
	if out := s.Apply(3, create(other)); out.Code != CodeInvalid || !strings.Contains(out.Error, "name: there can be one BackupConfiguration, and daily is there") {
		t.Errorf("a second schedule: %+v", out)
	}
	apply(t, create(validBackup()), remove(validBackup(), 1), create(other))
}

// TestVersionsAreNeverReused: whoever saw an object before it was deleted cannot change the one of that name now.
func TestVersionsAreNeverReused(t *testing.T) {
	cloud := &Cloud{Name: "lab", Access: NoAccess}
	s := apply(t, create(cloud), remove(cloud, 1), create(cloud))
	if out := s.Apply(4, update(cloud, 1)); out.Code != CodeVersionMismatch || out.Version != 3 {
		t.Errorf("an update of the object that is gone: %+v", out)
	}
}
