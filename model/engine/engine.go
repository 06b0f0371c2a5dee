// Package engine is the service engine: it runs the configuration that controllers push, checks the health
// of back-end servers, and, with its peer, keeps every virtual address of the group answered. It needs no
// controller to go on.
package engine

import (
	"encoding/json"
	"errors"
	"net/netip"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/release"
	"firedrill/model/wire"
)

// Config is what an engine is born with; the rest comes from the controllers.
type Config struct {
	Name        string
	Group       string
	Cluster     string // name of the cluster that it obeys; empty for one that was installed as such
	Management  netip.Addr
	Data        netip.Addr
	Host        string       // the hardware that it runs on, where known
	Cloud       string       // that made it; empty: an operator did
	Controllers []netip.Addr // at first; a leader tells when the members of the cluster change
	Timers      config.Timers
	Version     string   // of the build
	Images      []string // versions of the builds on this machine, with which the engine could be restarted
}

// Engine is a [model.Node].
type Engine struct {
	cfg      Config
	env      model.Env
	config   *config.EngineConfig // nil until the first push, unless the disk holds one
	duty     duty
	pair     pair
	team     team
	health   health
	gateways gateways
	stream   stream
	voice    wire.Voice

	announcer announcer
	unsaved   bool // the members of the cluster are not on the disk as they were told last

	term         uint64 // of the leader that was last obeyed
	lastAnswered time.Duration
	headless     bool
	lastBeat     time.Duration // when the heartbeat timer last ran; tells a long sleep
	former       pace          // at which heartbeats still go, though the configuration has a slower one
}

// Timers of the engine. Those of health monitors count up from timerMonitor.
const (
	timerReport model.TimerID = iota + 1
	timerHeartbeat
	timerPeer
	timerPeerOfUnit1
	timerAnnounce
	timerGateways
	timerMonitor
)

// Timers of an elastic group count up from these, one for each other engine and two for each address.
const (
	timerMate  model.TimerID = 1 << 40
	timerShare model.TimerID = 1 << 41
	timerDrain model.TimerID = 1 << 43
)

// timerLinger ends the time for which an engine answers for an address that it has handed over.
const timerLinger model.TimerID = 1 << 42

const configFile = "engine-config.json"

// New returns an engine that has not started.
func New(cfg Config) *Engine {
	return &Engine{cfg: cfg, voice: wire.NewVoice(release.FormatOf(cfg.Version))}
}

// Start implements [model.Node]: the configuration of the last life is taken up at once, headless or not.
func (e *Engine) Start(env model.Env) {
	e.env = e.voice.Through(env)
	e.pair.engine, e.team.engine, e.health.engine, e.gateways.engine, e.announcer.engine = e, e, e, e, e
	e.duty = &e.pair
	e.pair.life = env.Rand().Uint64()
	e.lastAnswered = env.Now()
	e.loadControllers()
	e.loadConfig()
	e.beginStream()
	e.report()
	e.beat()
}

// Receive implements [model.Node].
func (e *Engine) Receive(from netip.Addr, msg []byte) {
	e.noticeSleep()
	body, err := e.voice.Decode(from, msg)
	if err != nil {
		e.refuse(from, err)
		return
	}
	switch b := body.(type) {
	case *wire.Envelope_EngineDirective:
		e.obey(b.EngineDirective)
	case *wire.Envelope_PeerHeartbeat:
		e.duty.hear(b.PeerHeartbeat)
	case *wire.Envelope_UpgradeOrder:
		e.ordered(from, b.UpgradeOrder)
	case *wire.Envelope_MetricsAck:
		e.stream.Acked(from, b.MetricsAck)
	}
}

// Timer implements [model.Node].
func (e *Engine) Timer(id model.TimerID) {
	e.noticeSleep()
	switch {
	case id == timerReport:
		e.report()
		e.streamOn()
	case id == timerHeartbeat:
		e.beat()
	case e.duty == duty(&e.pair) && (id == timerPeer || id == timerPeerOfUnit1):
		e.pair.silent(int(id - timerPeer))
	case id == timerAnnounce:
		e.announcer.again()
	case id == timerLinger:
		e.pair.lingered()
		e.team.lingered()
	case id == timerGateways:
		e.gateways.ask()
	case e.duty == duty(&e.team) && id >= timerDrain:
		e.team.drained(int(id - timerDrain))
	case e.duty == duty(&e.team) && id >= timerShare && id < timerLinger:
		e.team.due(int(id - timerShare))
	case e.duty == duty(&e.team) && id >= timerMate && id < timerShare:
		e.team.missed(int(id - timerMate))
	case id >= timerMonitor && id < timerMate:
		e.health.due(int(id - timerMonitor))
	}
}

// Checked implements [model.Node].
func (e *Engine) Checked(id model.CheckID, ok bool) {
	e.noticeSleep()
	if id&gatewayCheck != 0 {
		e.gateways.checked(id, ok)
		return
	}
	e.health.checked(id, ok)
}

// noticeSleep compares the heartbeat timer with the clock. A process that was frozen longer than its peer's
// patience may have been replaced meanwhile: it gives up what it holds before it does anything else, and
// listens (the lesson of keepalived issues 2066 and 2649).
func (e *Engine) noticeSleep() {
	now := e.env.Now()
	if e.config != nil && now-e.lastBeat > e.patience(0) {
		e.lastBeat = now
		e.duty.stepDown("slept")
	}
}

