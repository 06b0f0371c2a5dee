package engine

import (
	"net/netip"
	"slices"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/wire"
)

// health checks the servers of every pool with every monitor of the pool. A server is up when all its
// monitors say so.
type health struct {
	engine  *Engine
	targets []*target
	byID    map[model.CheckID]*target
	lastID  model.CheckID
	reached wire.Reach // as controllers were last told
}

// target is one server under one monitor.
type target struct {
	id      model.CheckID // stays with it from configuration to configuration: an answer under way is not lost
	pool    string
	server  netip.AddrPort
	monitor config.HealthMonitor

	up      bool
	known   bool          // the first answer decides at once; after that, rise and fall counts do
	against int           // answers in a row that contradict up
	next    time.Duration // when it is asked again
}

// configure keeps what is known of targets that stay, and begins with those that are new. A server that served before
// under the pool's former monitors goes on serving until a new one says otherwise: a change of the configuration is no
// reason to refuse clients.
func (h *health) configure(before *config.EngineConfig) {
	old := h.targets
	var targets []*target
	c := h.engine.config
	for _, pool := range c.Pools {
		for _, server := range pool.Servers {
			served := h.served(before, pool.Name, server)
			for _, ref := range pool.HealthMonitorRefs {
				if m := c.Monitor(ref); m != nil {
					t := &target{pool: pool.Name, server: netip.AddrPortFrom(server.IP, server.Port), monitor: m.WithDefaults(), up: served, known: served}
					targets = append(targets, t.inherit(old))
					if t.id == 0 {
						h.lastID++
						t.id = h.lastID
					}
				}
			}
		}
	}
	h.targets, h.byID = targets, make(map[model.CheckID]*target, len(targets))
	for _, t := range targets {
		h.byID[t.id] = t
	}
	now := h.engine.env.Now()
	for i, t := range h.targets {
		if t.next == 0 { // spread the checks, so that engines and pools do not ask in step
			t.next = now + time.Duration(h.engine.env.Rand().Uint64N(uint64(t.firstWithin())))
		}
		h.engine.env.SetTimer(timerMonitor+model.TimerID(i), max(0, t.next-now)) // as it was due: a configuration must not put it off
	}
	for i := len(h.targets); i < len(old); i++ {
		h.engine.env.StopTimer(timerMonitor + model.TimerID(i))
	}
}

// inherit takes over what an earlier configuration knew of the same target.
func (t *target) inherit(old []*target) *target {
	for _, o := range old {
		if o.pool == t.pool && o.server == t.server && o.monitor.Name == t.monitor.Name {
			t.id, t.up, t.known, t.against = o.id, o.up, o.known, o.against
			t.next = min(o.next, o.next-o.monitor.SendInterval.Std()+t.monitor.SendInterval.Std()) // a shorter interval counts at once
		}
	}
	return t
}

// served tells whether the pool handed flows to the server under the configuration before.
func (h *health) served(before *config.EngineConfig, pool string, server config.Server) bool {
	if before == nil {
		return false
	}
	p := before.Pool(pool)
	return p != nil && slices.Contains(p.Servers, server) && h.up(p, server)
}

// firstWithin is how soon the first check is due: soon, when nothing is known yet.
func (t *target) firstWithin() time.Duration {
	if t.known {
		return t.monitor.SendInterval.Std()
	}
	return t.monitor.SendInterval.Std()/20 + 1
}

// due asks the target again.
func (h *health) due(i int) {
	if i >= len(h.targets) {
		return
	}
	t := h.targets[i]
	t.next = h.engine.env.Now() + t.monitor.SendInterval.Std()
	h.engine.env.SetTimer(timerMonitor+model.TimerID(i), t.monitor.SendInterval.Std())
	if !h.rests() {
		h.check(t)
	}
}

// ask checks all targets now, beside what is due.
func (h *health) ask() {
	for _, t := range h.targets {
		h.check(t)
	}
}

func (h *health) check(t *target) {
	check := model.Check{Target: t.server, Timeout: t.monitor.ReceiveTimeout.Std()}
	switch t.monitor.Type {
	case config.MonitorHTTP:
		check.Kind, check.Path = model.CheckHTTP, t.monitor.HTTPPath
	case config.MonitorPing:
		check.Kind = model.CheckPing
	default:
		check.Kind = model.CheckTCP
	}
	h.engine.env.Check(t.id, check)
}

// rests tells whether this engine checks nothing, because it stands by and its group does not want that of a standby.
func (h *health) rests() bool {
	on := h.engine.config.Group.HMOnStandby
	return on != nil && !*on && !h.engine.duty.serves()
}

// wake begins to check after a rest: what was known is old, so the servers are trusted until a first answer decides.
func (h *health) wake() {
	if on := h.engine.config.Group.HMOnStandby; on == nil || *on {
		return
	}
	for i, t := range h.targets {
		if !t.up {
			h.engine.env.Emit(model.Event{Kind: model.EventServerUp, Unit: t.pool, Peer: t.server.String(), Detail: "trusted until it answers"})
		}
		t.up, t.known, t.against, t.next = true, false, 0, h.engine.env.Now()
		h.engine.env.SetTimer(timerMonitor+model.TimerID(i), 0)
	}
	h.engine.publish()
}

// checked counts an answer, and turns the server up or down when enough agree.
func (h *health) checked(id model.CheckID, ok bool) {
	t := h.byID[id]
	if t == nil {
		return // it is checked no more
	}
	if ok {
		h.engine.duty.answered()
	}
	if t.known && ok == t.up {
		t.against = 0
		return
	}
	t.against++
	needed := t.monitor.FailedChecks
	if ok {
		needed = t.monitor.SuccessfulChecks
	}
	if t.known && t.against < needed {
		return
	}
	t.up, t.known, t.against = ok, true, 0
	kind := model.EventServerDown
	if ok {
		kind = model.EventServerUp
	}
	h.engine.env.Emit(model.Event{Kind: kind, Unit: t.pool, Peer: t.server.String()})
	h.engine.publish()
	if h.reach() != h.reached {
		h.engine.report() // at once: if no server is reached, the leader may have to place services anew
		h.engine.duty.weighAll()
	}
}

// reach tells whether this engine reaches back-end servers at all. One that reaches none, while others of its group do,
// has lost its data network, whatever it hears there.
func (h *health) reach() wire.Reach {
	out := wire.Reach_REACH_UNKNOWN
	for _, t := range h.targets {
		switch {
		case t.up && t.known:
			return wire.Reach_REACH_SOME
		case !t.known:
			return wire.Reach_REACH_UNKNOWN
		}
		out = wire.Reach_REACH_NONE
	}
	return out
}

// up tells whether a server of a pool may take flows. Without monitors it always may.
func (h *health) up(pool *config.Pool, server config.Server) bool {
	at := netip.AddrPortFrom(server.IP, server.Port)
	for _, t := range h.targets {
		if t.pool == pool.Name && t.server == at && !t.up {
			return false
		}
	}
	return true
}
