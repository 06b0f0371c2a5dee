package scenarios

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"firedrill/checker/history"
	"firedrill/model/config"
)

func mustSuite(t testing.TB) []*Scenario {
	t.Helper()
	all, err := Suite()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func mustPlan(t testing.TB, s *Scenario, seed uint64) *Scenario {
	t.Helper()
	plan, err := NewPlan(s, seed)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// equal compares scenarios as values; addresses are comparable.
func equal(a, b *Scenario) string {
	return cmp.Diff(a, b, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty())
}

// TestPlanIsItsOwnPlan holds for any seed of both plans, and so a plan can be kept as a scenario.
func TestPlanIsItsOwnPlan(t *testing.T) {
	all := append(mustSuite(t), mustParse(t, sample))
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(all).Draw(t, "scenario")
		plan, err := NewPlan(s, rapid.Uint64().Draw(t, "seed"))
		if err != nil {
			t.Fatal(err)
		}
		again, err := NewPlan(plan, rapid.Uint64().Draw(t, "another seed"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := equal(plan, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestPlansOfSuite(t *testing.T) {
	for _, s := range mustSuite(t) {
		for seed := range uint64(50) {
			plan := mustPlan(t, s, seed)
			checkPlan(t, s, plan)
			if seed >= 2 { // reading YAML again is slow, and finds nothing new
				continue
			}
			out := sameAgain(t, plan)
			if twice, err := Marshal(mustPlan(t, s, seed)); err != nil || !bytes.Equal(out, twice) {
				t.Errorf("%s: seed %d gives two plans, %v", s.Name, seed, err)
			}
		}
	}
}

// checkPlan checks that a plan leaves nothing open and stays within what the scenario said.
func checkPlan(t *testing.T, s, plan *Scenario) {
	t.Helper()
	if plan.Workload.Mix != nil {
		t.Errorf("%s: the plan has a mix", s.Name)
	}
	last := Span{}
	for _, f := range plan.Faults {
		if !f.At.Single() || !f.For.Single() || !f.Delay.Single() || len(f.Targets) > 0 || f.Target == "" || f.Every != 0 {
			t.Errorf("%s: the fault %+v leaves something open", s.Name, f)
		}
		if f.At.Min < last.Min || f.At.Max >= s.Duration.Std() {
			t.Errorf("%s: the fault at %v is out of place", s.Name, f.At)
		}
		last = f.At
	}
	last = Span{}
	for _, op := range plan.Workload.Operate {
		if !op.At.Single() || op.At.Min < last.Min || op.At.Max >= s.Duration.Std() {
			t.Errorf("%s: the operation %+v is out of place", s.Name, op)
		}
		last = op.At
	}
	if want := (&Scenario{Topology: s.Topology}); plan.Topology.Network != want.Topology.Network || plan.Topology.Clocks != want.Topology.Clocks {
		t.Errorf("%s: the plan changed the world", s.Name)
	}
}

func TestPlanOfSample(t *testing.T) {
	plan := mustPlan(t, mustParse(t, sample), 7)
	var got []string
	for _, f := range plan.Faults {
		got = append(got, f.Fault+" "+f.Target)
	}
	want := []string{"crash leader", "delay host(engine-1)", "power-loss rack(a)", "power-loss follower[1]"}
	if plan.Faults[0].At.Min > plan.Faults[1].At.Min || plan.Faults[0].Fault == "delay" {
		want[0], want[1] = want[1], want[0]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if a, b := plan.Faults[2].At, plan.Faults[3].At; a != at(15*time.Second) || b != at(18*time.Second) {
		t.Errorf("targets 3s apart are struck at %v and %v", a, b)
	}
}

// TestStreamsAreApart: one more fault or operation leaves every other choice as it was.
func TestStreamsAreApart(t *testing.T) {
	s := mustParse(t, sample)
	before := mustPlan(t, s, 3)
	more := *s
	more.Faults = append(append([]Fault{}, s.Faults...), Fault{At: Span{19 * time.Second, 20 * time.Second}, Fault: "crash", Target: "all"})
	more.Workload.Operate = append(append([]Operation{}, s.Workload.Operate...),
		Operation{At: Span{20 * time.Second, 21 * time.Second}, Client: "eve", Do: history.OpRead, Key: "Pool/web"})
	after := mustPlan(t, &more, 3)
	if diff := cmp.Diff(before.Faults, after.Faults[:len(before.Faults)]); diff != "" {
		t.Error(diff)
	}
	var rest []Operation
	for _, op := range after.Workload.Operate {
		if op.Client != "eve" {
			rest = append(rest, op)
		}
	}
	if diff := cmp.Diff(before.Workload.Operate, rest); diff != "" {
		t.Error(diff)
	}
}

func TestSeedsDiffer(t *testing.T) {
	s := mustParse(t, sample)
	if equal(mustPlan(t, s, 1), mustPlan(t, s, 2)) == "" {
		t.Error("two seeds give one plan")
	}
}

func TestNewPlanRefuses(t *testing.T) {
	s := mustParse(t, sample)
	s.Faults[0].Target = "nobody"
	if _, err := NewPlan(s, 1); err == nil {
		t.Error("a scenario with an impossible fault has a plan")
	}
}

// TestMix checks the shares, the rate, and that no two writes look alike.
func TestMix(t *testing.T) {
	m := Mix{Clients: 3, Rate: 12.5, Keys: 4, From: at(5 * time.Second), Until: Span{2000 * time.Second, 2010 * time.Second}}
	ops := m.operations(1, 3, nil)
	if n := len(ops); n < 12*1995 || n > 13*2005 {
		t.Fatalf("12.5 a second for 2000s are %d operations", n)
	}
	values, done := make(map[string]bool), make(map[string]int)
	clients, keys := make(map[string]bool), make(map[string]bool)
	for _, op := range ops {
		done[op.Do]++
		clients[op.Client] = true
		keys[op.Key] = true
		if op.Value != "" && values[op.Value] {
			t.Errorf("%s is written twice", op.Value)
		}
		values[op.Value] = true
		if op.At.Min < m.From.Min || op.At.Max > m.Until.Max {
			t.Errorf("an operation at %v is outside of the mix", op.At)
		}
	}
	for _, s := range shares {
		if percent := 100 * done[s.do] / len(ops); percent < int(s.share)-2 || percent > int(s.share)+2 {
			t.Errorf("%d%% of the operations are a %s; want about %d%%", percent, s.do, s.share)
		}
	}
	if len(clients) != 3 || len(keys) != 5 {
		t.Errorf("3 clients and 4 keys became %v and %v", clients, keys)
	}
}

// TestMixOnConfigured: the pool of the configuration is read and updated, and stays what it is.
func TestMixOnConfigured(t *testing.T) {
	m := Mix{Clients: 2, Rate: 10, Keys: 2, From: at(5 * time.Second), Until: at(105 * time.Second)}
	pool := config.Pool{Name: "web", Servers: []config.Server{{IP: ServerIP(1), Port: 80}}}
	done := make(map[string]int)
	for _, op := range m.operations(1, 3, []config.Pool{pool}) {
		if op.Key != "Pool/web" {
			continue
		}
		done[op.Do]++
		if op.Value == "" {
			continue
		}
		object, err := config.Decode(config.KindPool, []byte(op.Value))
		if err != nil {
			t.Fatal(err)
		}
		if got := object.(*config.Pool); !slices.Equal(got.Servers, pool.Servers) {
			t.Errorf("%s changes the servers", op.Value)
		}
	}
	if len(done) != 2 || done[history.OpRead] < 20 || done[history.OpUpdate] < 20 {
		t.Errorf("the configured pool saw %v", done)
	}
}

// TestMixReaders: each controller is read by a client of its own.
func TestMixReaders(t *testing.T) {
	m := Mix{Clients: 1, Rate: 0.001, Keys: 2, Readers: 4, From: at(5 * time.Second), Until: at(105 * time.Second)}
	reads := make(map[string]int)
	for _, op := range m.operations(1, 3, nil) {
		if op.Do != history.OpRead || op.Client != "reader-"+op.Via[len("controller-"):] {
			t.Fatalf("%+v is no read of a reader", op)
		}
		reads[op.Via]++
	}
	if diff := cmp.Diff(map[string]int{"controller-1": 400, "controller-2": 400, "controller-3": 400}, reads); diff != "" {
		t.Error(diff)
	}
}

func TestMixValuesStayUnique(t *testing.T) {
	seen := make(map[string]int)
	for _, i := range []int{0, 1, 59_999, 60_000, 60_001, 119_999, 120_000, mostOps - 1} {
		v := mixValue("mix-1", i)
		if other, ok := seen[v]; ok {
			t.Errorf("writes %d and %d look alike", other, i)
		}
		seen[v] = i
	}
}

func BenchmarkNewPlan(b *testing.B) {
	s, err := Find("reference")
	if err != nil {
		b.Fatal(err)
	}
	for i := range uint64(b.N) {
		mustPlan(b, s, i)
	}
}

func ExampleFind() {
	_, err := Find("leader-crush")
	fmt.Println(err)
	// Output: there is no scenario "leader-crush"; did you mean "leader-crash"?
}
