package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"firedrill/model/config"
)

// newTeam starts two engines of an elastic group. Each list is where one service is placed, such as "a b": on a, and b
// after it.
func newTeam(t *testing.T, lists ...string) *duo {
	d := newDuo(t, fastTimers(t))
	d.config = groupOf(len(lists))
	d.config.Group.HAMode = config.HAModeSharedPair
	d.place(lists...)
	for _, s := range d.stations {
		s.start()
	}
	d.pass(time.Second)
	return d
}

func (d *duo) place(lists ...string) {
	d.use(func(c *config.EngineConfig) {
		c.Placement = &config.Placement{Name: "g"}
		for i, l := range lists {
			c.Placement.Services = append(c.Placement.Services, config.PlacedService{Service: c.Services[i].Name, Engines: strings.Fields(l)})
		}
	})
}

// shares says who holds each address, such as "a b ab -".
func (d *duo) shares() string {
	var out []string
	for i := range d.config.Services {
		who := ""
		for _, s := range d.stations {
			if s.node != nil && s.addresses[vip(i)] {
				who += s.name
			}
		}
		out = append(out, who+strings.Repeat("-", max(0, 1-len(who))))
	}
	return strings.Join(out, " ")
}

// TestTeam: who holds what after what has happened.
func TestTeam(t *testing.T) {
	ms := time.Millisecond
	for _, c := range []struct {
		name   string
		placed []string
		do     func(d *duo)
		want   string
	}{
		{"primaries hold", []string{"a b", "b a"}, func(*duo) {}, "a b"},
		{"what is placed nowhere is held by nobody", []string{"", "b"}, func(*duo) {}, "- b"},
		{"a secondary takes over without the leader", []string{"a b", "b a"}, func(d *duo) {
			d.away = true
			d.station("a").stop()
			d.pass(301 * ms)
		}, "b b"},
		{"not before its time", []string{"a b"}, func(d *duo) {
			d.station("a").stop()
			d.pass(190 * ms)
		}, "-"},
		{"who is not on the list takes nothing", []string{"a"}, func(d *duo) {
			d.station("a").stop()
			d.pass(3 * time.Second)
		}, "-"},
		{"but at once when it is placed there", []string{"a"}, func(d *duo) {
			d.station("a").stop()
			d.pass(3 * time.Second)
			d.place("b")
			d.pass(251 * ms) // with the answer to its next report
		}, "b"},
		{"an engine that is back does not take back", []string{"a b"}, func(d *duo) {
			d.station("a").stop()
			d.pass(time.Second)
			d.station("a").start()
			d.pass(3 * time.Second)
		}, "b"},
		{"cut off, both hold", []string{"a b"}, func(d *duo) {
			d.away = true
			d.cut["a"], d.cut["b"] = true, true
			d.pass(time.Second)
		}, "ab"},
		{"the later one stays when they meet", []string{"a b"}, func(d *duo) {
			d.away = true
			d.cut["a"], d.cut["b"] = true, true
			d.pass(time.Second)
			clear(d.cut)
			d.pass(101 * ms)
		}, "b"},
		{"the leader's word ends it too", []string{"a b"}, func(d *duo) {
			d.cut["a"], d.cut["b"] = true, true
			d.pass(time.Second)
		}, "b"},
		{"one that hears is not held for two", []string{"a b"}, func(d *duo) {
			d.away = true
			d.cut["a"] = true
			d.pass(350 * ms)
		}, "b"},
		{"a frozen one yields before it does anything", []string{"a b"}, func(d *duo) {
			d.station("a").frozen = true
			d.pass(time.Second)
			d.station("a").wake()
			d.pass(ms)
		}, "b"},
		{"a move is a handover", []string{"a"}, func(d *duo) {
			d.place("b")
			d.pass(600 * ms)
		}, "b"},
		{"a service that is gone is held by nobody", []string{"a b", "a b"}, func(d *duo) {
			d.use(func(c *config.EngineConfig) { c.Services[1].Disabled = true })
			d.pass(300 * ms)
		}, "a -"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newTeam(t, c.placed...)
			c.do(d)
			if got := d.shares(); got != c.want {
				t.Errorf("held by %s, want %s\n%s", got, c.want, &d.trace)
			}
		})
	}
}

// TestTeamTells: an engine reports at once whom it does not hear any more, and whom it hears.
func TestTeamTells(t *testing.T) {
	d := newTeam(t, "a b")
	if r := d.reports["b"]; !slices.Equal(r.Hears, []string{"a"}) || r.Silent != nil {
		t.Errorf("all is well: %v", r)
	}
	d.station("a").stop()
	d.pass(305 * time.Millisecond)
	if r := d.reports["b"]; !slices.Equal(r.Silent, []string{"a"}) || r.Hears != nil {
		t.Errorf("a is dead: %v", r)
	}
	d.station("a").start()
	d.pass(50 * time.Millisecond)
	if r := d.reports["b"]; !slices.Equal(r.Hears, []string{"a"}) || r.Silent != nil {
		t.Errorf("a is back: %v", r)
	}
}

// TestTeamAnnounces: a takeover is announced in a burst, and what is held again when another engine is back.
func TestTeamAnnounces(t *testing.T) {
	d := newTeam(t, "a b")
	d.away = true
	d.station("a").stop()
	d.pass(time.Second)
	if n := d.station("b").announced[vip(0)]; n != 3 {
		t.Errorf("announced %d times", n)
	}
	d.station("a").start()
	d.pass(time.Second)
	if n := d.station("b").announced[vip(0)]; n != 6 {
		t.Errorf("announced %d times when a was back", n)
	}
}

// TestTeamPushesPutNothingOff: a takeover that is due comes in its time, however often the configuration changes.
func TestTeamPushesPutNothingOff(t *testing.T) {
	d := newTeam(t, "a b")
	d.station("a").stop()
	for i := range 31 {
		d.use(func(c *config.EngineConfig) { c.Pools[0].Description = fmt.Sprint(i) })
		d.direct(d.station("b"))
		d.pass(10 * time.Millisecond)
	}
	if got := d.shares(); got != "b" {
		t.Errorf("held by %s after 310ms\n%s", got, &d.trace)
	}
}

// TestModeChanges: engines whose group has another mode let go of what they held under the former one.
func TestModeChanges(t *testing.T) {
	d := newTeam(t, "b a", "b a")
	d.use(func(c *config.EngineConfig) { c.Group.HAMode, c.Placement = config.HAModeLegacyActiveStandby, nil })
	d.pass(3 * time.Second)
	if got := d.shares(); got != "a a" {
		t.Errorf("as a pair: %s\n%s", got, &d.trace)
	}
	d.use(func(c *config.EngineConfig) { c.Group.HAMode = config.HAModeShared })
	d.place("b", "")
	d.pass(3 * time.Second)
	if got := d.shares(); got != "b -" {
		t.Errorf("as N+M: %s\n%s", got, &d.trace)
	}
}
