package node

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"firedrill/scenarios"
)

func TestTheFirstThatIsToldIsWhoThisIs(t *testing.T) {
	for _, c := range []struct{ name, told, want string }{
		{"who this is", `{"spec":{"name":"engine-7"}}` + "\n", ""},
		{"nothing", "", "EOF"},
		{"half of it", `{"spec":{"name"`, "EOF"},
		{"nonsense", "engine-7\n", "invalid character"},
		{"another message", `{"epoch":5}` + "\n", "must be who it is"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spec.json")
			err := Told(bufio.NewReader(strings.NewReader(c.told)), path)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error is %v, want one with %q", err, c.want)
				}
				return
			}
			if s, err2 := ReadSpec(path); err != nil || err2 != nil || s.Name != "engine-7" {
				t.Errorf("the file says %v: %v, %v", s, err, err2)
			}
		})
	}
}

// quietContainer is a process that does nothing but listen.
func quietContainer(t *testing.T, out *bytes.Buffer) *container {
	t.Helper()
	clock, err := NewClock()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := scenarios.Find("real-leader-killed")
	if err != nil {
		t.Fatal(err)
	}
	spec := &Spec{Name: "engine-1"}
	c := &container{spec: spec, kept: *spec, dir: t.TempDir(), plan: plan, log: quiet, clock: clock, record: NewRecorder(clock, out), faults: new(Faults)}
	c.members.Store(new([]netip.Addr))
	c.hypervisor = newHypervisor(0, c.record.Say)
	return c
}

func TestWhatAProcessIsToldIsDone(t *testing.T) {
	var out bytes.Buffer
	c := quietContainer(t, &out)
	path := NewDataPath("engine-1", netip.MustParseAddr("127.0.0.1"), quiet)
	defer path.Close()
	c.path.Store(path)
	path.traffic.flow("web", netip.AddrPort{}, netip.AddrPort{})
	path.traffic.flow("shop", netip.AddrPort{}, netip.AddrPort{})

	if got := len(c.knownMembers()); got != 3 {
		t.Errorf("%d members are known at first, want those of the plan", got)
	}
	members := []netip.Addr{scenarios.ControllerIP(2), scenarios.ControllerIP(4)}
	var in bytes.Buffer
	in.WriteString(`of a line for another process"}` + "\n")
	web := "web"
	for _, m := range []Message{{Epoch: 1 << 40}, {Members: members}, {Carried: &web}, {Hardware: &Hardware{After: 3}}} {
		if err := json.NewEncoder(&in).Encode(m); err != nil {
			t.Fatal(err)
		}
	}
	c.listen(bufio.NewReader(&in))

	if text, err := os.ReadFile(c.file(EpochFile)); err != nil || string(text) != "1099511627776" {
		t.Errorf("the run begins at %q, %v", text, err)
	}
	if got := c.knownMembers(); !slices.Equal(got, members) {
		t.Errorf("members are %v, want %v", got, members)
	}
	if s, err := ReadSpec(c.file(SpecFile)); err != nil || !slices.Equal(s.Members, members) || s.Name != "engine-1" {
		t.Errorf("a process that begins in the place of this one is told %v: %v", s, err)
	}
	if got := out.String(); strings.Count(got, `"carried"`) != 1 || !strings.Contains(got, `"web"`) {
		t.Errorf("carried is told as:\n%s", got)
	}
	if c.hypervisor.known == nil || c.hypervisor.known.After != 3 {
		t.Errorf("the hardware is %v", c.hypervisor.known)
	}
}

// TestAnEngineOfACloudIsNotInThePlan tells it where it is.
func TestAnEngineOfACloudIsNotInThePlan(t *testing.T) {
	plan, err := scenarios.Find("real-cloud-engine-replaced")
	if err != nil {
		t.Fatal(err)
	}
	made := scenarios.Node{Name: "Avi-se-16", Role: scenarios.RoleEngine, Number: 4, Group: "shared", Host: "host-a"}
	s := &Spec{Name: made.Name, Made: &Made{Node: made, Image: "16.3"}}
	if got := s.node(plan); got != made {
		t.Errorf("it is %v", got)
	}
	own, err := s.addresses(plan)
	if want := []netip.Addr{scenarios.EngineManagementIP(4), scenarios.EngineDataIP(4)}; err != nil || !slices.Equal(own, want) {
		t.Errorf("its addresses are %v, %v, want %v", own, err, want)
	}
	c := &container{spec: s, plan: plan, dir: t.TempDir()}
	if build, _, err := c.builds(); build != "16.3" || c.told() != "16.3" || err != nil {
		t.Errorf("it boots %q and says %q: %v", build, c.told(), err)
	}
	if err := writeWhole(c.file(BuildFile), []byte("17.1\n")); err != nil {
		t.Fatal(err)
	}
	if build, _, err := c.builds(); build != "17.1" || c.told() != "17.1" || err != nil {
		t.Errorf("after its upgrade it boots %q and says %q: %v", build, c.told(), err)
	}
	if _, err := (&Spec{Name: "Avi-se-17"}).addresses(plan); err == nil {
		t.Error("an engine that nobody has made has addresses")
	}
}

// TestFaultsOutliveTheProcess gives commands, and looks what a process is told that begins in the place of this one.
func TestFaultsOutliveTheProcess(t *testing.T) {
	var out bytes.Buffer
	c := quietContainer(t, &out)
	c.ballast.disk = c.file(DiskDir)
	c.disk = sync.OnceValues(c.openDisk)
	c.faults.Strike(Fault{ID: idLoss, Loss: 1}) // of the plan's links, which every process makes for itself
	one, two := Fault{ID: 1, Unreadable: true}, Fault{ID: 2, Stuck: true, Sync: 5}
	mend := 1
	for i, step := range []struct {
		do   Command
		want []Fault
	}{
		{Command{Strike: &one}, []Fault{one}},
		{Command{Strike: &two}, []Fault{one, two}},
		{Command{Rot: true}, []Fault{one, two}},
		{Command{Mend: &mend}, []Fault{two}},
	} {
		if err := c.do(step.do); err != nil {
			t.Fatalf("step %d: %v", i+1, err)
		}
		if s, err := ReadSpec(c.file(SpecFile)); err != nil || !reflect.DeepEqual(s.Faults, step.want) || s.Name != "engine-1" {
			t.Errorf("step %d: told is %v, %v; want %v", i+1, s, err, step.want)
		}
	}
	if err := c.keep(func(s *Spec) { s.Members = []netip.Addr{{}} }); err != nil {
		t.Fatal(err)
	}
	if s, err := ReadSpec(c.file(SpecFile)); err != nil || len(s.Faults) != 1 || len(s.Members) != 1 {
		t.Errorf("one thing that is kept takes the place of another: %v, %v", s, err)
	}
}
