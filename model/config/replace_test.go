package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// backup is what a backup of the full configuration holds, changed, and out of order.
func backup(t fataler, change func(map[string]*Item)) []Item {
	items := map[string]*Item{}
	for _, i := range full(t).Items() {
		items[i.Key.String()] = &i
	}
	change(items)
	var out []Item
	for _, i := range items { // whatever the order
		out = append(out, *i)
	}
	return out
}

func put(items map[string]*Item, objects ...Object) {
	for _, o := range objects {
		i := ItemOf(o)
		items[i.Key.String()] = &i
	}
}

// TestReplace: everything gets the version of the restore, the engines of the pair stay as they are.
func TestReplace(t *testing.T) {
	s := full(t)
	s.Apply(8, create(validCluster()))
	s.Apply(9, create(but(validElastic(HAModeShared), func(g *ServiceEngineGroup) { g.Name = "gone" })))
	s.Apply(10, create(but(validEngine(), func(e *ServiceEngine) { e.Name, e.GroupRef = "engine-9", "gone" })))
	if out := s.Replace(20, backup(t, func(map[string]*Item) {})); out != (Outcome{Version: 20}) || s.Index() != 20 {
		t.Fatalf("%+v, index %d", out, s.Index())
	}
	versions := map[string]uint64{}
	for _, kind := range Kinds() {
		for _, e := range s.List(kind) {
			versions[e.Key.String()] = e.Version
		}
	}
	for key, want := range map[string]uint64{
		"Cluster/lab": 8, "Cloud/lab": 20, "ServiceEngineGroup/pair": 20, "ServiceEngine/engine-1": 6, "ServiceEngine/engine-2": 7,
		"HealthMonitor/http": 20, "Pool/web": 20, "VirtualService/web": 20, "ServiceEngineGroup/gone": 0, "ServiceEngine/engine-9": 0,
	} {
		if versions[key] != want {
			t.Errorf("%s is at version %d, want %d", key, versions[key], want)
		}
	}
	if len(versions) != 8 {
		t.Errorf("the configuration is %v", versions)
	}
	if out := s.Apply(21, update(validPool(), 4)); out.Code != CodeVersionMismatch {
		t.Errorf("an update by a client that did not see the restore: %+v", out)
	}
}

// TestReplaceChangesMode: engines of a group with another mode go, and join it as it is now.
func TestReplaceChangesMode(t *testing.T) {
	s := full(t)
	elastic := but(validElastic(HAModeShared), func(g *ServiceEngineGroup) { g.Name = "pair" })
	if out := s.Replace(8, backup(t, func(m map[string]*Item) { put(m, elastic) })); out.Code != CodeOK || len(s.List(KindServiceEngine)) != 0 {
		t.Fatalf("%+v, engines %v", out, s.List(KindServiceEngine))
	}
	for i, name := range []string{"engine-1", "engine-2", "engine-3"} {
		if out := s.Apply(uint64(9+i), create(but(validEngine(), func(e *ServiceEngine) { e.Name = name }))); out.Code != CodeOK {
			t.Errorf("%+v", out)
		}
	}
	if out := s.Replace(12, backup(t, func(map[string]*Item) {})); out.Code != CodeOK || len(s.List(KindServiceEngine)) != 0 {
		t.Errorf("back to the pair: %+v, engines %v", out, s.List(KindServiceEngine))
	}
}

