package engine

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"firedrill/model"
	"firedrill/model/config"
)

// monitored is a pair whose pool has two servers under a monitor.
func monitored(t *testing.T, monitor config.HealthMonitor) *duo {
	d := newDuo(t, fastTimers(t))
	d.config = groupOf(1)
	monitor.Name = "m"
	d.config.Monitors = []config.HealthMonitor{monitor}
	d.config.Pools[0].HealthMonitorRefs = []string{"m"}
	d.config.Pools[0].Servers = []config.Server{{IP: serverIP(0), Port: 80}, {IP: serverIP(1), Port: 81}}
	return d
}

// servers are those that the data path of an engine hands flows to.
func (s *station) servers(service int) []string {
	var out []string
	for nth := range uint64(8) {
		d := s.table.Lookup(model.Flow{Client: netip.AddrPortFrom(netip.MustParseAddr("198.18.9.9"), 4000), Service: netip.AddrPortFrom(vip(service), 80)}, model.Load{Taken: func(string) uint64 { return nth }})
		if d.Action == model.ActionServe && !slices.Contains(out, d.Server.String()) {
			out = append(out, d.Server.String())
		}
	}
	slices.Sort(out)
	return out
}

func (s *station) wantServers(t *testing.T, when string, want ...string) {
	t.Helper()
	if got := s.servers(0); !slices.Equal(got, want) {
		t.Errorf("%s: flows go to %v, want %v", when, got, want)
	}
}

// TestRiseAndFall: the first answer decides; after that a server goes down and comes up by as many answers in a row as
// the monitor wants, and one that contradicts begins the count anew.
func TestRiseAndFall(t *testing.T) {
	const first, second = "198.18.3.1:80", "198.18.3.2:81"
	d := monitored(t, config.HealthMonitor{Type: config.MonitorTCP, SendInterval: config.Duration(time.Second), ReceiveTimeout: config.Duration(100 * time.Millisecond), FailedChecks: 3, SuccessfulChecks: 2})
	a := d.station("a")
	a.dead[serverIP(1)] = true
	a.start()
	d.deliver()
	a.wantServers(t, "before the first answer")
	d.pass(time.Second)
	a.wantServers(t, "after the first answer", first)

	a.dead[serverIP(1)] = false
	d.pass(time.Second)
	a.wantServers(t, "after one good answer", first)
	d.pass(time.Second)
	a.wantServers(t, "after two", first, second)

	a.dead[serverIP(0)] = true
	d.pass(2 * time.Second)
	a.wantServers(t, "after two bad answers", first, second)
	a.dead[serverIP(0)] = false
	d.pass(time.Second)
	a.dead[serverIP(0)] = true
	d.pass(2 * time.Second)
	a.wantServers(t, "after two more, with a good one between", first, second)
	d.pass(time.Second)
	a.wantServers(t, "after three in a row", second)
	a.dead[serverIP(1)] = true
	d.pass(4 * time.Second)
	a.wantServers(t, "when all are down")
}

// TestMonitorKinds: a monitor asks as its type says.
func TestMonitorKinds(t *testing.T) {
	for _, c := range []struct {
		monitor config.HealthMonitor
		want    model.Check
	}{
		{config.HealthMonitor{Type: config.MonitorTCP}, model.Check{Kind: model.CheckTCP, Timeout: 500 * time.Millisecond}},
		{config.HealthMonitor{Type: config.MonitorHTTP}, model.Check{Kind: model.CheckHTTP, Path: "/", Timeout: 500 * time.Millisecond}},
		{config.HealthMonitor{Type: config.MonitorHTTP, HTTPPath: "/health", ReceiveTimeout: config.Duration(time.Millisecond)}, model.Check{Kind: model.CheckHTTP, Path: "/health", Timeout: time.Millisecond}},
		{config.HealthMonitor{Type: config.MonitorPing}, model.Check{Kind: model.CheckPing, Timeout: 500 * time.Millisecond}},
	} {
		d := monitored(t, c.monitor)
		a := d.station("a")
		a.start()
		d.pass(time.Second)
		c.want.Target = netip.AddrPortFrom(serverIP(0), 80)
		if !slices.Contains(a.asked, c.want) {
			t.Errorf("%v asks %+v, want %+v", c.monitor, a.asked, c.want)
		}
	}
}

