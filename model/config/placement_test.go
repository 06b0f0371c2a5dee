package config

import (
	"strings"
	"testing"
)

// TestPlacementIsChecked: a placement names engines and services of its own group, each once, in their order.
func TestPlacementIsChecked(t *testing.T) {
	s := NewState()
	index := uint64(0)
	put := func(kind Kind, name, body string) Outcome {
		index++
		return s.Apply(index, Change{Op: OpCreate, Key: Key{kind, name}, Body: []byte(body)})
	}
	for _, o := range []struct{ kind, name, body string }{
		{"ServiceEngineGroup", "elastic", `{"name":"elastic","ha_mode":"HA_MODE_SHARED"}`},
		{"ServiceEngineGroup", "other", `{"name":"other","ha_mode":"HA_MODE_SHARED"}`},
		{"ServiceEngineGroup", "pair", `{"name":"pair","ha_mode":"HA_MODE_LEGACY_ACTIVE_STANDBY"}`},
		{"ServiceEngine", "e1", `{"name":"e1","se_group_ref":"elastic","mgmt_ip":"198.18.1.1","data_ip":"198.19.0.1"}`},
		{"ServiceEngine", "e2", `{"name":"e2","se_group_ref":"other","mgmt_ip":"198.18.1.2","data_ip":"198.19.0.2"}`},
		{"Pool", "web", `{"name":"web","servers":[]}`},
		{"VirtualService", "shop", `{"name":"shop","vip":"198.19.2.1","port":80,"pool_ref":"web","se_group_ref":"other"}`},
	} {
		if out := put(Kind(o.kind), o.name, o.body); out.Code != CodeOK {
			t.Fatal(out.Error)
		}
	}
	for _, c := range []struct{ name, body, want string }{
		{"elastic", `{"name":"elastic","services":[{"service":"web","engines":["e1","e1"]}]}`, "services[0].engines[1]: repeats"},
		{"elastic", `{"name":"elastic","services":[{"service":"b","engines":[]},{"service":"a","engines":[]}]}`, "services[1].service: a is not behind b"},
		{"elastic", `{"name":"elastic","services":[{"service":"web","engines":["e2"]}]}`, "services[0].engines[0]: e2 is no engine of group elastic"},
		{"elastic", `{"name":"elastic","services":[{"service":"shop","engines":["e1"]}]}`, "services[0].service: shop belongs to another group"},
		{"pair", `{"name":"pair","services":[]}`, "there is no elastic group pair"},
		{"none", `{"name":"none","services":[]}`, "there is no elastic group none"},
		{"elastic", `{"name":"elastic","services":[{"service":"gone","engines":[]},{"service":"web","engines":["e1"]}]}`, ""},
	} {
		out := put(KindPlacement, c.name, c.body)
		if c.want == "" && out.Code != CodeOK || !strings.Contains(out.Error, c.want) {
			t.Errorf("%s: %q, want %q", c.body, out.Error, c.want)
		}
	}
	key := Key{KindServiceEngineGroup, "other"}
	if s.users[key] != 2 {
		t.Errorf("%s has %d users", key, s.users[key])
	}
}
