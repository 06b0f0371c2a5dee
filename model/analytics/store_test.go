package analytics

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firedrill/model/wire"
)

// TestStoreAnswers: what a store acknowledges, by what it has heard before.
func TestStoreAnswers(t *testing.T) {
	type step struct {
		base, sequence uint64
		unknown        bool
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"one after another", []step{{0, 1, false}, {1, 2, false}, {2, 5, false}}},
		{"a new process", []step{{3, 4, true}, {3, 5, true}, {0, 6, false}, {6, 7, false}}},
		{"in any order, and again", []step{{0, 3, false}, {0, 1, false}, {3, 4, false}, {0, 3, false}, {4, 5, false}}},
		{"only an old one came", []step{{0, 1, false}, {2, 3, true}}},
	} {
		s := NewStore("controller-1")
		for _, st := range c.steps {
			a := s.Heard(netip.Addr{}, &wire.Metrics{Engine: "engine-1", Incarnation: 1, Base: st.base, Sequence: st.sequence})
			if a.Unknown != st.unknown || a.Sequence != st.sequence || a.Incarnation != 1 {
				t.Errorf("%s: %+v is answered by %v", c.name, st, a)
			}
		}
	}
}

// TestStoreForgetsOldLives: of an engine that starts over and over, the latest lives stay, and the one that is heard.
func TestStoreForgetsOldLives(t *testing.T) {
	s := NewStore("controller-1")
	heard := func(engine string, life, base, sequence uint64) bool {
		return !s.Heard(netip.Addr{}, &wire.Metrics{Engine: engine, Incarnation: life, Base: base, Sequence: sequence}).Unknown
	}
	heard("engine-2", 1, 0, 1)
	for life := uint64(100); life > 0; life-- {
		heard("engine-1", life, 0, 1)
		if !heard("engine-1", 100, life, life+1) && life < 100 {
			heard("engine-1", 100, 0, 300-life)
		}
	}
	if len(s.lives) != livesOfEngine+1 {
		t.Errorf("%d lives are kept", len(s.lives))
	}
	if !heard("engine-1", 100, 1, 400) || !heard("engine-2", 1, 1, 2) {
		t.Error("a life that was heard all the time is forgotten")
	}
	if heard("engine-1", 50, 1, 2) {
		t.Error("a life that ended long ago is held")
	}
}

// TestStoreKeepsTheLatestRecords: in whatever order they come, and only once.
func TestStoreKeepsTheLatestRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := uint64(KeptRecords + rapid.IntRange(-5, 50).Draw(t, "over"))
		h := &held{}
		late := rapid.SliceOfDistinct(rapid.Uint64Range(1, most-40), rapid.ID[uint64]).Draw(t, "late")
		for n := uint64(1); n <= most; n++ {
			if !slices.Contains(late, n) {
				h.insert(&wire.LogRecord{Number: n})
			}
			if n > 30 && slices.Contains(late, n-30) {
				h.insert(&wire.LogRecord{Number: n - 30})
				h.insert(&wire.LogRecord{Number: n - 29})
			}
		}
		first := most - min(most, KeptRecords)
		for i, l := range h.logs {
			if l.Number != first+uint64(i)+1 {
				t.Fatalf("the record %d is at %d, want %d", l.Number, i, first+uint64(i)+1)
			}
		}
		if uint64(len(h.logs)) != most-first {
			t.Fatalf("%d records are kept", len(h.logs))
		}
	})
}

// TestMergeIsASet: neither order nor repetition counts.
func TestMergeIsASet(t *testing.T) {
	count := rapid.Uint64Range(0, 3)
	one := rapid.Custom(func(t *rapid.T) *wire.Metrics {
		m := &wire.Metrics{Engine: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "engine"), Incarnation: count.Draw(t, "life")}
		n := count.Draw(t, "so far") // counters only grow: all of them come from one number
		name := rapid.SampledFrom(services).Draw(t, "service")
		m.Services = []*wire.ServiceCounters{{Service: name, Flows: n, Requests: n, Responses: n / 2}}
		for i := range n {
			m.Logs = append(m.Logs, &wire.LogRecord{Service: name, Number: i + 1})
		}
		return m
	})
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(one, 0, 8).Draw(t, "metrics")
		want := Merge(all)
		if len(all) > 0 {
			all = append(all, rapid.SliceOf(rapid.SampledFrom(all)).Draw(t, "again")...)
		}
		if diff := cmp.Diff(want, Merge(rapid.Permutation(all).Draw(t, "order"))); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestReading: it is done when all have answered, whoever answers twice or too late, and says who is missing.
func TestReading(t *testing.T) {
	others := controllers(2)
	own := &wire.MetricsAnswer{Id: 5, Metrics: []*wire.Metrics{{Engine: "e", Services: []*wire.ServiceCounters{{Service: "shop", Flows: 1}, {Service: "old", Flows: 1}}}}}
	r := NewReading(&wire.MetricsQuery{Id: 5}, own, others)
	more := &wire.MetricsAnswer{Id: 5, Metrics: []*wire.Metrics{{Engine: "f", Services: []*wire.ServiceCounters{{Service: "shop", Flows: 2}}}}}
	if r.Heard(others[0], &wire.MetricsAnswer{Id: 4}) || r.Heard(others[0], more) || r.Heard(others[0], more) {
		t.Error("one of two has answered, and it is done")
	}
	if m := r.Missing(); len(m) != 1 || m[0] != others[1] {
		t.Errorf("%v are missing", m)
	}
	totals := r.Totals("web", "shop")
	if len(totals) != 2 || totals[0].Service != "shop" || totals[0].Flows != 3 || totals[1].Service != "web" || totals[1].Flows != 0 {
		t.Errorf("totals: %+v", totals)
	}
	if !r.Heard(others[1], &wire.MetricsAnswer{Id: 5}) || len(r.Missing()) != 0 || len(r.Totals()) != 2 {
		t.Error("all have answered, and it is not done")
	}
}

// BenchmarkHeard is one message of 20 services with 10 records each, from the bytes on.
func BenchmarkHeard(b *testing.B) {
	s := NewStore("controller-1")
	m := &wire.Metrics{Engine: "engine-1", Incarnation: 1}
	for i := range 20 {
		m.Services = append(m.Services, &wire.ServiceCounters{Service: fmt.Sprintf("service-%02d", i)})
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Base, m.Sequence = m.Sequence, m.Sequence+1
		m.Logs = m.Logs[:0]
		for i, c := range m.Services {
			c.Flows += 10
			for j := range 10 {
				m.Logs = append(m.Logs, &wire.LogRecord{Service: m.Services[i].Service, Number: m.Sequence*10 + uint64(j), Client: "198.18.128.1:1024", Server: "198.19.1.1:8080"})
			}
		}
		body, err := wire.Decode(wire.Encode(&wire.Envelope_Metrics{Metrics: m}))
		if err != nil {
			b.Fatal(err)
		}
		s.Heard(netip.Addr{}, body.(*wire.Envelope_Metrics).Metrics)
	}
}
