package real

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"firedrill/checker"
	"firedrill/checker/history"
	"firedrill/scenarios"
)

// TestMain lets the test binary be a run that somebody kills.
func TestMain(m *testing.M) {
	if os.Getenv("FIREDRILL_TEST_RUN") != "" {
		d, err := Open(context.Background())
		if err == nil {
			_, err = d.Play(context.Background(), parsed(full), 1, Options{})
		}
		if err != nil {
			panic(err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const small = `
name: small
about: One controller, killed once.
worlds: [sim, real]
duration: 6s
topology: {controllers: 1}
faults:
  - {at: 2s, fault: crash, target: leader, for: 500ms}
`

// full has a disk that is kept beside its machine.
const full = `
name: full
about: One controller, whose disk is full when it is killed.
worlds: [sim, real]
duration: 8s
topology: {controllers: 1}
workload: {mix: {clients: 1, rate: 40, from: 1s}}
faults:
  - {at: 2s, fault: disk-full, target: leader, for: 3s}
  - {at: 3s, fault: crash, target: controller-1, for: 500ms}
`

func smallPlan() *scenarios.Scenario { return parsed(small) }

func parsed(text string) *scenarios.Scenario {
	s, err := scenarios.Parse("plan.yaml", []byte(text))
	if err == nil {
		s, err = scenarios.NewPlan(s, 1)
	}
	if err != nil {
		panic(err)
	}
	return s
}

// engine opens the container engine. Where there is none the test is passed over; CI, which has one, fails then.
func engine(t *testing.T) *Docker {
	t.Helper()
	d, err := Open(t.Context())
	if errors.As(err, new(Unavailable)) {
		if _, missing := os.Stat("/var/run/docker.sock"); os.Getenv("CI") == "true" && missing == nil {
			t.Fatalf("CI has a container engine, but it cannot be used: %v", err)
		}
		t.Skipf("NOT TESTED, there is no container engine: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// closed closes the container engine.
func closed(t *testing.T, d *Docker) {
	t.Helper()
	if n, err := d.Close(); err != nil {
		t.Errorf("%d networks are miscounted, %v", n, err)
	}
}

// left counts the containers, networks and volumes of one owner.
func left(t *testing.T, d *Docker, of owner) int {
	t.Helper()
	n := 0
	count := func(o owner, _ bool) bool {
		if o.pid == of.pid {
			n++
		}
		return false
	}
	if err := d.sweep(context.Background(), count); err != nil {
		t.Fatal(err)
	}
	return n + volumes(t, d, of)
}

func volumes(t *testing.T, d *Docker, of owner) int {
	t.Helper()
	all, err := d.client.VolumeList(context.Background(), client.VolumeListOptions{Filters: ours()})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, v := range all.Items {
		if parseOwner(v.Labels[labelOwner]).pid == of.pid {
			n++
		}
	}
	return n
}

func TestARunIsJudgedAndLeavesNothing(t *testing.T) {
	d := engine(t)
	h, err := d.Play(t.Context(), smallPlan(), 1, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r := checker.Judge(h); r.Verdict != checker.Pass || r.World != scenarios.WorldReal {
		t.Errorf("%s in the world %q: %v", r.Verdict, r.World, r.Violations)
	}
	var told []string
	for _, e := range h.Events {
		if e.Type == history.Fault || e.Node == "controller-1" && (e.Event == "started" || e.Event == "stopped") {
			told = append(told, strings.TrimSpace(e.Event+" "+e.Fault+" "+e.Phase))
		}
	}
	if got, want := strings.Join(told, ", "), "started, stopped, crash begin, crash end, started"; got != want {
		t.Errorf("the history tells: %s\nwant: %s", got, want)
	}
	closed(t, d)
	if n := left(t, d, d.owner); n > 0 {
		t.Errorf("%d containers and networks are left", n)
	}
}

// TestADiskThatIsFullOutlivesItsMachine looks whether the disk is full before the process is killed and when it starts again, and
// whether it holds then what was acknowledged.
func TestADiskThatIsFullOutlivesItsMachine(t *testing.T) {
	d := engine(t)
	h, err := d.Play(t.Context(), parsed(full), 1, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r := checker.Judge(h); r.Verdict != checker.Pass {
		t.Errorf("%s: %v", r.Verdict, r.Violations)
	}
	var begin, end int64
	acknowledged := [3]int{} // before the disk was full, while it was, and afterwards
	writes := make(map[string]string)
	for _, e := range h.Events {
		switch {
		case e.Type == history.Fault && e.Fault == diskFull && e.Phase == history.Begin:
			begin = e.Time
		case e.Type == history.Fault && e.Fault == diskFull:
			end = e.Time
		case e.Type == history.Call:
			writes[e.Client] = e.Operation
		case e.Type == history.Return && e.Outcome == history.OK && writes[e.Client] != history.OpRead && writes[e.Client] != history.OpList:
			when := 0
			if end > 0 {
				when = 2
			} else if begin > 0 && e.Time > begin+int64(2*time.Second) { // what fits into the last page is written
				when = 1
			}
			acknowledged[when]++
		}
	}
	if begin == 0 || end == 0 || acknowledged[0] == 0 || acknowledged[1] > 0 || acknowledged[2] == 0 {
		t.Errorf("full from %d to %d; acknowledged before, while it lasted, and afterwards: %v", begin, end, acknowledged)
	}
	closed(t, d)
	if n := left(t, d, d.owner); n > 0 {
		t.Errorf("%d containers, networks and volumes are left", n)
	}
}

func TestAnInterruptedRunLeavesNothing(t *testing.T) {
	d := engine(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := d.Play(ctx, smallPlan(), 1, Options{Progress: func(up, of int) {
		if up == of/2 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the run ended with %v", err)
	}
	closed(t, d)
	if n := left(t, d, d.owner); n > 0 {
		t.Errorf("%d containers and networks are left", n)
	}
}

func TestTheNextRunRemovesWhatAKilledOneLeft(t *testing.T) {
	d := engine(t)
	run := exec.Command(os.Args[0])
	run.Env = append(os.Environ(), "FIREDRILL_TEST_RUN=yes")
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	killed := owner{pid: run.Process.Pid}
	deadline := time.Now().Add(time.Minute)
	for volumes(t, d, killed) == 0 && time.Now().Before(deadline) {
		time.Sleep(50 * time.Millisecond)
	}
	if _, err := Open(t.Context()); err != nil || left(t, d, killed) == 0 {
		t.Fatalf("a run under way was swept: %v", err)
	}
	_ = run.Process.Kill()
	_ = run.Wait()
	if _, err := Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := left(t, d, killed); n > 0 {
		t.Errorf("%d containers and networks of the killed run are left", n)
	}
}
