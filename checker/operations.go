package checker

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/checker/words"
	"firedrill/model/config"
)

// operation is one call with its return, on one key. Real time is the order of the lines, which is finer than
// that of the clock.
type operation struct {
	search *search
	number int // of the client, by first appearance
	client string
	kind   string

	value, expected string
	version         uint64 // asked for

	outcome, reason string
	got             string // what a read saw
	gotVersion      uint64

	call, ret  int   // lines; ret is beyond the last one while the outcome is open
	from, till int64 // times; till is -1 while the outcome is open
}

// search is what there is to explain of one key.
type search struct {
	key        string
	operations []*operation
	known      int  // operations of known outcome
	left       int  // steps that it may yet try
	spent      bool // it wanted more
}

// searches pairs calls with returns and sorts them by key, as keys first appear. What says nothing about the
// state is left out: reads that were not answered, and failures that only tell that nothing was done.
func searches(h *history.History) []*search {
	c := collector{h: h, open: make(map[string]int), clients: make(map[string]int), keys: make(map[string]*search), unseen: make(unseen)}
	for i := range h.Events {
		switch e := &h.Events[i]; e.Type {
		case history.Call:
			if at, ok := c.open[e.Client]; ok { // given up without a word
				c.pairs = append(c.pairs, [2]int{at, len(h.Events)})
			}
			c.open[e.Client] = i
			if _, seen := c.clients[e.Client]; !seen {
				c.clients[e.Client] = len(c.clients)
			}
			switch e.Operation {
			case history.OpRequest:
				c.unseen.note(i, e)
			case history.OpList:
			default:
				c.know(e.Key)
			}
		case history.Return:
			for _, item := range e.Items {
				c.know(item.Key)
			}
			if at, ok := c.open[e.Client]; ok {
				c.pairs = append(c.pairs, [2]int{at, i})
				delete(c.open, e.Client)
			}
		}
	}
	for _, at := range c.open { // sorted below
		c.pairs = append(c.pairs, [2]int{at, len(h.Events)})
	}
	slices.SortFunc(c.pairs, func(a, b [2]int) int { return a[0] - b[0] })
	c.sorted = make([]string, len(c.order))
	for i, s := range c.order {
		c.sorted[i] = s.key
	}
	slices.Sort(c.sorted)
	for _, p := range c.pairs {
		c.add(p[0], p[1])
	}
	return slices.DeleteFunc(c.order, func(s *search) bool { return len(s.operations) == 0 })
}

type collector struct {
	h       *history.History
	open    map[string]int
	clients map[string]int
	pairs   [][2]int // lines of call and return
	keys    map[string]*search
	order   []*search
	sorted  []string
	unseen  unseen
}

func (c *collector) know(key string) {
	if c.keys[key] == nil {
		s := &search{key: key}
		c.keys[key] = s
		c.order = append(c.order, s)
	}
}

func (c *collector) add(at, till int) {
	call := &c.h.Events[at]
	if call.Operation == history.OpRequest {
		return // what it may have done is noted already
	}
	o := operation{
		number: c.clients[call.Client], client: call.Client, kind: call.Operation,
		value: call.Value, expected: call.Expected, version: call.Version,
		outcome: history.Unknown, call: at, ret: len(c.h.Events), from: call.Time, till: -1,
	}
	var items []history.Item
	if till < len(c.h.Events) {
		r := &c.h.Events[till]
		o.outcome, o.reason, items = r.Outcome, r.Reason, r.Items
		if r.Outcome != history.Unknown {
			o.got, o.gotVersion, o.ret, o.till = r.Value, r.Version, till, r.Time
		}
	}
	reads := o.kind == history.OpRead || o.kind == history.OpList
	if o.outcome == history.Unknown && reads || o.outcome == history.Fail && !telling(o.kind, o.reason) {
		return
	}
	if o.kind == history.OpList {
		c.addList(o, call.Key, items)
		return
	}
	c.addTo(call.Key, o)
}

// addList makes a list a read of every item, and of every key with its prefix that is known in the whole history
// and not listed. What no list should hold is a read too: an item twice, or one with another prefix.
func (c *collector) addList(o operation, prefix string, items []history.Item) {
	if o.outcome != history.OK {
		return
	}
	o.kind = history.OpRead
	listed := make(map[string]bool, len(items))
	for _, item := range items {
		listed[item.Key] = true
		read := o
		read.got, read.gotVersion = item.Value, item.Version
		c.addTo(item.Key, read)
	}
	first, _ := slices.BinarySearch(c.sorted, prefix)
	for _, key := range c.sorted[first:] {
		if !strings.HasPrefix(key, prefix) {
			break
		}
		if !listed[key] {
			read := o
			read.outcome, read.reason = history.Fail, notFound
			c.addTo(key, read)
		}
	}
}

func (c *collector) addTo(key string, o operation) {
	if ownKind(key) || !o.before(c.unseen.until(key, len(c.h.Events)), len(c.h.Events)) {
		return
	}
	s := c.keys[key]
	o.search = s
	s.operations = append(s.operations, &o)
	if o.outcome != history.Unknown {
		s.known++
	}
}

// ownKind tells the objects that controllers write by themselves, whoever else does: no client knows when.
func ownKind(key string) bool {
	kind, _, _ := strings.Cut(key, "/")
	return config.Kind(kind).Fact()
}

// String writes the operation as a line for people.
func (o *operation) String() string {
	till := "open"
	if o.till >= 0 {
		till = words.Instant(time.Duration(o.till))
	}
	return fmt.Sprintf("%s..%s %s %s", words.Instant(time.Duration(o.from)), till, o.client, o.act())
}

// label names the operation where nothing around it does.
func (o *operation) label() string { return o.client + ", " + o.search.key + ": " + o.act() }

// act is what was asked and answered.
func (o *operation) act() string {
	asked := o.kind
	if o.kind == history.OpCAS {
		asked += " from " + short(o.expected)
	}
	if o.kind != history.OpRead && o.kind != history.OpDelete {
		asked += " to " + short(o.value)
	}
	if o.version != 0 {
		asked += fmt.Sprintf(" at version %d", o.version)
	}
	answered := o.outcome
	if o.outcome == history.OK && o.kind == history.OpRead {
		answered += " " + short(o.got)
	}
	if o.outcome == history.OK && o.gotVersion != 0 {
		answered += fmt.Sprintf(" version %d", o.gotVersion)
	}
	if o.reason != "" {
		answered += " (" + o.reason + ")"
	}
	return asked + ": " + answered
}
