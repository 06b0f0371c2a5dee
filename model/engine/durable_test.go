package engine

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/disktest"
)

// TestConfigCrash: whenever the power fails, or the process dies, while an engine takes up a configuration, it comes
// back with that or with the one before, without any controller; with none it never had one. What it said to run is
// not taken back.
func TestConfigCrash(t *testing.T) {
	for _, first := range []bool{true, false} {
		t.Run(fmt.Sprintf("first %t", first), func(t *testing.T) {
			d := newDuo(t, fastTimers(t))
			d.config = groupOf(1)
			a := d.station("a")
			old := uint64(0)
			if first {
				d.away = true
			}
			a.start()
			d.pass(time.Second)
			if !first {
				old = d.config.Index
				d.use(func(c *config.EngineConfig) { c.Pools[0].Description = "next" })
			}
			acknowledged := uint64(old)
			type crash struct {
				disk  *disktest.Strict
				least uint64
			}
			var left []crash
			note := func() {
				for _, disk := range append(a.disk.AfterPowerLoss(), a.disk.AfterKill()) {
					left = append(left, crash{disk, acknowledged})
				}
			}
			a.disk.Step = note
			d.away = false
			d.direct(a)
			acknowledged = d.config.Index
			if a.node.config.Index != acknowledged {
				t.Fatalf("it runs %d, not %d", a.node.config.Index, acknowledged)
			}
			a.disk.Step()
			if len(left) < 8 {
				t.Fatalf("only %d crashes", len(left))
			}
			d.config = nil
			seen := map[uint64]bool{}
			for i, c := range left {
				a.disk = c.disk
				a.start()
				got := uint64(0)
				if a.node.config != nil {
					got = a.node.config.Index
				}
				seen[got] = true
				if got != old && got != acknowledged || got < c.least {
					t.Fatalf("crash %d of %d: it runs %d, of %d and %d, and has acknowledged %d", i, len(left), got, old, acknowledged, c.least)
				}
				// Having started from it, another power loss takes nothing back.
				a.disk.Power()
				a.start()
				if a.node.config == nil && got > 0 || got > 0 && a.node.config.Index != got {
					t.Fatalf("crash %d of %d: after another one it lost %d", i, len(left), got)
				}
			}
			if len(seen) < 2 {
				t.Errorf("no crash came before or after: %v", seen)
			}
		})
	}
}

// TestHeadlessStart: an engine that starts without a controller serves what it has on its disk.
func TestHeadlessStart(t *testing.T) {
	d := newDuo(t, fastTimers(t))
	d.config = groupOf(1)
	a := d.station("a")
	a.start()
	d.pass(time.Second)
	a.stop()
	a.disk.Power()
	d.away = true
	a.start()
	d.pass(time.Second)
	if !a.addresses[vip(0)] || a.announced[vip(0)] == 0 {
		t.Errorf("it serves %v", a.addresses)
	}
	a.wantServers(t, "headless", "198.18.3.1:80")
}

// TestDamagedFiles: an engine whose files cannot be read starts as if there were none, and says so.
func TestDamagedFiles(t *testing.T) {
	for _, name := range []string{configFile, controllersFile} {
		d := newDuo(t, fastTimers(t))
		d.away = true
		a := d.station("a")
		a.disk.Put(name, []byte("{"), 1)
		a.start()
		if a.node.config != nil || len(a.node.cfg.Controllers) != 1 || d.trace.Len() == 0 {
			t.Errorf("%s: it runs %v, reports to %v, and says %q", name, a.node.config, a.node.cfg.Controllers, d.trace.String())
		}
	}
}

// TestDiskFullConfig: a configuration that cannot be kept is not taken up, and is taken up when it can.
func TestDiskFullConfig(t *testing.T) {
	d := newDuo(t, fastTimers(t))
	d.config = groupOf(1)
	a := d.station("a")
	full := true
	a.start()
	a.node.env = fullDisk{a, &full}
	d.pass(time.Second)
	if a.node.config != nil || d.trace.Len() == 0 {
		t.Fatalf("it runs %v and says %q", a.node.config, d.trace.String())
	}
	full = false
	d.pass(time.Second)
	if a.node.config == nil {
		t.Error("it does not try again")
	}
}

// TestDiskFullControllers: members that cannot be kept are kept when they can.
func TestDiskFullControllers(t *testing.T) {
	d := newDuo(t, fastTimers(t))
	d.members = []string{leaderIP.String(), "198.18.0.12"}
	a := d.station("a")
	full := true
	a.start()
	a.node.env = fullDisk{a, &full}
	d.pass(time.Second)
	full = false
	d.pass(time.Second)
	a.stop()
	a.disk.Power()
	d.away = true
	a.start()
	if got := a.node.cfg.Controllers; len(got) != 2 {
		t.Errorf("after a loss of power it reports to %v", got)
	}
}

// fullDisk is an environment whose disk takes nothing while it is full.
type fullDisk struct {
	*station
	full *bool
}

func (f fullDisk) Disk() model.Disk { return appendless{f.disk, f.full} }

type appendless struct {
	model.Disk
	full *bool
}

func (d appendless) Append(name string, data []byte) error {
	if *d.full {
		return model.ErrDiskFull
	}
	return d.Disk.Append(name, data)
}

// TestControllersLearned: an engine reports to the members that the leader names, also after a restart without any of
// those that it was installed with; a leader that names nobody, or nonsense, changes nothing.
func TestControllersLearned(t *testing.T) {
	d := newDuo(t, fastTimers(t))
	a := d.station("a")
	other := netip.MustParseAddr("198.18.0.12")
	a.start()
	d.members = []string{leaderIP.String(), other.String()}
	d.pass(time.Second)
	if a.sent[other] == 0 {
		t.Error("the new member is told nothing")
	}
	for _, members := range [][]string{{}, {"nonsense"}} {
		d.members = members
		d.pass(time.Second)
		if len(a.node.cfg.Controllers) != 2 {
			t.Errorf("the leader named %q, and it reports to %v", members, a.node.cfg.Controllers)
		}
	}
	a.stop()
	a.disk.Power()
	d.away = true
	a.start()
	if a.sent[other] != 1 || a.sent[leaderIP] != 1 {
		t.Errorf("after a restart it reports to %v", a.sent)
	}
}
