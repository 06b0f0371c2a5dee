package real

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"firedrill/checker/history"
	"firedrill/model/cloud"
	"firedrill/real/node"
	"firedrill/scenarios"
)

// bench is a plant whose machines are none: it writes down what is done to them, and when.
type bench struct {
	t     *testing.T
	began time.Time

	mu  sync.Mutex
	log []string
}

func (b *bench) add(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = append(b.log, fmt.Sprintf("%v ", time.Since(b.began).Round(100*time.Millisecond))+fmt.Sprintf(format, args...))
}

func (b *bench) create(n scenarios.Node) (*machine, error) {
	b.add("create %s on %s", n.Name, n.Host)
	time.Sleep(200 * time.Millisecond)
	return &machine{Node: n}, nil
}

func (b *bench) enrol(m *machine, as node.Made) {
	m.Node = as.Node
	b.add("%s is engine %d of %s, boots %s, reports to %v", m.Name, as.Node.Number, as.Cloud, as.Image, as.Controllers)
}

func (b *bench) power(m *machine) error {
	time.Sleep(300 * time.Millisecond)
	b.add("%s runs", m.Name)
	return nil
}

func (b *bench) reset(ctx context.Context, m *machine, after time.Duration) error {
	b.add("reset %s", m.Name)
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(after):
	}
	m.cold.Store(false)
	b.add("%s runs", m.Name)
	return nil
}

func (b *bench) scrap(m *machine) error { b.add("scrap %s", m.Name); return nil }
func (b *bench) note(e history.Event)   { b.add("%s: %s %s%s", e.Node, e.Event, e.Peer, e.Detail) }
func (b *bench) broken(err error)       { b.t.Errorf("the run broke: %v", err) }

// benchCloud has one engine of the plan on host-a, so that the first that it makes is engine-2.
const benchCloud = `
name: bench
about: A cloud with two hosts.
duration: 20s
topology:
  controllers: 1
  engines: [{group: shared, count: 1}]
  hosts: [{name: host-a, rack: north, nodes: [engine-1]}]
  cloud:
    hosts: [{name: host-b, slots: 1}, {name: host-a, rack: north, slots: 2}]
    boot: 1s..1s
config:
  clouds: [{name: lab, access: WRITE_ACCESS}]
  service_engine_groups: [{name: shared, cloud_ref: lab, ha_mode: HA_MODE_SHARED}]
`

// cloudTest is a hypervisor, the management that calls it, and what that was shown last.
type cloudTest struct {
	*hypervisor
	bench *bench
	voice *voice
	calls uint64

	mu   sync.Mutex
	seen *node.Hardware
}

func newCloudTest(t *testing.T) *cloudTest {
	plan, err := scenarios.Parse("bench.yaml", []byte(benchCloud))
	if err != nil {
		t.Fatal(err)
	}
	c := &cloudTest{bench: &bench{t: t, began: time.Now()}}
	c.hypervisor = newHypervisor(plan, 1, c.bench)
	ours, theirs := net.Pipe()
	c.voice = &voice{ear: ours}
	t.Cleanup(func() { ours.Close() })
	go func() {
		for in := bufio.NewScanner(theirs); in.Scan(); {
			var m node.Message
			if err := json.Unmarshal(in.Bytes(), &m); err != nil || m.Hardware == nil {
				t.Errorf("told %q: %v", in.Text(), err)
			}
			c.mu.Lock()
			c.seen = m.Hardware
			c.mu.Unlock()
		}
	}()
	return c
}

func (c *cloudTest) call(what node.Call) {
	c.calls++
	what.Number = c.calls
	c.called(c.voice, what)
}

func (c *cloudTest) build(name, host string) {
	c.call(node.Call{Build: &cloud.Machine{Name: name, Group: "shared", Host: host, Image: "16.2"}})
}

// shows is what the management was shown last, in short.
func (c *cloudTest) shows() string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		return "nothing"
	}
	var out []string
	for _, h := range c.seen.Hosts {
		text := fmt.Sprintf("%s %d", h.Name, h.Free)
		if h.Down {
			text += " down"
		}
		out = append(out, text)
	}
	for _, m := range c.seen.Machines {
		out = append(out, fmt.Sprintf("%s %s", m.Name, m.State))
	}
	return strings.Join(out, ", ")
}

func TestAnEngineIsMadeAndDestroyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloudTest(t)
		want := func(when, shows string) {
			t.Helper()
			if got := c.shows(); got != shows {
				t.Errorf("%s it shows %q, want %q", when, got, shows)
			}
		}
		want("before anybody asks", "nothing")
		c.call(node.Call{})
		want("at first", "host-a 1, host-b 1")
		c.build("b", "host-b")
		c.build("a", "host-a")
		c.build("a", "host-a")
		want("while they boot", "host-a 0, host-b 0, a booting, b booting")
		time.Sleep(1400 * time.Millisecond)
		want("when they run", "host-a 0, host-b 0, a running, b running")
		c.call(node.Call{Reboot: "b"})
		want("while one reboots", "host-a 0, host-b 0, a running, b stopped")
		c.call(node.Call{Reboot: "b"})
		c.call(node.Call{Reboot: "c"})
		c.call(node.Call{Destroy: "a"})
		c.call(node.Call{Destroy: "c"})
		want("when one is destroyed", "host-a 1, host-b 0, b stopped")
		time.Sleep(1100 * time.Millisecond)
		want("when the other is back", "host-a 1, host-b 0, b running")
		if c.seen.After != c.calls {
			t.Errorf("that is after call %d of %d", c.seen.After, c.calls)
		}
		c.build("d", "host-a")
		time.Sleep(500 * time.Millisecond)
		c.close()
		c.build("e", "host-a")
		got := strings.Join(c.bench.log, "\n")
		// The two that boot at one moment do so in any order.
		wanted := []string{
			"0s cloud-1: engine_created bhost-b", "0s cloud-1: engine_created ahost-a", "0s create a on host-a", "0s create b on host-b",
			"1s a is engine [23] of cloud-1, boots 16.2, reports to []", "1s b is engine [23] of cloud-1, boots 16.2, reports to []", "1.3s a runs", "1.3s b runs",
			"1.4s reset b", "1.4s scrap a", "1.4s cloud-1: engine_deleted a", "2.4s b runs",
			"2.5s cloud-1: engine_created dhost-a", "2.5s create d on host-a", "3s scrap d",
		}
		if n := strings.Count(got, "\n") + 1; n != len(wanted) || !strings.Contains(got, "engine 2") || !strings.Contains(got, "engine 3") {
			t.Errorf("%d things happened:\n%s", n, got)
		}
		for _, line := range wanted {
			if !slices.ContainsFunc([]string{strings.ReplaceAll(line, "[23]", "2"), strings.ReplaceAll(line, "[23]", "3")}, func(l string) bool { return slices.Contains(c.bench.log, l) }) {
				t.Errorf("it did not happen: %s\n%s", line, got)
			}
		}
	})
}

// TestWhatFaultsOfTheCloudDo strikes while an engine on host-b boots and is over half a second later.
func TestWhatFaultsOfTheCloudDo(t *testing.T) {
	engine := []*machine{{Node: scenarios.Node{Name: "engine-1", Host: "host-a"}}}
	for _, f := range []struct {
		fault                  string
		before                 bool // it strikes before the engine is asked for
		during, inForce, after string
	}{
		{"no-capacity", false, "host-a 0, host-b 0, a booting", "host-a 1, host-b 0, a running", "host-a 1, host-b 0, a running"},
		{"boot-failure", true, "host-a 1, host-b 0, a booting", "host-a 1, host-b 0, a failed", "host-a 1, host-b 0, a failed"},
		{"slow-boot", true, "host-a 1, host-b 0, a booting", "host-a 1, host-b 0, a booting", "host-a 1, host-b 0, a running"},
		{"false-host-report", false, "host-a 1 down, host-b 0, a booting", "host-a 1, host-b 0, a running", "host-a 1, host-b 0, a running"},
	} {
		t.Run(f.fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCloudTest(t)
				r := &run{hypervisor: c.hypervisor}
				b := &blow{Fault: &scenarios.Fault{Fault: f.fault, Delay: scenarios.Span{Min: time.Second, Max: time.Second}}, targets: engine}
				if !f.before {
					c.build("a", "host-b")
				}
				_, heal, err := strikes[f.fault](t.Context(), r, b)
				if err != nil {
					t.Fatal(err)
				}
				if f.before {
					c.build("a", "host-b")
				}
				if got := c.shows(); got != f.during {
					t.Errorf("while it strikes it shows %q, want %q", got, f.during)
				}
				time.Sleep(500 * time.Millisecond)
				if _, err := heal(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				if got := c.shows(); got != f.inForce {
					t.Errorf("a second later it shows %q, want %q", got, f.inForce)
				}
				time.Sleep(time.Second)
				if got := c.shows(); got != f.after {
					t.Errorf("in the end it shows %q, want %q", got, f.after)
				}
				c.close()
			})
		})
	}
}

func TestNothingBootsWithoutPower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloudTest(t)
		c.build("a", "host-b")
		c.darken([]string{"host-b"}, 1)
		if got, want := c.shows(), "host-a 1, host-b 0 down, a failed"; got != want {
			t.Errorf("in the dark it shows %q, want %q", got, want)
		}
		c.call(node.Call{Destroy: "a"})
		c.build("b", "host-b")
		time.Sleep(2 * time.Second)
		c.darken([]string{"host-b"}, -1)
		if got, want := c.shows(), "host-a 1, host-b 0, b failed"; got != want {
			t.Errorf("afterwards it shows %q, want %q", got, want)
		}
		c.close()
		if all := strings.Join(c.bench.log, "\n"); strings.Contains(all, "runs") {
			t.Errorf("something ran:\n%s", all)
		}
	})
}
