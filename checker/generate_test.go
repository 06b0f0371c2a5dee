package checker

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"firedrill/checker/history"
	"firedrill/model"
)

// draw picks a number from 0 to n-1: by rapid in a property, by a seed in a benchmark.
type draw func(n int) int

// real is a configuration that really is linearizable: a map that does one operation at a time. Clients call
// it concurrently, and some of their answers are lost. What it records must always be accepted.
type real struct {
	draw     draw
	keys     int
	unknowns int // in 100 operations
	events   []history.Event
	objects  map[string]history.Item
	version  uint64
	values   int
	clients  []*caller
	late     []history.Event // calls whose outcome was said to be unknown, and that are still under way
}

type caller struct {
	name   string
	op     uint64
	call   history.Event
	answer *history.Event // set when the operation has happened and has not returned
	open   bool
}

func newReal(d draw, clients, keys, unknowns int) *real {
	r := &real{draw: d, keys: keys, unknowns: unknowns, objects: make(map[string]history.Item)}
	for i := range clients {
		r.clients = append(r.clients, &caller{name: fmt.Sprintf("client-%d", i+1)})
	}
	return r
}

// play records the number of operations.
func (r *real) play(operations int) []history.Event {
	for operations > 0 {
		if len(r.late) > 0 && r.draw(8) == 0 {
			r.happen(r.late[0])
			r.late = r.late[1:]
		}
		c := r.clients[r.draw(len(r.clients))]
		switch {
		case !c.open:
			operations--
			r.call(c)
		case c.answer == nil:
			if r.draw(100) < r.unknowns {
				r.lose(c)
				continue
			}
			answer := r.happen(c.call)
			answer.Client, answer.Op = c.name, c.op
			c.answer = &answer
		default:
			r.record(*c.answer)
			c.answer, c.open = nil, false
		}
	}
	return r.events
}

func (r *real) record(e history.Event) {
	e.Time = int64(len(r.events))
	r.events = append(r.events, e)
}

func (r *real) call(c *caller) {
	c.op++
	r.values++
	key := fmt.Sprintf("pool/%d", r.draw(r.keys))
	e := history.Event{Type: history.Call, Client: c.name, Op: c.op, Key: key}
	now := r.objects[key]
	switch r.draw(10) {
	case 0:
		e.Operation = history.OpWrite
	case 1:
		e.Operation, e.Expected = history.OpCAS, now.Value
	case 2:
		e.Operation = history.OpCreate
	case 3, 4:
		e.Operation, e.Version = history.OpUpdate, now.Version
	case 5:
		e.Operation, e.Version = history.OpDelete, now.Version
	case 6:
		e.Operation, e.Key = history.OpList, "pool/"
	default:
		e.Operation = history.OpRead
	}
	switch e.Operation {
	case history.OpWrite, history.OpCAS, history.OpCreate, history.OpUpdate:
		e.Value = fmt.Sprintf("v%d", r.values) // used once, so that a stale one is told from a new one
	}
	c.call, c.open = e, true
	r.record(e)
}

// lose has the answer lost: of an operation that never happens, has happened, or will.
func (r *real) lose(c *caller) {
	switch r.draw(3) {
	case 0:
		r.happen(c.call)
	case 1:
		r.late = append(r.late, c.call)
	}
	r.record(history.Event{Type: history.Return, Client: c.name, Op: c.op, Outcome: history.Unknown})
	c.open = false
}

// happen does the operation and returns its answer.
func (r *real) happen(call history.Event) history.Event {
	e := history.Event{Type: history.Return, Outcome: history.OK}
	now, there := r.objects[call.Key]
	refuse := func(reason string) history.Event {
		e.Outcome, e.Reason = history.Fail, reason
		if reason == alreadyExists || reason == versionMismatch {
			e.Version = now.Version
		}
		return e
	}
	switch call.Operation {
	case history.OpRead:
		if !there {
			return refuse(notFound)
		}
		e.Value, e.Version = now.Value, now.Version
		return e
	case history.OpList:
		for _, item := range r.objects {
			e.Items = append(e.Items, item)
		}
		slices.SortFunc(e.Items, func(a, b history.Item) int { return cmp.Compare(a.Key, b.Key) })
		return e
	case history.OpCAS:
		if now.Value != call.Expected {
			return refuse("")
		}
	case history.OpCreate:
		if there {
			return refuse(alreadyExists)
		}
	case history.OpUpdate, history.OpDelete:
		if !there {
			return refuse(notFound)
		}
		if call.Version != 0 && call.Version != now.Version {
			return refuse(versionMismatch)
		}
	}
	r.version++
	e.Version, e.Index = r.version, r.version
	if call.Operation == history.OpDelete {
		delete(r.objects, call.Key)
		return e
	}
	r.objects[call.Key] = history.Item{Key: call.Key, Value: call.Value, Version: r.version}
	return e
}