// report tells every controller how this engine is; the leader answers.
func (e *Engine) report() {
	r := &wire.EngineReport{
		Engine:     e.cfg.Name,
		Group:      e.cfg.Group,
		Management: e.cfg.Management.String(),
		Data:       e.cfg.Data.String(),
		Units:      e.duty.states(),
		Host:       e.cfg.Host,
		Cloud:      e.cfg.Cloud,
	}
	e.duty.tell(r)
	e.health.reached = e.health.reach()
	r.Reach = e.health.reached
	if e.config != nil {
		r.ConfigIndex = e.config.Index
	}
	for _, c := range e.cfg.Controllers {
		r.Build = ""
		if e.voice.For(c) >= release.FormatBuilds {
			r.Build = e.cfg.Version
		}
		e.env.Send(c, e.voice.Encode(c, &wire.Envelope_EngineReport{EngineReport: r})) // each message belongs to the world
	}
	patience := time.Duration(e.cfg.Timers.SEFailedHeartbeats) * e.cfg.Timers.SEHeartbeat.Std()
	if !e.headless && e.env.Now()-e.lastAnswered > patience {
		e.headless = true
		e.env.Emit(model.Event{Kind: model.EventHeadless})
	}
	e.env.SetTimer(timerReport, e.cfg.Timers.SEHeartbeat.Std())
}

// obey takes what the leader says. A leader of an earlier term is no leader any more.
func (e *Engine) obey(d *wire.EngineDirective) {
	if d.Term < e.term || d.Cluster != e.cfg.Cluster {
		return
	}
	e.term = d.Term
	e.lastAnswered = e.env.Now()
	if e.headless {
		e.headless = false
		e.env.Emit(model.Event{Kind: model.EventReattached, Peer: d.Leader, Term: d.Term})
	}
	e.learnControllers(d.Controllers)
	if len(d.Config) > 0 && (e.config == nil || d.ConfigIndex > e.config.Index) {
		e.configure(d.Config)
	}
	e.stream.redistribute(d.Collectors)
	for _, p := range d.Peers {
		e.duty.relayed(p)
	}
	if d.Ask {
		e.report()
	}
}

// configure runs a new configuration, once it is safe on disk.
func (e *Engine) configure(body []byte) {
	var c config.EngineConfig
	if json.Unmarshal(body, &c) != nil || c.Group.Name != e.cfg.Group {
		return
	}
	if err := e.saveConfig(body); err != nil {
		e.env.Emit(model.Event{Kind: model.EventDiskError, Detail: err.Error()})
		return // it is pushed again with the next report
	}
	e.noticeSleep() // while the disk wrote, it heard nobody
	e.apply(&c)
	e.report() // which acknowledges it
}

func (e *Engine) apply(c *config.EngineConfig) {
	before, every := e.config, e.heartbeat()
	first := before == nil
	e.config = c
	e.health.configure(before)
	e.gateways.configure()
	first = e.takeDuty() || first
	e.duty.configure(first)
	e.publish()
	e.changePace(before, every)
	e.env.Emit(model.Event{Kind: model.EventConfigured, Index: c.Index})
}

// saveConfig keeps the configuration: after a power loss the disk holds the old or the new one.
func (e *Engine) saveConfig(body []byte) error {
	return model.WriteDurable(e.env.Disk(), configFile, body)
}

func (e *Engine) loadConfig() {
	body, err := model.ReadDurable(e.env.Disk(), configFile)
	if errors.Is(err, model.ErrNotExist) {
		return
	}
	var c config.EngineConfig
	if err == nil {
		err = json.Unmarshal(body, &c)
	}
	if err != nil { // rather none than one that may be wrong
		e.env.Emit(model.Event{Kind: model.EventDiskError, Detail: err.Error()})
		return
	}
	e.apply(&c)
}

// publish hands the data path the services of this engine, each with the servers that are up.
func (e *Engine) publish() {
	services := make([]model.TableService, 0, len(e.config.Services))
	for _, vs := range e.config.Services {
		pool := e.config.Pool(vs.PoolRef)
		if vs.Disabled || pool == nil || e.duty == duty(&e.team) && !e.team.carries(vs.VIP) {
			continue
		}
		s := model.TableService{Name: vs.Name, Address: netip.AddrPortFrom(vs.VIP, vs.Port)}
		if e.duty == duty(&e.pair) {
			s.Former = e.pair.former()
			e.pair.asks = s.Former != nil
		}
		if e.duty == duty(&e.team) {
			s.Engines, s.Former = e.team.sharers(vs.VIP)
			s.Self = e.cfg.Data
		}
		s.Balance = balances[pool.LBAlgorithm]
		for _, server := range pool.Servers {
			if e.health.up(pool, server) {
				s.Servers = append(s.Servers, netip.AddrPortFrom(server.IP, server.Port))
			}
		}
		services = append(services, s)
	}
	e.env.Publish(model.NewTable(services))
}

// balances are the ways of balancing by their names; round robin is the default.
var balances = map[config.LBAlgorithm]model.Balance{
	config.LBRoundRobin:       model.BalanceRoundRobin,
	config.LBLeastConnections: model.BalanceLeastConnections,
	config.LBConsistentHash:   model.BalanceConsistentHash,
}
