package checker

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/checker/words"
	"firedrill/model"
)

// checkAnalyticsExact compares what readers were told of a service with what the data paths carried: never more than
// had been carried by then, which is how a sample shows that was counted twice; and, where nothing has
// disturbed the cluster for recover_within, no less than the engines that still live had carried that long ago.
// What an engine carried in a life that has ended may be gone with the controller that collected it, and only then.
// Whatever the engines carried, a reader is told of the members that have not answered, and of no less than another one
// was told before.
func checkAnalyticsExact(h *evidence) []Violation {
	c := newCarriage(h)
	if !c.told {
		return nil // the world did not say what is true
	}
	var out []Violation
	reported := make(map[string]bool)
	for _, e := range h.told {
		if model.EventKind(e.Event) != model.EventMetricsRead {
			continue
		}
		for _, v := range []struct {
			name string
			find func(*history.Event) (Violation, bool)
		}{{"more", c.tooMuch}, {"less", c.tooLittle}, {"unsaid", c.unsaid}, {"back", c.backwards}} {
			if broken, is := v.find(e); is && !reported[v.name+e.Unit] {
				reported[v.name+e.Unit] = true
				out = append(out, broken)
			}
		}
	}
	return out
}

// carriage is what every life of every engine has carried, as time went by, and what has disturbed the cluster.
type carriage struct {
	told   bool
	lives  []*carrier
	within int64
	faults []fault
	stops  []*history.Event // started and stopped, in order

	controllers map[string]bool
	members     []*history.Event         // who votes, as time went by
	asked       map[*history.Event]int64 // since when what was read may have been on its way
	reads       []*history.Event         // complete ones, in order
}

// carrier is one life of one node.
type carrier struct {
	node       string
	begin, end int64
	services   map[string][]*history.Event // carried, in order
}

func newCarriage(h *evidence) *carriage {
	c := &carriage{within: int64(h.recoverWithin()), faults: h.faults, controllers: h.controllers, asked: h.askedSince()}
	now := make(map[string]*carrier)
	begin := func(node string, t int64) {
		now[node] = &carrier{node: node, begin: t, end: math.MaxInt64, services: make(map[string][]*history.Event)}
		c.lives = append(c.lives, now[node])
	}
	for _, e := range h.told {
		switch model.EventKind(e.Event) {
		case model.EventStarted, model.EventStopped:
			c.stops = append(c.stops, e)
			if l := now[e.Node]; l != nil {
				l.end = e.Time
				delete(now, e.Node)
			}
			if model.EventKind(e.Event) == model.EventStarted {
				begin(e.Node, e.Time)
			}
		case model.EventMembers:
			c.members = append(c.members, e)
		case model.EventCarried:
			c.told = true
			if now[e.Node] == nil {
				begin(e.Node, 0) // nobody says when
			}
			now[e.Node].services[e.Unit] = append(now[e.Node].services[e.Unit], e)
		}
	}
	return c
}

// counted is the four counters of an event.
type counted [4]uint64

var counterNames = [4]string{"flows", "refused", "requests", "responses"}

func countersOf(e *history.Event) counted { return counted{e.Term, e.State, e.Hash, e.Index} }

func (a counted) plus(b counted) counted {
	for i := range a {
		a[i] += b[i]
	}
	return a
}

// beyond names the first counter of a that exceeds that of b.
func (a counted) beyond(b counted) (string, bool) {
	for i := range a {
		if a[i] > b[i] {
			return fmt.Sprintf("%d %s instead of %d", a[i], counterNames[i], b[i]), true
		}
	}
	return "", false
}

// tooMuch: each life can have contributed at most what it is first said to have carried at the time of the read or
// later, or what it had carried when it ended.
func (c *carriage) tooMuch(read *history.Event) (Violation, bool) {
	var most counted
	var details []string
	for _, l := range c.lives {
		told := l.services[read.Unit]
		if len(told) == 0 || l.begin > read.Time {
			continue
		}
		i := slices.IndexFunc(told, func(e *history.Event) bool { return e.Time >= read.Time })
		if i < 0 && l.end == math.MaxInt64 {
			return Violation{}, false // it went on, and nobody says how far
		}
		if i < 0 {
			i = len(told) - 1
		}
		most = most.plus(countersOf(told[i]))
		details = append(details, describe(told[i]))
	}
	excess, is := countersOf(read).beyond(most)
	return violation(read.Time, details, "%s told a reader that %s has %s: more than was carried", read.Node, read.Unit, excess), is
}

// tooLittle: the lives that go on have contributed at least what they are last said to have carried, recover_within
// before the read.
func (c *carriage) tooLittle(read *history.Event) (Violation, bool) {
	if read.Detail != "" || c.disturbed(read) {
		return Violation{}, false
	}
	var least counted
	var details []string
	for _, l := range c.lives {
		var last *history.Event
		for _, e := range l.services[read.Unit] {
			if e.Time <= min(l.end, read.Time)-c.within {
				last = e
			}
		}
		if last != nil && (l.end > read.Time || c.outlives(l, last, read)) {
			least = least.plus(countersOf(last))
			details = append(details, describe(last))
		}
	}
	lack, is := least.beyond(countersOf(read))
	return violation(read.Time, append(details, describe(read)), "%s told a reader that %s has less than was carried %s before: it should have %s",
		read.Node, read.Unit, words.Duration(time.Duration(c.within)), strings.Replace(lack, "instead of", "or more, not", 1)), is
}

// losesNothing are the faults that excuse nothing: what they delay is there well before recover_within, and a controller
// that answers too late is named.
var losesNothing = []string{"duplication", "delay", "jitter"}

// disturbed tells whether something within the last recover_within excuses a loss: a fault, a node that started or
// stopped, or a controller that did not answer though it runs. Nodes that have been down for longer excuse nothing:
// others collect in their place by now.
func (c *carriage) disturbed(read *history.Event) bool {
	since := read.Time - c.within
	down := make(map[string]bool)
	for _, e := range c.stops {
		if e.Time > read.Time {
			break
		}
		if e.Time > since {
			return true
		}
		down[e.Node] = model.EventKind(e.Event) == model.EventStopped
	}
	for _, f := range c.faults {
		if f.begin > read.Time || f.end < since || slices.Contains(losesNothing, f.kind) {
			continue
		}
		if f.begin > since || f.end <= read.Time || slices.ContainsFunc(f.named, func(n string) bool { return !down[n] }) {
			return true
		}
	}
	for name := range strings.SplitSeq(read.Peer, ",") {
		if name != "" && !down[name] {
			return true
		}
	}
	return false
}
