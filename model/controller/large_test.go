package controller

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"firedrill/model/config"
	"firedrill/model/wire"
)

// largeGroups is in how many groups the engines of a large site are.
const largeGroups = 10

// fleetOf is a controller and many engines, which report, and acknowledge what they were sent with the next report.
type fleetOf struct {
	*world
	services int
	running  []uint64      // by engine: the configuration that it runs
	quiet    map[int]bool  // engines that are dead
	took     time.Duration // what the controller has spent
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
	n := l.services
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

// settle lets heartbeats go by until every service has a live engine, and returns what that has cost.
func (l *fleetOf) settle() (took time.Duration, heartbeats int) {
	l.took = 0
	for ; l.unplaced() > 0; heartbeats++ {
		if heartbeats == 40 {
			l.Fatalf("%d services have no engine", l.unplaced())
		}
		l.round()
	}
	return l.took, heartbeats
}

// newFleet is a controller with the configuration of a large site, whose engines have not come yet.
func newFleet(t testing.TB, engines, services int) *fleetOf {
	l := &fleetOf{world: newWorld(t, 1), services: services, running: make([]uint64, engines), quiet: map[int]bool{}}
	object := func(do wire.Operation, kind config.Kind, name, body string) {
		l.asked++
		l.queue = append(l.queue, packet{clientIP, l.hosts[0].cfg.Address, wire.Encode(&wire.Envelope_Request{Request: &wire.Request{
			Client: "admin", Sequence: l.asked, Operation: do, Kind: string(kind), Name: name, Body: []byte(body)}})})
		if l.asked%200 == 0 { // as fast as the disk takes them: one plan for many
			l.pass(50 * time.Millisecond)
			l.mail = l.mail[:0]
		}
	}
	object(wire.Operation_OPEN, "", "", "")
	for g := range largeGroups {
		name := fmt.Sprintf("group-%d", g)
		object(wire.Operation_CREATE, config.KindServiceEngineGroup, name, fmt.Sprintf(`{"name":%q,"ha_mode":"HA_MODE_SHARED","max_se":1000,"max_vs_per_se":12}`, name))
	}
	object(wire.Operation_CREATE, config.KindPool, "web", `{"name":"web","servers":[]}`)
	for i := range services {
		name := fmt.Sprintf("vs-%05d", i)
		object(wire.Operation_CREATE, config.KindVirtualService, name, fmt.Sprintf(`{"name":%q,"vip":"198.19.%d.%d","port":80,"pool_ref":"web","se_group_ref":"group-%d"}`,
			name, i/200, i%200+1, i%largeGroups))
	}
	l.pass(time.Second)
	return l
}

// lose takes every tenth engine away.
func (l *fleetOf) lose() {
	for i := 0; i < len(l.running); i += 10 {
		l.quiet[i+i/10%10] = true
	}
}

// TestLarge places the services of a site of a fifth of the size that a leader has to bear, and repairs the loss of every
// tenth engine. The bounds are far from what it takes; something that costs more per engine with every engine breaks them.
func TestLarge(t *testing.T) {
	l := newFleet(t, 200, 2000)
	if took, heartbeats := l.settle(); took > 10*time.Second || heartbeats > 6 {
		t.Errorf("placed in %v and %d heartbeats", took, heartbeats)
	}
	l.round()
	l.lose()
	if took, heartbeats := l.settle(); took > 3*time.Second || heartbeats > 4 {
		t.Errorf("repaired in %v and %d heartbeats", took, heartbeats)
	}
}

// BenchmarkLarge is the size that a leader has to bear: 1,000 engines join and 10,000 services are placed, live; and the
// loss of 100 engines is repaired. It tells what the leader spends on either, and on a heartbeat of all engines.
func BenchmarkLarge(b *testing.B) {
	for b.Loop() {
		l := newFleet(b, 1000, 10000)
		placing, _ := l.settle()
		for range 4 {
			l.round()
		}
		l.took = 0
		l.round()
		quiet := l.took
		l.lose()
		repair, _ := l.settle()
		b.ReportMetric(placing.Seconds(), "s/placing")
		b.ReportMetric(quiet.Seconds(), "s/heartbeat")
		b.ReportMetric(repair.Seconds(), "s/repair")
	}
}
