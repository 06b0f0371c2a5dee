package consensus

import (
	"errors"
	"slices"
	"testing"

	"firedrill/model/disktest"
)

// survivor is a cluster of three whose first replica has a snapshot, a change of the members, and a command that
// nobody else has heard of.
func survivor(t *testing.T) *cluster {
	t.Helper()
	c := elected(t)
	if err := c.change(1, Change{Add: []Member{memberOf(4)}}); err != nil {
		t.Fatal(err)
	}
	c.deliver()
	if err := c.propose(1, "a", 1, "x=1"); err != nil {
		t.Fatal(err)
	}
	c.deliver()
	c.queue = nil
	if err := c.change(1, Change{Remove: []uint64{3}}); err != nil {
		t.Fatal(err)
	}
	if err := c.propose(1, "a", 2, "y=2"); err != nil {
		t.Fatal(err)
	}
	c.queue = nil
	c.crash(1)
	return c
}

// opened is a replica on a disk, standing as soon as it may, and its state.
func opened(t *testing.T, m *member, disk *disktest.Strict, id uint64) (*Replica, registers) {
	t.Helper()
	cfg, machine := m.config(), registers{}
	cfg.ID = id
	if m.first != nil {
		cfg.Members = []Member{memberOf(id)} // used by no disk that holds a state
	}
	r, err := Open(cfg, disk, machine)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Ready(); err != nil {
		t.Fatal(err)
	}
	r.Campaign()
	if _, err := r.Ready(); err != nil {
		t.Fatal(err)
	}
	return r, machine
}

// TestForceStandalone: wherever the power fails, the disk is that of the old member, who cannot lead alone, or of the
// new one, who leads at once and has everything.
func TestForceStandalone(t *testing.T) {
	c := survivor(t)
	m := c.node(1)
	left := []*disktest.Strict{m.disk.AfterKill()}
	m.disk.Step = func() { left = append(append(left, m.disk.AfterPowerLoss()...), m.disk.AfterKill()) }
	if err := ForceStandalone(m.disk, m.config(), 9); err != nil {
		t.Fatal(err)
	}
	m.disk.Step = func() {}
	became := map[uint64]int{}
	for i, disk := range append(left, m.disk) {
		id, err := DiskID(disk)
		if err != nil {
			t.Fatal(i, err)
		}
		became[id]++
		r, machine := opened(t, m, disk, id)
		switch id {
		case 1:
			if r.Status().Role == Leader || machine["y"] != "" || len(r.Members()) != 4 {
				t.Errorf("crash %d: the old one %s with %v and %v", i, describeStatus(r.Status()), machine, r.Members())
			}
		case 9:
			want := []Member{{ID: 9, Name: "n1", Address: addressOf(1)}}
			if r.Status().Role != Leader || machine["x"] != "1" || machine["y"] != "2" || !slices.Equal(r.Members(), want) {
				t.Errorf("crash %d: the new one %s with %v and %v", i, describeStatus(r.Status()), machine, r.Members())
			}
			if r.Status().Term <= 1 {
				t.Errorf("crash %d: term %d", i, r.Status().Term)
			}
		default:
			t.Errorf("crash %d: it is %d", i, id)
		}
	}
	if became[1] < 2 || became[9] < 2 {
		t.Errorf("the disks became those of %v", became)
	}
}

// TestForceStandaloneHash: the running hash and the state are those that the old cluster had at the same place.
func TestForceStandaloneHash(t *testing.T) {
	c := survivor(t)
	m := c.node(1)
	c.restart(1)
	applied, hash := m.replica.Status().Applied, m.replica.core.hash
	c.crash(1)
	if err := ForceStandalone(m.disk, m.config(), 9); err != nil {
		t.Fatal(err)
	}
	cfg := m.config()
	cfg.ID, cfg.Members = 9, nil
	r, err := Open(cfg, m.disk, registers{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.Ready()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range out.Applied {
		if was, ok := c.chain[a.Index]; ok && (was.Hash != a.Hash || was.State != a.State) {
			t.Errorf("at %d: %+v, was %+v", a.Index, a, was)
		}
	}
	if r.Status().Applied <= applied || r.core.hash == hash {
		t.Errorf("applied %d, before %d", r.Status().Applied, applied)
	}
}

func TestForceStandaloneRefuses(t *testing.T) {
	c := survivor(t)
	m := c.node(1)
	stranger := m.config()
	stranger.ID = 2
	for _, test := range []struct {
		name string
		disk *disktest.Strict
		cfg  Config
		id   uint64
		want error
	}{
		{"its own ID", m.disk, m.config(), 1, ErrUsedID},
		{"the ID of another", m.disk, m.config(), 4, ErrUsedID},
		{"the disk of another", m.disk, stranger, 9, ErrOtherID},
		{"an empty disk", disktest.NewStrict(), m.config(), 9, ErrUnknownMember},
	} {
		if err := ForceStandalone(test.disk, test.cfg, test.id); !errors.Is(err, test.want) {
			t.Errorf("%s: error %v", test.name, err)
		}
	}
	if _, err := Open(stranger, m.disk, registers{}); !errors.Is(err, ErrOtherID) {
		t.Errorf("the disk of another was opened: %v", err)
	}
}

// TestWipe: wherever the power fails, the disk holds the old state or none, and whatever it holds can be opened.
func TestWipe(t *testing.T) {
	c := survivor(t)
	m := c.node(1)
	if err := m.disk.Append("others", []byte("stay")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.disk.Sync("others"), m.disk.SyncDir()); err != nil {
		t.Fatal(err)
	}
	var left []*disktest.Strict
	m.disk.Step = func() { left = append(append(left, m.disk.AfterPowerLoss()...), m.disk.AfterKill()) }
	if err := Wipe(m.disk); err != nil {
		t.Fatal(err)
	}
	m.disk.Step = func() {}
	if names, _ := m.disk.List(); !slices.Equal(names, []string{"others"}) {
		t.Errorf("the disk holds %q", names)
	}
	m.disk.Power()
	kept, gone := 0, 0
	m.first = nil
	for i, disk := range append(left, m.disk) {
		id, err := DiskID(disk)
		if err != nil {
			t.Fatal(i, err)
		}
		if id == 0 {
			gone, id = gone+1, 7
		} else {
			kept++
		}
		r, machine := opened(t, m, disk, id)
		if old := len(r.Members()) == 4 && id == 1; old == (id == 7) || id == 7 && (len(r.Members()) > 0 || len(machine) > 0) {
			t.Errorf("crash %d: %d has %v and %v", i, id, r.Members(), machine)
		}
		if got, _ := DiskID(disk); got != id {
			t.Errorf("crash %d: opened by %d, it is that of %d", i, id, got)
		}
	}
	if kept < 2 || gone < 2 {
		t.Errorf("%d kept, %d gone", kept, gone)
	}
}

// TestWipeAnything: a damaged disk can be wiped, and so can an empty one.
func TestWipeAnything(t *testing.T) {
	for _, disk := range []*disktest.Strict{disktest.NewStrict(), spoiled(t, sampleFile, nil), spoiled(t, sampleSnapshot, nil)} {
		if err := Wipe(disk); err != nil {
			t.Error(err)
		}
		if names, _ := disk.List(); len(names) > 0 {
			t.Errorf("the disk holds %q", names)
		}
	}
}
