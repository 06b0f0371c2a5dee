package consensus

import (
	"errors"
	"testing"
)

// reading restarts replicas with a build that reads up to a format.
func reading(c *cluster, format byte, ids ...uint64) {
	for _, id := range ids {
		c.node(id).reads = format
		c.crash(id)
		c.restart(id)
	}
	c.calm()
}

// TestNewerEntryRefused: a node of an older build that is sent an entry of a newer format stops before the entry is on
// its disk, and nothing passes it over; an older build does not start on a disk that holds one.
func TestNewerEntryRefused(t *testing.T) {
	c := newCluster(t, 100)
	reading(c, 2, 1, 2, 3)
	leader := c.leader()
	old := c.node(leader.id%3 + 1)
	reading(c, 1, old.id)
	if err := c.propose(leader.id, "a", 1, "x=1"); err != nil {
		t.Fatal(err)
	}
	c.calm() // in the first format, which all read

	leader.replica.SetFormat(2)
	if err := c.propose(leader.id, "a", 2, "y=2"); err != nil {
		t.Fatal(err)
	}
	for _, m := range c.queue {
		if m.to == old.id {
			old.replica.Step(m.from, m.data)
		}
	}
	if _, err := old.replica.Ready(); !errors.Is(err, ErrNewer) {
		t.Fatalf("an entry of a newer format: %v, want %v", err, ErrNewer)
	}
	if _, err := Open(old.config(), old.disk.AfterKill(), registers{}); err != nil || old.machine["x"] != "1" || old.machine["y"] != "" {
		t.Errorf("it was not refused in time: %v, %v", err, old.machine)
	}

	cfg := leader.config()
	cfg.Format = 1
	if _, err := Open(cfg, leader.disk.AfterKill(), registers{}); !errors.Is(err, ErrNewer) {
		t.Errorf("an older build on a newer log: %v, want %v", err, ErrNewer)
	}
	if _, err := Open(leader.config(), leader.disk.AfterKill(), registers{}); err != nil {
		t.Errorf("the same build: %v", err)
	}
}

// TestFormatBounded: no node writes what it does not read itself.
func TestFormatBounded(t *testing.T) {
	c := newCluster(t, 100)
	c.calm()
	c.leader().replica.SetFormat(9) // its build reads the first alone
	if err := c.propose(c.leader().id, "a", 1, "x=1"); err != nil {
		t.Fatal(err)
	}
	c.calm()
	for _, m := range c.members {
		if m.machine["x"] != "1" {
			t.Errorf("%d holds %q", m.id, m.machine["x"])
		}
	}
}
