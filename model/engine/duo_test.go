package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/disktest"
	"firedrill/model/wire"
)

// duo is two engines of one group, the network between them, which takes no time and keeps the order, back ends, and a
// leader who knows what the engines report.
type duo struct {
	testing.TB
	now      time.Duration
	stations []*station
	queue    []parcel
	held     []parcel // heartbeats kept back
	holding  bool
	cut      map[string]bool // from whom heartbeats are lost: "a", "b"
	away     bool            // the leader answers nobody
	term     uint64
	config   *config.EngineConfig
	reports  map[string]*wire.EngineReport
	heard    map[string]time.Duration
	members  []string // whom the leader names as the controllers
	trace    strings.Builder
}

type parcel struct {
	from *station
	to   netip.Addr
	data []byte
}

// station is one machine. It implements [model.Env] for the engine that runs on it.
type station struct {
	d         *duo
	name      string
	cfg       Config
	node      *Engine // nil while down
	disk      *disktest.Strict
	timers    map[model.TimerID]time.Duration
	checks    []pendingCheck
	addresses map[netip.Addr]bool
	announced map[netip.Addr]int
	sent      map[netip.Addr]int
	table     *model.Table
	dead      map[netip.Addr]bool // do not answer its checks
	asked     []model.Check
	random    *rand.Rand
	frozen    bool
	waiting   []parcel
	restarts  string // the version with which the process has asked to be restarted
}

type pendingCheck struct {
	id  model.CheckID
	ok  bool
	due time.Duration
}

var leaderIP = netip.MustParseAddr("198.18.0.11")

// newDuo makes the machines; nothing runs yet.
func newDuo(t testing.TB, timers config.Timers) *duo {
	d := &duo{TB: t, cut: map[string]bool{}, term: 1, reports: map[string]*wire.EngineReport{}, heard: map[string]time.Duration{},
		members: []string{leaderIP.String()}}
	for i, name := range []string{"a", "b"} {
		d.stations = append(d.stations, &station{d: d, name: name, disk: disktest.NewStrict(), dead: map[netip.Addr]bool{}, random: rand.New(rand.NewPCG(uint64(i), 1)),
			cfg: Config{Name: name, Group: "g", Management: mgmtIP(i), Data: dataIP(i), Controllers: []netip.Addr{leaderIP}, Timers: timers}})
	}
	return d
}

func mgmtIP(i int) netip.Addr   { return netip.AddrFrom4([4]byte{198, 18, 0, byte(101 + i)}) }
func dataIP(i int) netip.Addr   { return netip.AddrFrom4([4]byte{198, 18, 1, byte(101 + i)}) }
func vip(i int) netip.Addr      { return netip.AddrFrom4([4]byte{198, 18, 1, byte(1 + i)}) }
func serverIP(i int) netip.Addr { return netip.AddrFrom4([4]byte{198, 18, 3, byte(1 + i)}) }

func fastTimers(t testing.TB) config.Timers {
	timers, err := config.Profile("fast")
	if err != nil {
		t.Fatal(err)
	}
	timers.GARPRefresh = config.Duration(time.Minute) // so that tests see the bursts alone
	return timers
}

// groupOf is the configuration of a legacy pair with some services, each on an address of its own.
func groupOf(services int) *config.EngineConfig {
	c := &config.EngineConfig{Index: 1, Group: config.ServiceEngineGroup{Name: "g", HAMode: config.HAModeLegacyActiveStandby},
		Pools: []config.Pool{{Name: "pool", Servers: []config.Server{{IP: serverIP(0), Port: 80}}}}}
	for i, name := range []string{"a", "b"} {
		c.Engines = append(c.Engines, config.ServiceEngine{Name: name, GroupRef: "g", Management: mgmtIP(i), Data: dataIP(i)})
	}
	for i := range services {
		c.Services = append(c.Services, config.VirtualService{Name: fmt.Sprintf("vs%d", i), VIP: vip(i), Port: 80, PoolRef: "pool", SEGroupRef: "g"})
	}
	return c
}

// use makes the leader's configuration another one.
func (d *duo) use(change func(*config.EngineConfig)) {
	next := *d.config
	next.Services, next.Pools, next.Engines = slices.Clone(next.Services), slices.Clone(next.Pools), slices.Clone(next.Engines)
	change(&next)
	next.Index++
	d.config = &next
}

func (d *duo) station(name string) *station {
	for _, s := range d.stations {
		if s.name == name {
			return s
		}
	}
	d.Fatalf("there is no engine %q", name)
	return nil
}

func (s *station) start() {
	s.timers, s.addresses, s.announced, s.sent = map[model.TimerID]time.Duration{}, map[netip.Addr]bool{}, map[netip.Addr]int{}, map[netip.Addr]int{}
	s.checks, s.waiting, s.table, s.frozen = nil, nil, nil, false
	s.node = New(s.cfg)
	s.node.Start(s)
}

// stop ends the process; its disk is to be what the caller makes of it.
func (s *station) stop() { s.node, s.timers, s.addresses, s.checks = nil, nil, nil, nil }

func (s *station) Now() time.Duration                             { return s.d.now }
func (s *station) Wall() time.Time                                { return time.Unix(0, 0) }
func (s *station) SetTimer(id model.TimerID, after time.Duration) { s.timers[id] = s.d.now + after }
func (s *station) StopTimer(id model.TimerID)                     { delete(s.timers, id) }
func (s *station) Traffic(func(*model.TrafficSample))             {}
func (s *station) Restart(version string)                         { s.restarts = version }
func (s *station) Disk() model.Disk                               { return s.disk }
func (s *station) Rand() *rand.Rand                               { return s.random }
func (s *station) Publish(t *model.Table)                         { s.table = t }
func (s *station) AddAddress(ip netip.Addr)                       { s.addresses[ip] = true }
func (s *station) RemoveAddress(ip netip.Addr)                    { delete(s.addresses, ip) }

