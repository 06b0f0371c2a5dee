package checker

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/model/config"
)

// checkFlowsBalanced judges to which server an engine gave each new flow, as far as a client can know: one that the engine
// calls up, and of these the one that the algorithm of the pool chooses. What the client does not learn, such as where a
// flow without an answer went, widens what is allowed.
func checkFlowsBalanced(h *evidence) []Violation {
	b := newBalance(h)
	for i := range h.Events {
		b.see(i, &h.Events[i])
	}
	return b.violations
}

const (
	// balanceSlack is by how many flows servers may differ beyond what an algorithm says: probes of other services are under way at the same
	// time, and are no long flows.
	balanceSlack = 3
	// settling is how long after it has called a server up or down an engine may still choose as before: worlds record the
	// one and change the other one after the other.
	settling = int64(10 * time.Millisecond)
	// belated is how long after its client gave it up a flow may still come to an engine, and have its turn: what jitter holds
	// up is not lost.
	belated = int64(time.Second)
	// unheard is how long an opening may take before it may have been made twice.
	unheard = int64(50 * time.Millisecond)
)

// at is one service at one engine.
type at struct{ engine, service string }

// balance is what is known as events go by.
type balance struct {
	h        *evidence
	monitors *monitors
	until    map[string]int // the line from which the configuration of a service is not known

	under map[at]*underWay
	turns map[at]*round          // round robin
	homes map[string][]home      // consistent hash, by service and client
	flows map[string][]*longFlow // least connections: by engine
	began map[string]int64       // when engines last started
	lost  map[string][]int64     // when clients gave up flows whose server nobody told, by service, in order
	vain  int                    // those of them that no dead server explains: an engine may count them for ever
	died  map[string]int64       // servers, by when they are forgotten as the cause of a loss

	told       map[string]bool
	violations []Violation
}

// round is how often servers have had their turn since the set of them last changed.
type round struct {
	had   map[string]int
	since int64
	lost  int // of the service, that can have had no turn since
}

// underWay is when the flows of a service at an engine were sent and when they were known to have arrived, each in order.
type underWay struct{ sent, known []int64 }

// at counts the flows that were under way at the same time as one of them, itself included: nobody knows which came first.
func (u *underWay) at(e *history.Event) int {
	sent, _ := slices.BinarySearch(u.sent, e.Time+1)
	known, _ := slices.BinarySearch(u.known, e.Sent)
	return sent - known
}

// home is where a client's flows went while these servers were up.
type home struct {
	up     []string
	server string
}

func newBalance(h *evidence) *balance {
	b := &balance{h: h, monitors: newMonitors(h), until: make(map[string]int), turns: make(map[at]*round), homes: make(map[string][]home),
		flows: make(map[string][]*longFlow), began: make(map[string]int64), under: make(map[at]*underWay), lost: make(map[string][]int64), died: make(map[string]int64), told: make(map[string]bool)}
	for _, s := range h.Header.Services {
		if s.Pool != nil {
			b.until[s.Name] = h.balancedUntil(s)
		}
	}
	for i := range h.Events {
		if e := &h.Events[i]; e.Server != "" {
			key := at{e.By, e.Service}
			if b.under[key] == nil {
				b.under[key] = &underWay{}
			}
			b.under[key].sent = append(b.under[key].sent, e.Sent)
			b.under[key].known = append(b.under[key].known, e.Time)
		}
	}
	for _, u := range b.under {
		slices.Sort(u.sent)
	}
	for _, f := range h.longFlows() {
		b.flows[f.by] = append(b.flows[f.by], f)
	}
	return b
}

// balancedUntil is the first line that may change how a service spreads its flows.
func (h *evidence) balancedUntil(s history.Service) int {
	if h.spread == nil {
		h.spread = h.spreads()
	}
	end := len(h.Events)
	for _, key := range []string{string(config.KindPool) + "/" + s.Pool.Name, string(config.KindVirtualService) + "/" + s.Name, string(config.KindHealthMonitor) + "/" + s.Pool.Monitor} {
		end = min(end, h.spread.until(key, end))
	}
	return end
}

