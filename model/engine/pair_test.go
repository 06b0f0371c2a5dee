package engine

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"firedrill/model/config"
	"firedrill/model/wire"
)

// TestPair plays scripts on two engines of a legacy pair. The answer to a command is what the engines said of themselves
// meanwhile; holders tells who answers for which address. Commands:
//
//	new [services=N] [profile=P]     two machines and the leader's configuration; then start them
//	start E..., crash E...           crash takes the power; what was synced stays
//	freeze E..., wake E...           the process stands still; messages wait for it
//	cut E..., heal                   heartbeats of these engines are lost
//	hold [no-more]                   heartbeats are kept back, until they are no more; those that were stay so
//	release [reverse] [twice]        those that were kept back are delivered
//	dead ADDRESS [for=E], alive ...  a back end or a gateway answers one engine, or both, no more
//	leader away|back
//	yield E TO                       the leader wants an engine to hand over what it serves
//	config FIELD=VALUE...            the leader's next configuration, which engines get with their next report
//	pass DURATION
//	holders
func TestPair(t *testing.T) {
	datadriven.Walk(t, "testdata/pair", func(t *testing.T, path string) {
		var d *duo
		datadriven.RunTest(t, path, func(t *testing.T, c *datadriven.TestData) string {
			if d != nil {
				d.TB = t
			}
			switch c.Cmd {
			case "new":
				timers := fastTimers(t)
				services := 2
				for _, a := range c.CmdArgs {
					switch a.Key {
					case "services":
						services, _ = strconv.Atoi(a.Vals[0])
					case "profile":
						timers, _ = config.Profile(a.Vals[0])
					}
				}
				d = newDuo(t, timers)
				d.config = groupOf(services)
			case "start", "crash", "freeze", "wake", "cut":
				for _, a := range c.CmdArgs {
					s := d.station(a.Key)
					switch c.Cmd {
					case "start":
						s.start()
					case "crash":
						s.stop()
						s.disk.Power()
					case "freeze":
						s.frozen = true
					case "wake":
						s.wake()
					case "cut":
						d.cut[s.name] = true
					}
				}
				d.deliver()
			case "dead", "alive":
				for _, s := range d.stations {
					if who := ""; !c.MaybeScanArgs(t, "for", &who) || who == s.name {
						s.dead[netip.MustParseAddr(c.CmdArgs[0].Key)] = c.Cmd == "dead"
					}
				}
			case "yield":
				from, to := d.station(c.CmdArgs[0].Key), d.station(c.CmdArgs[1].Key)
				from.node.Receive(leaderIP, wire.Encode(&wire.Envelope_UpgradeOrder{UpgradeOrder: &wire.UpgradeOrder{
					Term: from.node.term, Life: from.node.pair.life, Yield: to.name,
				}}))
				d.deliver()
			case "heal":
				clear(d.cut)
			case "hold":
				d.holding = !c.HasArg("no-more")
			case "release":
				d.release(c.HasArg("reverse"), c.HasArg("twice"))
			case "leader":
				d.away = c.HasArg("away")
			case "config":
				d.use(func(e *config.EngineConfig) { configure(t, e, c.CmdArgs) })
			case "pass":
				dt, err := time.ParseDuration(c.CmdArgs[0].Key)
				if err != nil {
					t.Fatal(err)
				}
				d.pass(dt)
			case "holders":
				return d.holders()
			default:
				t.Fatalf("unknown command %q", c.Cmd)
			}
			out := d.trace.String()
			d.trace.Reset()
			return out
		})
	})
}

// release delivers the heartbeats that were kept back.
func (d *duo) release(reverse, twice bool) {
	held := d.held
	d.held, d.holding = nil, false
	if twice {
		held = append(held, held...)
	}
	for i := range held {
		p := held[i]
		if reverse {
			p = held[len(held)-1-i]
		}
		for _, s := range d.stations {
			if s.cfg.Data == p.to && s.node != nil {
				s.node.Receive(p.to, append([]byte(nil), p.data...))
			}
		}
	}
	d.deliver()
}

// configure changes a group as a script says.
func configure(t *testing.T, c *config.EngineConfig, args []datadriven.CmdArg) {
	for _, a := range args {
		value := strings.Join(a.Vals, ",")
		switch a.Key {
		case "distribute":
			c.Group.DistributeLoad = value == "true"
		case "auto":
			c.Group.AutoRedistribute = value == "true"
		case "services":
			n, _ := strconv.Atoi(value)
			c.Services = groupOf(n).Services
		case "shared-vip": // all services on the first address
			for i := range c.Services {
				c.Services[i].VIP, c.Services[i].Port = vip(0), uint16(80+i)
			}
		case "drop":
			c.Services = slices.DeleteFunc(c.Services, func(vs config.VirtualService) bool { return vs.Name == value })
		case "without":
			c.Engines = slices.DeleteFunc(c.Engines, func(e config.ServiceEngine) bool { return e.Name == value })
		case "with": // only a and b have addresses in these scripts
			c.Engines = append(c.Engines, groupOf(0).Engines[slices.Index([]string{"a", "b"}, value)])
		case "disable":
			for i := range c.Services {
				c.Services[i].Disabled = c.Services[i].Name == value
			}
		case "floating":
			c.Group.FloatingIPs = append(c.Group.FloatingIPs[:0:0], vip(50))
		case "gateway":
			c.Group.GatewayMon = []netip.Addr{netip.MustParseAddr(value)}
		case "heartbeat":
			d, err := time.ParseDuration(value)
			if err != nil {
				t.Fatal(err)
			}
			c.Group.HBFrequency = config.Duration(d)
		case "description":
			c.Pools[0].Description = value
		default:
			t.Fatalf("unknown field %q", a.Key)
		}
	}
}

// TestSeniority: an engine whose name has a higher number came later, however the names sort.
func TestSeniority(t *testing.T) {
	for _, c := range []struct{ names, want string }{
		{"engine-1 engine-2", "engine-1 engine-2"},
		{"Avi-se-145 Avi-se-61", "Avi-se-61 Avi-se-145"},
		{"Avi-se-100 Avi-se-99", "Avi-se-99 Avi-se-100"},
		{"left right", "left right"},
		{"a-10 b-9", "a-10 b-9"},
		{"9 10", "9 10"},
	} {
		var engines []config.ServiceEngine
		for _, name := range strings.Fields(c.names) {
			engines = append(engines, config.ServiceEngine{Name: name})
		}
		for range 2 {
			var got []string
			for _, e := range bySeniority(engines) {
				got = append(got, e.Name)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%s: %s, want %s", c.names, got, c.want)
			}
			slices.Reverse(engines)
		}
	}
}
