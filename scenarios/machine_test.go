package scenarios

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// aProfile is the file of a profile.
const aProfile = `version: 1
build: devel
kernel: 6.1.0
processors: 2
link_round_trip: {count: 300, p05: 90us, p50: 160us, p95: 360us, p99: 730us, max: 800us}
disk_sync: {count: 300, p05: 300us, p50: 500us, p95: 4ms, p99: 12ms, max: 27ms}
timer_lateness: {count: 300, p05: 100us, p50: 180us, p95: 2ms, p99: 8ms, max: 17ms}
request: {count: 300, p05: 400us, p50: 850us, p95: 2500us, p99: 9ms, max: 180ms}
container_start: {count: 8, p05: 400ms, p50: 500ms, p95: 700ms, p99: 700ms, max: 700ms}
`

func TestProfileRoundTrip(t *testing.T) {
	p, err := ParseProfile("machine.yaml", []byte(aProfile))
	if err != nil {
		t.Fatal(err)
	}
	text, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseProfile("machine.yaml", text)
	if err != nil || *again != *p {
		t.Errorf("%+v came back as %+v: %v", p, again, err)
	}
	m, err := p.Machine()
	if err != nil {
		t.Fatal(err)
	}
	if want := (Spread{45_000, 80_000, 180_000, 365_000}); m.Link != want {
		t.Errorf("a link takes %v, want %v: half of a round trip", m.Link, want)
	}
	if m.Serve.P05 != 0 || m.Serve.P50.Std() != 370*time.Microsecond {
		t.Errorf("serving takes %v", m.Serve)
	}
	p.Request.Max++
	if other, _ := p.Machine(); other.Profile == m.Profile {
		t.Error("another profile goes by the same digits")
	}
}

func TestBadProfile(t *testing.T) {
	for _, bad := range []struct{ old, new, place, problem string }{
		{"version: 1", "version: 2", "machine.yaml:1:", "reads version 1"},
		{"disk_sync: {count", "disk_sink: {count", "machine.yaml:6:1", `did you mean "disk_sync"?`},
		{"p50: 160us", "p50: 60us", "machine.yaml:5:", "must rise"},
		{"count: 8", "count: 0", "machine.yaml:9:", "at least one"},
		{"count: 8", "count: many", "machine.yaml:9:26", "write a whole number"},
		{"max: 27ms}\n", "max: 27ms}\n---\na: 1\n", "machine.yaml:", "second document"},
		{"disk_sync: {count: 300, p05: 300us, p50: 500us, p95: 4ms, p99: 12ms, max: 27ms}\n", "", "machine.yaml:1:", "disk_sync is missing"},
	} {
		text := strings.Replace(aProfile, bad.old, bad.new, 1)
		_, err := ParseProfile("machine.yaml", []byte(text))
		var input *InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), bad.problem) || !strings.HasPrefix(err.Error(), bad.place) {
			t.Errorf("%q for %q: %v; want %s ... %s", bad.new, bad.old, err, bad.place, bad.problem)
		}
	}
}

// TestAPlanHoldsItsMachine plays nothing: it holds that a plan is read back with the machine that it is for.
func TestAPlanHoldsItsMachine(t *testing.T) {
	p, err := ParseProfile("machine.yaml", []byte(aProfile))
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.Machine()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Find("real-leader-killed")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := NewPlan(s.On(m), 3)
	if err != nil {
		t.Fatal(err)
	}
	text, err := Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse("plan.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if again.Machine == nil || *again.Machine != *m || s.Machine != nil {
		t.Errorf("the plan came back for the machine %v, the scenario for %v; want %v and none", again.Machine, s.Machine, m)
	}
	m.Wake.P50 = m.Wake.P99 + 1
	if _, err := NewPlan(s.On(m), 3); err == nil {
		t.Error("percentiles that fall were taken")
	}
}

// TestMeasured holds that what is drawn from a measurement is like it.
func TestMeasured(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.IntRange(0, 1_000_000).Draw(t, "us")) * time.Microsecond
		}), 1, 60).Draw(t, "all")
		m := NewMeasured(all)
		if problem := m.problem(); problem != "" {
			t.Fatal(problem)
		}
		slices.Sort(all)
		if m.Max.Std() != all[len(all)-1] || !slices.Contains(all, m.P50.Std()) {
			t.Fatalf("%v of %v", m, all)
		}
		s, last := m.spread(), time.Duration(-1)
		for place := uint64(0); place < 10_000; place += 50 {
			at := s.At(place)
			if at < last || at < s.P05.Std() || at > s.P99.Std() {
				t.Fatalf("%v at %d after %v, of %v", at, place, last, s)
			}
			last = at
		}
		if s.At(5000) != s.P50.Std() || s.At(9500) != s.P95.Std() {
			t.Fatalf("%v: %v and %v", s, s.At(5000), s.At(9500))
		}
	})
}
