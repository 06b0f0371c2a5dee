package controller

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"firedrill/model/config"
	"firedrill/model/wire"
)

// The size that the leader has to bear: what it does per engine or per service must not grow with the others.
const (
	largeGroups, largeEngines, largeServices = 10, 1000, 10000

	largePlaces  = 5 * time.Second // CPU, for all engines to join and all services to be placed; some 1.5 s on the machine where this was written
	largeRepairs = time.Second     // for 100 engines to be found dead and their services to be placed elsewhere; some 0.2 s
)

// fleetOf is a controller and many engines, which report, and acknowledge what they were sent with the next report.
type fleetOf struct {
	*world
	running []uint64      // by engine: the configuration that it runs
	quiet   map[int]bool  // engines that are dead
	took    time.Duration // what the controller has spent
}

func largeIP(net, i int) netip.Addr {
	return netip.AddrFrom4([4]byte{198, byte(net), byte(i / 200), byte(i%200 + 20)})
}

func (l *fleetOf) name(i int) string { return fmt.Sprintf("engine-%04d", i) }

// spend lets the controller do something, and counts its time.
func (l *fleetOf) spend(do func()) {
	begin := time.Now()
	do()
	l.took += time.Since(begin)
}

// round is one heartbeat of all engines, spread over its time.
func (l *fleetOf) round() {
	c := l.hosts[0]
	every := c.cfg.Timers.SEHeartbeat.Std()
	for i := range l.running {
		if !l.quiet[i] {
			g := i % largeGroups
			r := &wire.EngineReport{Engine: l.name(i), Group: fmt.Sprintf("group-%d", g), Management: largeIP(20, i).String(), Data: largeIP(21, i).String(), ConfigIndex: l.running[i]}
			for j := g; j < len(l.running); j += largeGroups {
				if j != i && l.quiet[j] {
					r.Silent = append(r.Silent, l.name(j))
				} else if j != i {
					r.Hears = append(r.Hears, l.name(j))
				}
			}
			msg := wire.Encode(&wire.Envelope_EngineReport{EngineReport: r})
			l.spend(func() { c.node.Receive(largeIP(20, i), msg) })
		}
		l.spend(func() { l.pass(every / time.Duration(len(l.running))) })
		l.read()
	}
}

// read takes what engines were sent.
func (l *fleetOf) read() {
	for _, p := range l.mail {
		if body, err := wire.Decode(p.data); err == nil {
			if d, ok := body.(*wire.Envelope_EngineDirective); ok && len(d.EngineDirective.Config) > 0 {
				a := p.to.As4()
				l.running[int(a[2])*200+int(a[3])-20] = d.EngineDirective.ConfigIndex
			}
		}
	}
	l.mail = l.mail[:0]
}

// unplaced counts the services that have no live engine.
func (l *fleetOf) unplaced() int {
	n := largeServices
	for _, entry := range l.hosts[0].node.machine.List(config.KindPlacement) {
		for _, s := range entry.Object.(*config.Placement).Services {
			for _, e := range s.Engines {
				var i int
				if _, err := fmt.Sscanf(e, "engine-%d", &i); err == nil && !l.quiet[i] {
					n--
				}
			}
		}
	}
	return n
}

// TestLarge places 10,000 services on 1,000 engines, live, and repairs the loss of 100.
func TestLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of CPU")
	}
	l := &fleetOf{world: newWorld(t, 1), running: make([]uint64, largeEngines), quiet: map[int]bool{}}
	object := func(do wire.Operation, kind config.Kind, name, body string) {
		l.asked++
		l.queue = append(l.queue, packet{clientIP, l.hosts[0].cfg.Address, wire.Encode(&wire.Envelope_Request{Request: &wire.Request{
			Client: "admin", Sequence: l.asked, Operation: do, Kind: string(kind), Name: name, Body: []byte(body)}})})
		if l.asked%200 == 0 { // as fast as the disk takes them: one plan for many
			l.spend(func() { l.pass(50 * time.Millisecond) })
			l.mail = l.mail[:0]
		}
	}
	object(wire.Operation_OPEN, "", "", "")
	for g := range largeGroups {
		name := fmt.Sprintf("group-%d", g)
		object(wire.Operation_CREATE, config.KindServiceEngineGroup, name, fmt.Sprintf(`{"name":%q,"ha_mode":"HA_MODE_SHARED","max_se":1000,"max_vs_per_se":12}`, name))
	}
	object(wire.Operation_CREATE, config.KindPool, "web", `{"name":"web","servers":[]}`)
	for i := range largeServices {
		name := fmt.Sprintf("vs-%05d", i)
		object(wire.Operation_CREATE, config.KindVirtualService, name, fmt.Sprintf(`{"name":%q,"vip":"198.19.%d.%d","port":80,"pool_ref":"web","se_group_ref":"group-%d"}`,
			name, i/200, i%200+1, i%largeGroups))
	}
	l.spend(func() { l.pass(50 * time.Millisecond) })
	t.Logf("configured in %v", l.took)
	l.took = 0
	rounds := 0
	for ; l.unplaced() > 0 && rounds < 40; rounds++ {
		l.round()
	}
	t.Logf("placed in %v of CPU and %d heartbeats; %d unplaced", l.took, rounds, l.unplaced())
	if l.took > largePlaces || l.unplaced() > 0 {
		t.Errorf("at most %v are allowed", largePlaces)
	}
	for range 4 {
		l.round()
	}
	l.took = 0
	l.round()
	t.Logf("a quiet heartbeat of all engines takes %v", l.took)
	for i := range 100 {
		l.quiet[i*10+i%10] = true
	}
	l.took, rounds = 0, 0
	for ; l.unplaced() > 0 && rounds < 40; rounds++ {
		l.round()
	}
	t.Logf("repaired in %v of CPU and %d heartbeats", l.took, rounds)
	if l.took > largeRepairs || l.unplaced() > 0 {
		t.Errorf("at most %v are allowed; %d services have no engine", largeRepairs, l.unplaced())
	}
}
