package cloud

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"firedrill/model"
	"firedrill/model/disktest"
	"firedrill/model/wire"
)

// bench is a cloud's management, its hardware, and the world around it.
type bench struct {
	*testing.T
	node     *Cloud
	disk     *disktest.Strict
	hosts    []Host
	machines []Machine
	mail     []any // what was sent
	broken   int   // builds that get lost
}

func (b *bench) Hosts() []Host       { return b.hosts }
func (b *bench) Machines() []Machine { return b.machines }
func (b *bench) Reboot(string)       {}

func (b *bench) Build(m Machine) {
	if b.broken > 0 {
		b.broken--
		return
	}
	if find(b.machines, m.Name) == nil {
		m.State = Booting
		b.machines = append(b.machines, m)
		slices.SortFunc(b.machines, func(x, y Machine) int { return strings.Compare(x.Name, y.Name) })
	}
}

func (b *bench) Destroy(name string) {
	b.machines = slices.DeleteFunc(b.machines, func(m Machine) bool { return m.Name == name })
}

func (b *bench) Now() time.Duration                    { return 0 }
func (b *bench) Wall() time.Time                       { return time.Time{} }
func (b *bench) SetTimer(model.TimerID, time.Duration) {}
func (b *bench) StopTimer(model.TimerID)               {}
func (b *bench) Check(model.CheckID, model.Check)      {}
func (b *bench) AddAddress(netip.Addr)                 {}
func (b *bench) RemoveAddress(netip.Addr)              {}
func (b *bench) Announce(netip.Addr)                   {}
func (b *bench) Publish(*model.Table)                  {}
func (b *bench) Traffic(func(*model.TrafficSample))    {}
func (b *bench) Restart(string)                        { b.Error("a cloud is not upgraded") }
func (b *bench) Disk() model.Disk                      { return b.disk }
func (b *bench) Rand() *rand.Rand                      { return nil }
func (b *bench) Emit(e model.Event) {
	if e.Kind != model.EventAsked {
		b.Errorf("emitted %v", e)
	}
}
func (b *bench) Send(_ netip.Addr, msg []byte) {
	body, err := wire.Decode(msg)
	if err != nil {
		b.Fatal(err)
	}
	b.mail = append(b.mail, body)
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, disk: disktest.NewStrict(), hosts: []Host{{Name: "a", Free: 1}, {Name: "b", Free: 3}, {Name: "c", Free: 5, Down: true}}}
	b.start()
	return b
}

// start begins a life of the management; the machines go on without it.
func (b *bench) start() {
	b.node = New(Config{Name: "cloud-1", Username: "avi", Password: "secret", Poll: time.Second}, b)
	b.node.Start(b)
}

// ask sends a request in a term, and returns the answer.
func (b *bench) ask(term uint64, do wire.CloudOperation, name, host string) *wire.CloudResponse {
	b.Helper()
	return b.send(&wire.CloudRequest{Id: 7, Operation: do, Term: term, Username: "avi", Password: "secret", Instance: &wire.CloudInstance{Name: name, Group: "g", Host: host}})
}

func (b *bench) send(r *wire.CloudRequest) *wire.CloudResponse {
	b.Helper()
	b.mail = nil
	b.node.Receive(netip.MustParseAddr("198.18.0.11"), wire.Encode(&wire.Envelope_CloudRequest{CloudRequest: r}))
	if len(b.mail) != 1 {
		b.Fatalf("%d messages for one request", len(b.mail))
	}
	return b.mail[0].(*wire.Envelope_CloudResponse).CloudResponse
}

// has lists the machines that there are, such as "x@a y@b".
func (b *bench) has() string {
	var out []string
	for _, m := range b.machines {
		out = append(out, m.Name+"@"+m.Host)
	}
	return strings.Join(out, " ")
}

const (
	list   = wire.CloudOperation_CLOUD_LIST
	create = wire.CloudOperation_CLOUD_CREATE
	remove = wire.CloudOperation_CLOUD_DELETE
)

func TestAnswers(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		what       string
		term       uint64
		do         wire.CloudOperation
		name, host string
		status     wire.CloudStatus
		has        string
	}{
		{"the emptiest host that is up", 1, create, "x", "", wire.CloudStatus_CLOUD_OK, "x@b"},
		{"the same name again", 1, create, "x", "a", wire.CloudStatus_CLOUD_OK, "x@b"},
		{"the host that is asked for", 1, create, "y", "a", wire.CloudStatus_CLOUD_OK, "x@b y@a"},
		{"a host that is down", 1, create, "z", "c", wire.CloudStatus_CLOUD_NO_CAPACITY, "x@b y@a"},
		{"a host that does not exist", 1, create, "z", "d", wire.CloudStatus_CLOUD_NO_CAPACITY, "x@b y@a"},
		{"no name", 1, create, "", "", wire.CloudStatus_CLOUD_INVALID, "x@b y@a"},
		{"the next leader", 2, list, "", "", wire.CloudStatus_CLOUD_OK, "x@b y@a"},
		{"the leader before it", 1, remove, "x", "", wire.CloudStatus_CLOUD_DEPOSED, "x@b y@a"},
		{"an end", 2, remove, "x", "", wire.CloudStatus_CLOUD_OK, "y@a"},
		{"an end again", 2, remove, "x", "", wire.CloudStatus_CLOUD_OK, "y@a"},
		{"a name that had its end", 2, create, "x", "", wire.CloudStatus_CLOUD_GONE, "y@a"},
		{"the end of what never was", 2, remove, "w", "", wire.CloudStatus_CLOUD_OK, "y@a"},
		{"a request that was under way meanwhile", 2, create, "w", "", wire.CloudStatus_CLOUD_GONE, "y@a"},
		{"a reboot of nobody", 2, wire.CloudOperation_CLOUD_REBOOT, "w", "", wire.CloudStatus_CLOUD_INVALID, "y@a"},
	} {
		if r := b.ask(c.term, c.do, c.name, c.host); r.Status != c.status || b.has() != c.has {
			t.Errorf("%s: %v, and there is %q; want %v and %q", c.what, r.Status, b.has(), c.status, c.has)
		}
		b.disk.Power() // whatever was answered is safe
		b.start()
	}
}