// TestReplaceRefuses: one thing is wrong, whatever the order, and nothing changes.
func TestReplaceRefuses(t *testing.T) {
	service := func(change func(*VirtualService)) *VirtualService {
		return but(validService(), func(s *VirtualService) { s.Name = "other"; change(s) })
	}
	spare := but(validElastic(HAModeShared), func(g *ServiceEngineGroup) { g.Name = "spare" })
	for _, c := range []struct {
		name   string
		change func(map[string]*Item)
		says   string
	}{
		{"invalid alone", func(m map[string]*Item) { put(m, &Cloud{Name: "lab"}) }, `Cloud lab: access: "" is unknown`},
		{"no monitor", func(m map[string]*Item) { delete(m, "HealthMonitor/http") }, "Pool web: health_monitor_refs: HealthMonitor/http does not exist"},
		{"no pool", func(m map[string]*Item) { delete(m, "Pool/web") }, "VirtualService web: pool_ref: Pool/web does not exist"},
		{"no group", func(m map[string]*Item) { delete(m, "ServiceEngineGroup/pair") }, "VirtualService web: se_group_ref: ServiceEngineGroup/pair does not exist"},
		{"no cloud", func(m map[string]*Item) { delete(m, "Cloud/lab") }, "ServiceEngineGroup pair: cloud_ref: Cloud/lab does not exist"},
		{"the same VIP and port", func(m map[string]*Item) { put(m, service(func(*VirtualService) {})) }, "VirtualService web: port: 198.19.2.1:80 belongs to virtual service other"},
		{"a VIP of two groups", func(m map[string]*Item) {
			put(m, spare, service(func(s *VirtualService) { s.Port, s.SEGroupRef = 81, "spare" }))
		}, "VirtualService web: vip: 198.19.2.1 belongs to group spare through virtual service other"},
		{"an engine", func(m map[string]*Item) { put(m, validEngine()) }, "ServiceEngine engine-1: kind: it states a fact about one installation"},
		{"a cluster", func(m map[string]*Item) { put(m, validCluster()) }, "Cluster lab: kind: it states a fact about one installation"},
		{"twice", func(m map[string]*Item) { m["again"] = m["Pool/web"] }, "Pool web: name: it is there twice"},
		{"two schedules", func(m map[string]*Item) {
			put(m, validBackup(), but(validBackup(), func(b *BackupConfiguration) { b.Name = "a" }))
		}, "BackupConfiguration daily: name: there can be one"},
		{"another name", func(m map[string]*Item) { m["Pool/web"].Key.Name = "wob" }, `Pool web: name: "web" is not the name in the key Pool/wob`},
		{"no JSON", func(m map[string]*Item) { m["Pool/web"].Body = []byte(`{"name":"web","servers":8}`) }, "Pool/web: Pool: cannot unmarshal number"},
		{"no kind", func(m map[string]*Item) { m["Pool/web"].Key.Kind = "Pond" }, `Pond/web: unknown kind "Pond"`},
		{"a secret that is not there", func(m map[string]*Item) {
			put(m, but(validCloud(), func(c *Cloud) { c.Password = Redacted }))
		}, "Cloud lab: password: <sensitive> keeps the secret that is there"},
	} {
		s := full(t)
		before := strings.Replace(string(s.Snapshot()), `"index":7`, `"index":100`, 1)
		items := backup(t, c.change)
		if out := s.Replace(100, items); out.Code != CodeInvalid || !strings.HasPrefix(out.Error, c.says) {
			t.Errorf("%s: %+v, want %q", c.name, out, c.says)
		}
		if after := string(s.Snapshot()); after != before {
			t.Errorf("%s: %s\nbecame %s", c.name, before, after)
		}
		if err := CheckItems(items); err == nil || !strings.HasPrefix(err.Error(), c.says) {
			t.Errorf("%s: CheckItems: %v", c.name, err)
		}
	}
	if err := CheckItems(backup(t, func(map[string]*Item) {})); err != nil {
		t.Error(err)
	}
}

func TestDecodeItemsRefuses(t *testing.T) {
	whole := EncodeItems(full(t).Items())
	starts := []int{1} // where an item begins, the data may end
	for i := range full(t).Items() {
		starts = append(starts, len(EncodeItems(full(t).Items()[:i+1])))
	}
	for n := range whole {
		if items, err := DecodeItems(whole[:n]); (err == nil) != slices.Contains(starts, n) {
			t.Errorf("the first %d bytes: %v, %v", n, items, err)
		}
	}
	for data, says := range map[string]string{
		"": "damaged", "\x02": "of version 2; this build reads 1", "\x01\x05Pool": "damaged",
		"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01": "damaged", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01": "damaged",
	} {
		if items, err := DecodeItems([]byte(data)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, %v", data, items, err)
		}
	}
}

// FuzzReplace: whatever comes out of the log is taken whole or not at all, without a panic.
func FuzzReplace(f *testing.F) {
	f.Add(EncodeItems(full(f).Items()))
	f.Add(EncodeItems([]Item{ItemOf(validCloud()), ItemOf(validBackup()), ItemOf(validEngine())}))
	f.Add([]byte{1, 4, 'P', 'o', 'o', 'l', 1, 'a', 12, '{', '"', 'n', 'a', 'm', 'e', '"', ':', '"', 'a', '"', '}', ' '})
	f.Fuzz(func(t *testing.T, data []byte) {
		items, err := DecodeItems(data)
		if err != nil {
			return
		}
		s := full(t)
		hash := s.Hash()
		out := s.Replace(9, items)
		if out.Code != CodeOK && s.Hash() != hash {
			t.Fatalf("%+v changed the state", out)
		}
		if out.Code == CodeOK && string(EncodeItems(s.Items())) != string(EncodeItems(inOrder(items))) {
			t.Fatalf("%s became %s", items, s.Items())
		}
	})
}

// BenchmarkReplace restores 10,000 services, ten to an address.
func BenchmarkReplace(b *testing.B) {
	items := []Item{ItemOf(&Pool{Name: "web"}), ItemOf(validElastic(HAModeShared))}
	for i := range 10_000 {
		vip := netip.AddrFrom4([4]byte{198, 19, byte(i / 2000), byte(1 + i/10%200)})
		items = append(items, ItemOf(&VirtualService{Name: fmt.Sprint("vs-", i), VIP: vip, Port: uint16(1 + i%10), PoolRef: "web", SEGroupRef: "many"}))
	}
	b.ReportAllocs()
	for b.Loop() {
		if out := NewState().Replace(1, items); out.Code != CodeOK {
			b.Fatal(out)
		}
	}
}