// spreads is from which lines on objects may have changed that say how services spread their flows.
func (h *evidence) spreads() unseen {
	u := make(unseen)
	created := make(map[string]string)
	for i := range h.Events {
		e := &h.Events[i]
		switch {
		case e.Type != history.Call || e.Operation == history.OpRead || e.Operation == history.OpList:
		case e.Operation == history.OpCreate:
			created[e.Key] = cmp.Or(created[e.Key], e.Value)
		case e.Operation == history.OpUpdate && spreadsAlike(created[e.Key], e.Value):
		case e.Operation == history.OpRequest:
			u.note(i, e)
		default:
			u.from(e.Key, i)
		}
	}
	return u
}

// spreadsAlike tells whether two bodies of a pool differ in what it is said to be alone.
func spreadsAlike(a, b string) bool {
	var pools [2]config.Pool
	if json.Unmarshal([]byte(a), &pools[0]) != nil || json.Unmarshal([]byte(b), &pools[1]) != nil || len(pools[0].Servers) == 0 {
		return false
	}
	pools[0].Description, pools[1].Description = "", ""
	return reflect.DeepEqual(pools[0], pools[1])
}

func (b *balance) see(line int, e *history.Event) {
	switch e.Type {
	case history.NodeEv:
		b.monitors.see(e)
		if is(e, model.EventStarted) || is(e, model.EventStopped) {
			b.began[e.Node] = e.Time
			b.died[e.Node] = e.Time + aftermath
			if is(e, model.EventStopped) {
				b.died[e.Node] = math.MaxInt64
			}
		}
	case history.Probe:
		if !e.OK {
			b.lose(e)
		} else if e.Server != "" {
			b.choose(line, e)
		}
	case history.Flow:
		if e.Phase == history.Begin && e.Server != "" {
			b.choose(line, e)
		} else if e.Phase == history.Begin || e.Reason == "silence" {
			b.lose(e)
		}
	}
}

// lose counts a flow of which the client does not know where it went. Where a server is dead, that is why, and the engine
// lives and was told that the client gave up.
func (b *balance) lose(e *history.Event) {
	b.lost[e.Service] = append(b.lost[e.Service], e.Time)
	p := b.h.service(e.Service).Pool
	if p == nil || !slices.ContainsFunc(p.Servers, func(s string) bool { return b.died[s] > e.Time }) {
		b.vain++
	}
}

// choose judges one choice.
func (b *balance) choose(line int, e *history.Event) {
	s := b.h.service(e.Service)
	if s.Pool == nil || line >= b.until[s.Name] {
		return
	}
	for range (e.Time - e.Sent) / unheard {
		b.lose(e)
	}
	up, since, known := b.monitors.up(e.By, s.Pool)
	if !known || since+settling > e.Sent {
		return
	}
	if !slices.Contains(up, e.Server) {
		b.tell(e, nil, "%s gave a flow of %s to %s, which it calls down", e.By, e.Service, e.Server)
		return
	}
	switch s.Pool.Algorithm {
	case config.LBConsistentHash:
		b.hash(e, up)
	case config.LBLeastConnections:
		b.least(e, up)
	default:
		b.turn(e, up, since)
	}
}

// turn: each server has its turn before one has another.
func (b *balance) turn(e *history.Event, up []string, since int64) {
	key := at{e.By, e.Service}
	t := b.turns[key]
	if t == nil || t.since != since {
		t = &round{had: make(map[string]int), since: since, lost: b.lostBefore(e.Service, since-belated)}
		b.turns[key] = t
	}
	t.had[e.Server]++
	if most, least := extremes(t.had, up); most-least > balanceSlack+len(b.lost[e.Service])-t.lost+b.under[key].at(e) {
		b.tell(e, listed(t.had, up), "%s gave %d flows of %s to one server and %d to another, though they take turns", e.By, most, e.Service, least)
	}
}

// lostBefore counts the flows of a service that clients had given up by then.
func (b *balance) lostBefore(service string, t int64) int {
	n, _ := slices.BinarySearch(b.lost[service], t)
	return n
}

