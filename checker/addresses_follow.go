package checker

import (
	"maps"
	"slices"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/model"
)

// followWithin is how long the addresses of an engine that stopped may be nobody's while another serves its group.
const followWithin = 5 * time.Second

// checkAddressesFollow wants every address of an engine that stopped to be held by another of its group before long, if
// that group has an engine that serves: also those that no client probes, such as floating addresses. In an elastic group
// every address is a unit of its own, probed as a service, and may have to wait for a free slot: it is left out.
func checkAddressesFollow(h *evidence) []Violation {
	f := following{groups: make(map[string]string), holders: make(map[string][]string),
		elastic: make(map[string]bool), active: make(map[string]int64), left: make(map[string]*history.Event)}
	for _, n := range h.Header.Nodes {
		if n.Role == "engine" {
			f.groups[n.Name] = n.Group
		}
	}
	for _, e := range h.told {
		if _, engine := f.groups[e.Node]; engine {
			f.follow(e)
		}
	}
	f.judge(int64(ends(h.History)))
	return f.violations
}

// following is who holds what as time goes by.
type following struct {
	groups     map[string]string   // of engines
	holders    map[string][]string // by address
	active     map[string]int64    // engines that serve, since when
	left       map[string]*history.Event
	elastic    map[string]bool // addresses that are units
	violations []Violation
}

func (f *following) follow(e *history.Event) {
	switch model.EventKind(e.Event) {
	case model.EventAddressAdded:
		f.judge(e.Time)
		f.holders[e.Unit] = append(f.holders[e.Unit], e.Node)
		delete(f.left, e.Unit)
	case model.EventAddressRemoved:
		f.drop(e.Unit, e.Node)
	case model.EventActive:
		if _, unit, ok := strings.Cut(e.Unit, "/"); ok {
			f.elastic[unit] = true
		}
		if _, already := f.active[e.Node]; !already {
			f.active[e.Node] = e.Time
		}
	case model.EventStandby:
		f.judge(e.Time)
		delete(f.active, e.Node)
	case model.EventStopped:
		f.judge(e.Time)
		delete(f.active, e.Node)
		for _, address := range sortedKeys(f.holders) {
			if f.drop(address, e.Node) && len(f.holders[address]) == 0 && !f.elastic[address] {
				f.left[address] = e
			}
		}
	}
}

// drop ends the node's hold on an address, and tells whether it had one.
func (f *following) drop(address, node string) bool {
	before := len(f.holders[address])
	f.holders[address] = slices.DeleteFunc(f.holders[address], func(n string) bool { return n == node })
	return len(f.holders[address]) < before
}

// judge reports the addresses that have been nobody's for too long by then, each once.
func (f *following) judge(t int64) {
	for _, address := range sortedKeys(f.left) {
		stopped := f.left[address]
		for _, node := range sortedKeys(f.active) {
			since := max(f.active[node], stopped.Time)
			if f.groups[node] == f.groups[stopped.Node] && t-since > int64(followWithin) {
				f.violations = append(f.violations, violation(since+int64(followWithin), []string{describe(stopped)},
					"nobody has held the address %s since %s stopped, though %s serves its group", address, stopped.Node, node))
				delete(f.left, address)
				break
			}
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
