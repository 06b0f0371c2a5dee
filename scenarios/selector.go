package scenarios

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// SelectorKind is how a [Selector] picks nodes.
type SelectorKind string

// The ways to pick nodes.
const (
	SelectNode        SelectorKind = "node"        // the node Name: controller-1
	SelectLeader      SelectorKind = "leader"      // the controller that leads
	SelectFollower    SelectorKind = "follower"    // of the other controllers, by number, the one at Index, from 0: follower[0]
	SelectFollowers   SelectorKind = "followers"   // all of them
	SelectControllers SelectorKind = "controllers" // every controller
	SelectEngines     SelectorKind = "engines"     // every engine, or those of the group Name: engines(shop)
	SelectServers     SelectorKind = "servers"     // every back end
	SelectActive      SelectorKind = "active"      // the engine of the legacy group Name that serves: active(shop)
	SelectStandby     SelectorKind = "standby"     // and the one that does not: standby(shop)
	SelectPrimary     SelectorKind = "primary"     // the engine that holds the address of the service Name: primary(web)
	SelectSecondary   SelectorKind = "secondary"   // the first other engine on which the service is placed: secondary(web)
	SelectHost        SelectorKind = "host"        // every node on the hosts of the nodes Of: host(leader)
	SelectRack        SelectorKind = "rack"        // every node on the hosts of the rack Name: rack(a)
	SelectAll         SelectorKind = "all"         // every node
)

// Selector names nodes by role rather than by name, so that a scenario strikes whoever plays the role at that
// moment. The world resolves it when the fault strikes.
type Selector struct {
	Kind  SelectorKind
	Name  string    // of a node, a group, a service or a rack
	Index int       // of follower[Index]
	Of    *Selector // of host(...)
}

// String writes the selector as [ParseSelector] reads it.
func (s Selector) String() string {
	switch {
	case s.Kind == SelectNode:
		return s.Name
	case s.Kind == SelectFollower:
		return fmt.Sprintf("%s[%d]", s.Kind, s.Index)
	case s.Of != nil:
		return fmt.Sprintf("%s(%s)", s.Kind, s.Of)
	case s.Name != "":
		return fmt.Sprintf("%s(%s)", s.Kind, s.Name)
	}
	return string(s.Kind)
}

// selectorForms are what people may write; they end the message about what cannot be read.
var selectorForms = []string{"controller-1", "engine-1", "server-1", "gateway-1", "cloud-1", "leader", "follower[0]", "followers",
	"controllers", "engines", "servers", "active(GROUP)", "standby(GROUP)", "engines(GROUP)", "primary(SERVICE)", "secondary(SERVICE)", "host(SELECTOR)", "rack(NAME)", "all"}

const maxSelector = 300 // bytes; nobody means more, and nesting stays shallow

var (
	nodePattern     = regexp.MustCompile(`^(?:controller|engine|server|gateway|cloud)-[1-9][0-9]{0,3}$`)
	followerPattern = regexp.MustCompile(`^follower\[([0-9])\]$`)
	namePattern     = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`) // as names in the configuration
)

// ParseSelector reads a selector: the name of a node, a role, or a role of something, as [SelectorKind]
// lists them. Whether what it names exists is for the scenario to say.
func ParseSelector(text string) (Selector, error) {
	if len(text) > maxSelector {
		return Selector{}, fmt.Errorf("%q... is no selector; it is longer than %d bytes", text[:40], maxSelector)
	}
	if nodePattern.MatchString(text) {
		return Selector{Kind: SelectNode, Name: text}, nil
	}
	if m := followerPattern.FindStringSubmatch(text); m != nil {
		index, _ := strconv.Atoi(m[1]) // one digit: cannot fail
		return Selector{Kind: SelectFollower, Index: index}, nil
	}
	switch kind := SelectorKind(text); kind {
	case SelectLeader, SelectFollowers, SelectControllers, SelectEngines, SelectServers, SelectAll:
		return Selector{Kind: kind}, nil
	}
	if before, inner, ok := strings.Cut(text, "("); ok && strings.HasSuffix(inner, ")") {
		return parseSelectorOf(text, SelectorKind(before), strings.TrimSuffix(inner, ")"))
	}
	return Selector{}, noSelector(text)
}

// parseSelectorOf reads what stands between the parentheses of kind(inner).
func parseSelectorOf(text string, kind SelectorKind, inner string) (Selector, error) {
	switch kind {
	case SelectHost:
		of, err := ParseSelector(inner)
		return Selector{Kind: kind, Of: &of}, err
	case SelectActive, SelectStandby, SelectEngines, SelectPrimary, SelectSecondary, SelectRack:
		if !namePattern.MatchString(inner) {
			return Selector{}, fmt.Errorf("%q is no selector: %q is not a name", text, inner)
		}
		return Selector{Kind: kind, Name: inner}, nil
	}
	return Selector{}, noSelector(text)
}

func noSelector(text string) error {
	return fmt.Errorf("%q is no selector; %s", text, suggest(text, selectorForms))
}
