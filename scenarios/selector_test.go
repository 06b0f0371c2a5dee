package scenarios

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// anySelector draws every kind of selector.
func anySelector() *rapid.Generator[Selector] {
	name := rapid.StringMatching(`[A-Za-z0-9._-]{1,20}`)
	return rapid.Custom(func(t *rapid.T) Selector {
		s := Selector{Kind: rapid.SampledFrom([]SelectorKind{SelectNode, SelectLeader, SelectFollower, SelectFollowers, SelectControllers,
			SelectEngines, SelectServers, SelectActive, SelectStandby, SelectPrimary, SelectSecondary, SelectHost, SelectRack, SelectAll}).Draw(t, "kind")}
		switch s.Kind {
		case SelectNode:
			role := rapid.SampledFrom([]string{RoleController, RoleEngine, RoleServer, RoleGateway}).Draw(t, "role")
			s.Name = nodeName(role, rapid.IntRange(1, 9999).Draw(t, "number"))
		case SelectFollower:
			s.Index = rapid.IntRange(0, 9).Draw(t, "index")
		case SelectActive, SelectStandby, SelectPrimary, SelectSecondary, SelectRack:
			s.Name = name.Draw(t, "name")
		case SelectEngines:
			if rapid.Bool().Draw(t, "of a group") {
				s.Name = name.Draw(t, "name")
			}
		case SelectHost:
			of := rapid.Deferred(anySelector).Draw(t, "of")
			s.Of = &of
		}
		return s
	})
}

func TestSelectorRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anySelector().Draw(t, "selector")
		got, err := ParseSelector(want.String())
		if len(want.String()) > maxSelector {
			if err == nil {
				t.Fatalf("%s is too long and passes", want)
			}
			return
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s came back as %s, %v", want, got, err)
		}
	})
}

func TestNoSelectors(t *testing.T) {
	for _, text := range []string{"", "nobody", "controller", "controller-0", "controller-01", "client-1", "follower", "follower[]", "follower[-1]",
		"follower[10]", "leader()", "leader(pair)", "active", "active()", "active(a b)", "active(pair", "host()", "host(host())", "host(nobody)",
		"rack", "all()", " leader", "Leader", "active(pair))", strings.Repeat("host(", 100) + "all" + strings.Repeat(")", 100)} {
		if s, err := ParseSelector(text); err == nil {
			t.Errorf("%q passes for the selector %s", text, s)
		}
	}
}

func FuzzParseSelector(f *testing.F) {
	for _, s := range []string{"controller-1", "follower[0]", "host(active(pair))", "rack(a)", "host(("} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := ParseSelector(text); err == nil && s.String() != text {
			t.Errorf("%q is read as %q", text, s)
		}
	})
}