func (s *station) Announce(ip netip.Addr) {
	if !s.addresses[ip] {
		s.d.Errorf("%s announces %s, which it does not hold", s.name, ip)
	}
	s.announced[ip]++
}

// Check is answered at once by who lives; a dead host lets the time run out.
func (s *station) Check(id model.CheckID, c model.Check) {
	s.asked = append(s.asked, c)
	p := pendingCheck{id, !s.dead[c.Target.Addr()], s.d.now + time.Millisecond}
	if !p.ok {
		p.due = s.d.now + c.Timeout
	}
	s.checks = append(s.checks, p)
}

func (s *station) Send(to netip.Addr, data []byte) {
	s.sent[to]++
	s.d.queue = append(s.d.queue, parcel{s, to, data})
}

func (s *station) Emit(e model.Event) {
	switch e.Kind {
	case model.EventActive, model.EventStandby:
		fmt.Fprintf(&s.d.trace, "%v %s: %s %s, epoch %d: %s\n", s.d.now, s.name, e.Kind, e.Unit, e.Term, e.Detail)
	case model.EventSuspected, model.EventHeadless, model.EventReattached, model.EventDiskError:
		fmt.Fprintf(&s.d.trace, "%v %s: %s\n", s.d.now, s.name, e.Kind)
	case model.EventConfigured:
		fmt.Fprintf(&s.d.trace, "%v %s: %s %d\n", s.d.now, s.name, e.Kind, e.Index)
	case model.EventServerUp, model.EventServerDown, model.EventGatewayUp, model.EventGatewayDown:
		fmt.Fprintf(&s.d.trace, "%v %s: %s %s\n", s.d.now, s.name, e.Kind, e.Peer)
	}
}

func (d *duo) deliver() {
	for len(d.queue) > 0 {
		p := d.queue[0]
		d.queue = d.queue[1:]
		if p.to == leaderIP {
			d.lead(p)
			continue
		}
		for _, s := range d.stations {
			if s.cfg.Data == p.to && !d.cut[p.from.name] || s.cfg.Management == p.to && p.from == nil {
				d.hand(s, p)
			}
		}
	}
}

func (d *duo) hand(s *station, p parcel) {
	switch {
	case s.node == nil:
	case d.holding && p.from != nil:
		d.held = append(d.held, p)
	case s.frozen:
		s.waiting = append(s.waiting, p)
	default:
		s.node.Receive(p.to, p.data)
	}
}

// lead is what the leader does with a report: it notes it and answers.
func (d *duo) lead(p parcel) {
	body, err := wire.Decode(p.data)
	if err != nil {
		d.Fatal(err)
	}
	r, ok := body.(*wire.Envelope_EngineReport)
	if !ok || d.away {
		return
	}
	d.reports[p.from.name], d.heard[p.from.name] = r.EngineReport, d.now
	d.direct(p.from)
}

// direct sends the leader's word to an engine.
func (d *duo) direct(s *station) {
	v := &wire.EngineDirective{Term: d.term, Leader: "leader", Controllers: d.members}
	if d.config != nil {
		v.ConfigIndex = d.config.Index
		if r := d.reports[s.name]; r == nil || r.ConfigIndex < d.config.Index {
			v.Config, _ = json.Marshal(d.config)
		}
	}
	for _, other := range slices.Sorted(maps.Keys(d.reports)) {
		if other != s.name {
			v.Peers = append(v.Peers, &wire.PeerReport{Engine: other, AgeNs: uint64(d.now - d.heard[other]), Units: d.reports[other].Units})
		}
	}
	d.hand(s, parcel{nil, s.cfg.Management, wire.Encode(&wire.Envelope_EngineDirective{EngineDirective: v})})
}

// pass lets time go by: what is due happens in its order, and at one time in the order of machines.
func (d *duo) pass(dt time.Duration) {
	end := d.now + dt
	for {
		d.deliver()
		var next *station
		var timer model.TimerID
		check, at := -1, end+1
		for _, s := range d.stations {
			if s.node == nil || s.frozen {
				continue
			}
			for _, id := range slices.Sorted(maps.Keys(s.timers)) {
				if due := max(s.timers[id], d.now); due < at {
					next, timer, check, at = s, id, -1, due
				}
			}
			for i, c := range s.checks {
				if due := max(c.due, d.now); due < at {
					next, check, at = s, i, due
				}
			}
		}
		if next == nil {
			d.now = end
			return
		}
		d.now = at
		if check >= 0 {
			c := next.checks[check]
			next.checks = slices.Delete(next.checks, check, check+1)
			next.node.Checked(c.id, c.ok)
			continue
		}
		delete(next.timers, timer)
		next.node.Timer(timer)
	}
}

func (s *station) wake() {
	s.frozen = false
	s.d.queue = append(s.waiting, s.d.queue...)
	s.waiting = nil
}

// holders says who holds which addresses, and how often each was announced since the last time that this was asked.
func (d *duo) holders() string {
	var b strings.Builder
	for _, s := range d.stations {
		if s.node == nil {
			fmt.Fprintf(&b, "%s: down\n", s.name)
			continue
		}
		fmt.Fprintf(&b, "%s:", s.name)
		for _, ip := range slices.SortedFunc(maps.Keys(s.addresses), netip.Addr.Compare) {
			fmt.Fprintf(&b, " %s", ip)
			if n := s.announced[ip]; n > 0 {
				fmt.Fprintf(&b, " (announced %d)", n)
			}
		}
		clear(s.announced)
		b.WriteString("\n")
	}
	return b.String()
}