// TestChecksUnderChange: a server that dies is found dead in its time, however often the configuration changes: neither
// the next check nor the answer to the last one is lost.
func TestChecksUnderChange(t *testing.T) {
	d := monitored(t, config.HealthMonitor{Type: config.MonitorTCP, SendInterval: config.Duration(time.Second), ReceiveTimeout: config.Duration(500 * time.Millisecond), FailedChecks: 2})
	a := d.station("a")
	a.start()
	d.pass(5 * time.Second)
	a.wantServers(t, "at first", "198.18.3.1:80", "198.18.3.2:81")
	a.dead[serverIP(0)] = true
	for i := range 20 {
		d.use(func(c *config.EngineConfig) { c.Pools[0].Description = strings.Repeat("x", i+1) })
		d.direct(a)
		d.pass(200 * time.Millisecond)
	}
	a.wantServers(t, "after 4 s of changes", "198.18.3.2:81")
}

// TestGatewaysUnderChange: the same of gateways.
func TestGatewaysUnderChange(t *testing.T) {
	d := newDuo(t, fastTimers(t))
	d.config = groupOf(1)
	d.config.Group.GatewayMon = []netip.Addr{serverIP(9)}
	a := d.station("a")
	a.start()
	d.pass(5 * time.Second)
	a.dead[serverIP(9)] = true
	for i := range 75 {
		d.use(func(c *config.EngineConfig) { c.Pools[0].Description = strings.Repeat("x", i+1) })
		d.direct(a)
		d.pass(200 * time.Millisecond)
	}
	if a.node.gateways.lost() != 1 {
		t.Error("the gateway is not found lost in 15 s of changes")
	}
}

// TestServerAddedAndRemoved: a configuration begins with what is new and forgets what is gone; what stays keeps its
// state.
func TestServerAddedAndRemoved(t *testing.T) {
	d := monitored(t, config.HealthMonitor{Type: config.MonitorTCP})
	a := d.station("a")
	a.dead[serverIP(1)] = true
	a.start()
	d.pass(5 * time.Second)
	d.use(func(c *config.EngineConfig) {
		c.Pools[0].Servers = []config.Server{{IP: serverIP(1), Port: 81}, {IP: serverIP(2), Port: 82}}
	})
	d.direct(a)
	a.wantServers(t, "at once")
	d.pass(time.Second)
	a.wantServers(t, "after a check", "198.18.3.3:82")
	d.use(func(c *config.EngineConfig) { c.Pools[0].HealthMonitorRefs = nil })
	d.direct(a)
	a.wantServers(t, "without monitors", "198.18.3.2:81", "198.18.3.3:82")
	asked := len(a.asked)
	d.pass(5 * time.Second)
	if len(a.asked) != asked {
		t.Error("it still checks")
	}
}

// TestStandbyRests: where the group does not want it, a standby checks nothing; when it takes over it trusts the servers
// until the first answers decide.
func TestStandbyRests(t *testing.T) {
	d := monitored(t, config.HealthMonitor{Type: config.MonitorTCP})
	off := false
	d.config.Group.HMOnStandby = &off
	a, b := d.station("a"), d.station("b")
	a.start()
	b.start()
	d.pass(5 * time.Second)
	if len(a.asked) == 0 || len(b.asked) != 0 {
		t.Fatalf("the active engine checked %d times, the standby %d", len(a.asked), len(b.asked))
	}
	b.dead[serverIP(0)] = true
	a.stop()
	for !b.addresses[vip(0)] {
		d.pass(time.Millisecond)
	}
	b.wantServers(t, "at the takeover", "198.18.3.1:80", "198.18.3.2:81")
	d.pass(2 * time.Second)
	b.wantServers(t, "when it has checked", "198.18.3.2:81")
}
