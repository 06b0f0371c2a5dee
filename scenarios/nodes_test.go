package scenarios

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNodes(t *testing.T) {
	want := []Node{
		{"controller-1", RoleController, 1, "", "host-controller-1", ""},
		{"controller-2", RoleController, 2, "", "host-controller-2", ""},
		{"controller-3", RoleController, 3, "", "host-controller-3", ""},
		{"engine-1", RoleEngine, 1, "pair", "big", "a"},
		{"engine-2", RoleEngine, 2, "pair", "host-engine-2", ""},
		{"engine-3", RoleEngine, 3, "spare", "host-engine-3", ""},
		{"server-1", RoleServer, 1, "", "big", "a"},
		{"server-2", RoleServer, 2, "", "host-server-2", ""},
		{"gateway-1", RoleGateway, 1, "", "host-gateway-1", ""},
	}
	if diff := cmp.Diff(want, mustParse(t, sample).Nodes()); diff != "" {
		t.Error(diff)
	}
}

// TestAddresses holds every address that can be given out to its network, and to nobody else's.
func TestAddresses(t *testing.T) {
	owner := make(map[netip.Addr]string)
	give := func(of string, net netip.Prefix, most int, address func(int) netip.Addr) {
		for n := 1; n <= most; n++ {
			a := address(n)
			if !net.Contains(a) {
				t.Errorf("%s %d has %s, outside of %s", of, n, a, net)
			}
			if owner[a] != "" {
				t.Errorf("%s %d and %s share %s", of, n, owner[a], a)
			}
			owner[a] = of
		}
	}
	give("controller", ManagementNet, 3, ControllerIP)
	give("engine", ManagementNet, MaxEngines, EngineManagementIP)
	give("API client", ManagementNet, MaxAPIClients, APIClientIP)
	give("outside client", EdgeNet, 250, OutsideClientIP)
	give("gateway", EdgeNet, 1, func(int) netip.Addr { return GatewayOuter })
	give("gateway", DataNet, 1, func(int) netip.Addr { return GatewayInner })
	give("engine", DataNet, MaxEngines, EngineDataIP)
	give("server", DataNet, MaxServers, ServerIP)
	give("nearby client", DataNet, 250, NearbyClientIP)
	for a, of := range owner {
		if DataNet.Contains(a) && !isReserved(a) {
			t.Errorf("a service could take %s, the address of a %s", a, of)
		}
	}
}

func isReserved(a netip.Addr) bool {
	for _, r := range reserved {
		if r.net.Contains(a) {
			return true
		}
	}
	return false
}

// TestCatalogue: what an entry names must exist.
func TestCatalogue(t *testing.T) {
	fields := make(map[string]bool)
	for _, o := range (&Fault{}).options() {
		fields[o.field] = true
	}
	seen := make(map[string]bool)
	for _, k := range Catalogue {
		if k.Name == "" || k.About == "" || seen[k.Name] {
			t.Errorf("the entry %+v lacks a name of its own or an explanation", k)
		}
		seen[k.Name] = true
		for _, f := range k.Takes {
			if !fields[f] {
				t.Errorf("%s takes %q, which no fault has", k.Name, f)
			}
		}
		for _, f := range k.Needs {
			if !strings.Contains(strings.Join(k.Takes, " "), f) {
				t.Errorf("%s needs %q and does not take it", k.Name, f)
			}
		}
		if found, ok := FindFault(k.Name); !ok || found.About != k.About {
			t.Errorf("FindFault(%q) finds %+v", k.Name, found)
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"crash", "pause", "partition"}
	for word, want := range map[string]string{
		"crsh": `did you mean "crash"?`, "partitoin": `did you mean "partition"?`, "": "use one of crash, pause, partition",
		"earthquake": "use one of crash, pause, partition",
	} {
		if got := suggest(word, known); got != want {
			t.Errorf("%q: %s; want %s", word, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q takes %d edits; want %d", c.a, c.b, got, c.want)
		}
	}
}