func TestCredentials(t *testing.T) {
	b := newBench(t)
	for _, r := range []*wire.CloudRequest{{Operation: list}, {Operation: list, Username: "avi", Password: "guess"}} {
		if a := b.send(r); a.Status != wire.CloudStatus_CLOUD_REFUSED || a.Inventory != nil {
			t.Errorf("%v: %v, with an inventory %v", r, a.Status, a.Inventory)
		}
	}
}

// TestImages: a machine boots the build that is asked for, or the one that the cloud was set up with, and none that is not
// there.
func TestImages(t *testing.T) {
	b := newBench(t)
	b.node = New(Config{Name: "cloud-1", Username: "avi", Password: "secret", Poll: time.Second, Images: []string{"16.2", "16.3"}}, b)
	b.node.Start(b)
	for _, c := range []struct {
		name, image, boots string
		status             wire.CloudStatus
	}{
		{"x", "", "16.2", wire.CloudStatus_CLOUD_OK},
		{"y", "16.3", "16.3", wire.CloudStatus_CLOUD_OK},
		{"z", "16.4", "", wire.CloudStatus_CLOUD_INVALID},
		{"y", "16.2", "16.3", wire.CloudStatus_CLOUD_OK}, // the same name again
	} {
		r := b.send(&wire.CloudRequest{Operation: create, Term: 1, Username: "avi", Password: "secret", Instance: &wire.CloudInstance{Name: c.name, Image: c.image}})
		boots := ""
		for _, m := range b.machines {
			if m.Name == c.name {
				boots = m.Image
			}
		}
		if r.Status != c.status || boots != c.boots {
			t.Errorf("%s with %q: %v, and it boots %q; want %v and %q", c.name, c.image, r.Status, boots, c.status, c.boots)
		}
	}
}

// TestOtherClusters: a cluster sees the engines of no other, and ends none of them.
func TestOtherClusters(t *testing.T) {
	b := newBench(t)
	b.ask(1, create, "x", "")
	r := &wire.CloudRequest{Operation: remove, Cluster: "other", Term: 1, Username: "avi", Password: "secret", Instance: &wire.CloudInstance{Name: "x"}}
	if a := b.send(r); a.Status != wire.CloudStatus_CLOUD_INVALID || len(a.Inventory.Instances) != 0 || b.has() != "x@b" {
		t.Errorf("%v: it is shown %v, and there is %q", a.Status, a.Inventory.Instances, b.has())
	}
}

// TestCrash: what was promised and not begun is begun by the next life, and what was to end ends.
func TestCrash(t *testing.T) {
	b := newBench(t)
	b.broken = 1
	b.ask(1, create, "x", "a")
	if b.has() != "" {
		t.Fatal("it was built")
	}
	b.machines = append(b.machines, Machine{Name: "w", Host: "b"})
	b.start()
	if b.has() != "x@a" {
		t.Errorf("there is %q", b.has())
	}
}

// TestReports: who asked last is told what has changed, once.
func TestReports(t *testing.T) {
	b := newBench(t)
	versions := []uint64{b.ask(1, create, "x", "a").Inventory.Version}
	report := func() *wire.CloudInventory {
		b.mail = nil
		b.node.Timer(timerPoll)
		if len(b.mail) == 0 {
			return nil
		}
		return b.mail[0].(*wire.Envelope_CloudReport).CloudReport.Inventory
	}
	versions = append(versions, report().GetVersion())
	if r := report(); r != nil {
		t.Errorf("nothing has changed, and %v was reported", r)
	}
	b.hosts[0].Down = true
	r := report()
	if r == nil || !r.Hosts[0].Down || r.Instances[0].Name != "x" {
		t.Errorf("a host went down, and %v was reported", r)
	}
	b.machines = nil
	if r := report(); r == nil || r.Instances[0].State != string(Missing) {
		t.Errorf("a machine is gone, and %v was reported", r)
	}
	versions = append(versions, r.GetVersion())
	b.start()
	versions = append(versions, b.ask(1, list, "", "").Inventory.Version)
	if !slices.IsSorted(versions) || len(slices.Compact(versions)) != 4 {
		t.Errorf("versions %v do not grow", versions)
	}
}