// minute is a history like that of one simulated minute: three controllers and eight engines, sixteen services
// that are probed, a crash every fifteen seconds, 1,200 operations.
func minute(tb testing.TB) *history.History {
	tb.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	h := &history.History{Header: history.Header{Format: history.Format, Version: history.Version, Scenario: "minute"}}
	h.Header.Expect.Outages = []history.OutageBound{{Service: "*", Max: 1e9}}
	for i := range 3 {
		h.Header.Nodes = append(h.Header.Nodes, history.Node{Name: fmt.Sprintf("controller-%d", i+1), Role: "controller"})
	}
	for i := range 8 {
		h.Header.Nodes = append(h.Header.Nodes, history.Node{Name: fmt.Sprintf("engine-%d", i+1), Role: "engine", Group: fmt.Sprintf("group-%d", i/2+1)})
	}
	for i := range 16 {
		h.Header.Services = append(h.Header.Services, history.Service{
			Name: fmt.Sprintf("service-%d", i+1), Address: fmt.Sprintf("198.18.0.%d", i+1), Group: fmt.Sprintf("group-%d", i%4+1)})
	}

	calls := newReal(random.IntN, 4, 5, 2).play(1200)
	for i := range calls {
		calls[i].Time = int64(i) * int64(time.Minute) / int64(len(calls))
	}
	h.Events = append(h.Events, calls...)
	add := func(at time.Duration, e history.Event) {
		e.Time = int64(at)
		h.Events = append(h.Events, e)
	}
	for i := range uint64(900) {
		for _, n := range h.Header.Nodes[:3] {
			add(time.Duration(i)*65*time.Millisecond, history.Event{Type: history.NodeEv, Node: n.Name, Event: string(model.EventApplied),
				Index: i + 1, Term: 1, Hash: i + 1e9, State: i + 2e9})
		}
	}
	// Every fifteen seconds the active engine of each group crashes; its peer takes over 300 ms later.
	const dark = 300 * time.Millisecond
	var crashes []time.Duration
	for at := 10 * time.Second; at < time.Minute; at += 15 * time.Second {
		step := len(crashes) + 1
		for g := range 4 {
			group, old, young := fmt.Sprintf("group-%d", g+1), fmt.Sprintf("engine-%d", 2*g+1+step%2), fmt.Sprintf("engine-%d", 2*g+2-step%2)
			fault := history.Event{Type: history.Fault, Fault: "crash", Step: step, Target: "active(" + group + ")", Resolved: []string{old}, Phase: history.Begin}
			add(at, fault)
			add(at, history.Event{Type: history.NodeEv, Node: old, Event: string(model.EventStopped), Detail: "crashed"})
			add(at+200*time.Millisecond, history.Event{Type: history.NodeEv, Node: young, Event: string(model.EventSuspected), Unit: group})
			add(at+210*time.Millisecond, history.Event{Type: history.NodeEv, Node: young, Event: string(model.EventActive), Unit: group})
			for s := g; s < 16; s += 4 {
				add(at+220*time.Millisecond, history.Event{Type: history.NodeEv, Node: young, Event: string(model.EventAnnounced), Unit: h.Header.Services[s].Address})
			}
			fault.Phase = history.Finish
			add(at+5*time.Second, fault)
			add(at+5*time.Second, history.Event{Type: history.NodeEv, Node: old, Event: string(model.EventStarted)})
		}
		crashes = append(crashes, at)
	}
	probes := 0
	for s, service := range h.Header.Services {
		for sent := time.Duration(s+1) * 6 * time.Millisecond; sent < time.Minute-dark; {
			ok := !slices.ContainsFunc(crashes, func(c time.Duration) bool { return c <= sent && sent < c+dark })
			fate, pace := sent+time.Millisecond, 100*time.Millisecond
			if !ok {
				fate, pace = sent+50*time.Millisecond, 5*time.Millisecond
			}
			add(fate, history.Event{Type: history.Probe, Client: "client-1", Service: service.Name, Sent: int64(sent), OK: ok})
			sent += pace
			probes++
		}
	}
	add(time.Minute, history.Event{Type: history.End})
	slices.SortStableFunc(h.Events, func(a, b history.Event) int { return cmp.Compare(a.Time, b.Time) })
	return h
}