// least: of the servers that are up, one with the fewest flows is chosen. What the chosen one certainly had is compared with
// what the others may have had.
func (b *balance) least(e *history.Event, up []string) {
	had, mayHave := make(map[string]int), make(map[string]int)
	for _, f := range b.flows[e.By] {
		if f.begin < b.began[e.By] {
			continue
		}
		if f.begin < e.Sent && (f.end == 0 || f.end > e.Time) {
			had[f.server]++
		}
		if f.sent <= e.Time && (f.end == 0 || f.end >= e.Sent) {
			mayHave[f.server]++
		}
	}
	if _, least := extremes(mayHave, up); had[e.Server]-least > balanceSlack+b.vain {
		b.tell(e, listed(mayHave, up), "%s gave a flow of %s to %s, which had %d open already, though another had %d", e.By, e.Service, e.Server, had[e.Server], least)
	}
}

// hash: a client stays with its server as long as that is up, unless the one that it goes to was not.
func (b *balance) hash(e *history.Event, up []string) {
	key := e.Service + " " + e.Client
	for _, before := range b.homes[key] {
		if before.server != e.Server && slices.Contains(up, before.server) && slices.Contains(before.up, e.Server) {
			b.tell(e, []string{"with " + strings.Join(before.up, ", ") + " up it went to " + before.server, "now " + strings.Join(up, ", ") + " are up"},
				"%s gave a flow of %s from %s to %s, though such flows go to %s", e.By, e.Service, e.Client, e.Server, before.server)
			return
		}
	}
	now := home{up, e.Server}
	if !slices.ContainsFunc(b.homes[key], func(h home) bool { return h.server == now.server && slices.Equal(h.up, now.up) }) {
		b.homes[key] = append(b.homes[key], now)
	}
}

// tell reports the first violation of a service at an engine; what follows is the same one.
func (b *balance) tell(e *history.Event, details []string, format string, args ...any) {
	if key := e.By + " " + e.Service; !b.told[key] {
		b.told[key] = true
		b.violations = append(b.violations, violation(e.Time, details, format, args...))
	}
}

// extremes are the highest and the lowest count of some servers.
func extremes(counts map[string]int, of []string) (most, least int) {
	for i, s := range of {
		most = max(most, counts[s])
		if i == 0 || counts[s] < least {
			least = counts[s]
		}
	}
	return most, least
}

func listed(counts map[string]int, of []string) (out []string) {
	for _, s := range of {
		out = append(out, fmt.Sprintf("%s: %d", s, counts[s]))
	}
	return out
}

// monitors is what the engines say of the servers, as events go by.
type monitors struct {
	nodes   map[string]string // servers by their addresses
	engines map[string]map[string]map[string]bool
	changed map[string]int64 // when an engine last said something new
}

func newMonitors(h *evidence) *monitors {
	m := &monitors{nodes: make(map[string]string), engines: make(map[string]map[string]map[string]bool), changed: make(map[string]int64)}
	for _, n := range h.Header.Nodes {
		if n.Address != "" {
			m.nodes[n.Address] = n.Name
		}
	}
	return m
}

func (m *monitors) see(e *history.Event) {
	switch model.EventKind(e.Event) {
	case model.EventStarted, model.EventStopped:
		delete(m.engines, e.Node)
	case model.EventServerUp, model.EventServerDown:
		pools := m.engines[e.Node]
		if pools == nil {
			pools = make(map[string]map[string]bool)
			m.engines[e.Node] = pools
		}
		if pools[e.Unit] == nil {
			pools[e.Unit] = make(map[string]bool)
		}
		pools[e.Unit][m.server(e)] = is(e, model.EventServerUp)
		m.changed[e.Node] = e.Time
	}
}

// server is the node that an event tells of.
func (m *monitors) server(e *history.Event) string {
	address, _, _ := strings.Cut(e.Peer, ":")
	return m.nodes[address]
}

// up lists the servers of a pool that are up as an engine sees them, and since when it has seen them so; known is false
// until it has told of each.
func (m *monitors) up(engine string, pool *history.Pool) (up []string, since int64, known bool) {
	states := m.engines[engine][pool.Name]
	for _, s := range slices.Sorted(maps.Keys(states)) {
		if states[s] && slices.Contains(pool.Servers, s) {
			up = append(up, s)
		}
	}
	return up, m.changed[engine], !slices.ContainsFunc(pool.Servers, func(s string) bool { _, told := states[s]; return !told })
}
