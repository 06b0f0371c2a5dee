package analytics

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"firedrill/model"
	"firedrill/model/wire"
)

// desk is a recorder whose messages lie where a test can see them.
type desk struct {
	*Recorder
	sent []*wire.Metrics
	to   []netip.Addr
}

func newDesk(controllers []netip.Addr) *desk {
	d := &desk{}
	d.Recorder = NewRecorder("engine-1", 9, controllers, func(to netip.Addr, m *wire.Metrics) {
		d.sent, d.to = append(d.sent, m), append(d.to, to)
	})
	return d
}

// carry lets flows pass; the counters go on from the last call.
func (d *desk) carry(service string, total *model.Counters, flows int) {
	total.Flows += uint64(flows)
	d.Collect(&model.TrafficSample{Service: service, Counters: *total, Records: make([]model.FlowRecord, flows)})
}

func (d *desk) last() *wire.Metrics { return d.sent[len(d.sent)-1] }

// TestPauses: without answers, messages go out three times in a row and then ever more rarely; when an answer
// comes, the pace is back; and without news, a question goes out now and then.
func TestPauses(t *testing.T) {
	d := newDesk(controllers(1))
	var total model.Counters
	d.carry("shop", &total, 1)
	var at []int
	for round := range 30 {
		before := len(d.sent)
		d.Report()
		if len(d.sent) > before {
			at = append(at, round)
		}
	}
	want := []int{0, 1, 2, 3, 4, 6, 10, 18, 26}
	if !slices.Equal(at, want) {
		t.Errorf("nobody answers, and messages go out at intervals %v, want %v", at, want)
	}
	d.Acked(d.to[0], &wire.MetricsAck{Incarnation: 9, Sequence: d.last().Sequence})
	at = nil
	for round := range 20 {
		before := len(d.sent)
		d.Report()
		if len(d.sent) > before {
			at = append(at, round)
			if m := d.last(); len(m.Services)+len(m.Logs) > 0 || m.Base == 0 {
				t.Errorf("without news, %v is sent", m)
			}
			if round != 7 { // the first question is lost, and asked again at once
				d.Acked(d.to[0], &wire.MetricsAck{Incarnation: 9, Sequence: d.last().Sequence})
			}
		}
	}
	if want := []int{7, 8, 16}; !slices.Equal(at, want) {
		t.Errorf("without news, questions go out at intervals %v, want %v", at, want)
	}
}

// TestBacklog: records that had no room follow as soon as the collector answers, the oldest first.
func TestBacklog(t *testing.T) {
	d := newDesk(controllers(1))
	var total model.Counters
	d.carry("shop", &total, 2*batch+1)
	d.Report()
	next := uint64(1)
	for i := 0; i < len(d.sent); i++ {
		for _, l := range d.sent[i].Logs {
			if l.Number != next {
				t.Fatalf("record %d comes after %d", l.Number, next-1)
			}
			next++
		}
		d.Acked(d.to[i], &wire.MetricsAck{Incarnation: 9, Sequence: d.sent[i].Sequence})
	}
	if len(d.sent) != 3 || next != 2*batch+2 {
		t.Errorf("%d messages brought records up to %d; want 3, up to %d", len(d.sent), next-1, 2*batch+1)
	}
}

// TestOldAnswers: an answer of a collector that a service has left says nothing about the new one, and a second
// refusal of what went out before everything was sent again says nothing new.
func TestOldAnswers(t *testing.T) {
	both := controllers(2)
	first := Collector("shop", both)
	second := both[0]
	if second == first {
		second = both[1]
	}
	d := newDesk(both)
	var total model.Counters
	d.carry("shop", &total, 5)
	d.Report()
	d.Redistribute([]netip.Addr{second})
	d.Acked(first, &wire.MetricsAck{Incarnation: 9, Sequence: d.last().Sequence})
	d.Report()
	if m := d.last(); d.to[len(d.to)-1] != second || len(m.Logs) != 5 || len(m.Services) != 1 || m.Base != 0 {
		t.Errorf("the new collector gets %v", m)
	}

	d.Report() // a second message, because nobody has answered
	n := len(d.sent)
	for i := n - 2; i < n; i++ {
		d.Acked(second, &wire.MetricsAck{Incarnation: 9, Sequence: d.sent[i].Sequence, Unknown: true})
	}
	if len(d.sent) != n+1 {
		t.Errorf("two refusals of old messages bring %d messages, want 1", len(d.sent)-n)
	}
}

// TestMovedWhileUnderWay: a service goes from one living collector to another while a message is under way.
func TestMovedWhileUnderWay(t *testing.T) {
	three := controllers(3)
	home := Collector("shop", three[:2])
	guest := three[2]
	if Collector("shop", []netip.Addr{home, guest}) == home {
		home, guest = guest, home // whichever order makes it move
	}
	d := newDesk([]netip.Addr{home})
	var total model.Counters
	d.carry("shop", &total, 5)
	d.Report()
	d.Redistribute([]netip.Addr{home, guest})
	d.Acked(home, &wire.MetricsAck{Incarnation: 9, Sequence: d.sent[0].Sequence})
	d.Report()
	if m := d.last(); d.to[len(d.to)-1] != guest || len(m.Logs) != 5 || len(m.Services) != 1 {
		t.Errorf("%v gets %v", d.to[len(d.to)-1], m)
	}
}

// TestDropped: what leaves the ring before anybody took it is counted, and so is what the data path had no room for;
// what somebody took is not.
func TestDropped(t *testing.T) {
	s := &series{name: "shop"}
	take := func(flows int, unrecorded uint64) {
		s.take(&model.TrafficSample{Service: "shop", Records: make([]model.FlowRecord, flows), Unrecorded: unrecorded})
	}
	take(KeptRecords, 0)
	s.held, s.safe = 400, 400
	for _, step := range []struct {
		flows      int
		unrecorded uint64
		want       uint64
	}{{300, 0, 0}, {100, 0, 0}, {10, 0, 10}, {0, 7, 1017}, {KeptRecords + 3, 0, 1020}} {
		take(step.flows, step.unrecorded)
		if s.dropped != step.want {
			t.Errorf("after %+v, %d are dropped", step, s.dropped)
		}
	}
}

// BenchmarkReport is one interval of an engine with 20 services and 10 flows of each, up to the bytes.
func BenchmarkReport(b *testing.B) {
	var r *Recorder
	size := 0
	r = NewRecorder("engine-1", 1, controllers(3), func(to netip.Addr, m *wire.Metrics) {
		size += len(wire.Encode(&wire.Envelope_Metrics{Metrics: m}))
		r.Acked(to, &wire.MetricsAck{Incarnation: 1, Sequence: m.Sequence})
	})
	samples := benchSamples()
	b.ReportAllocs()
	for b.Loop() {
		for i := range samples {
			samples[i].Flows += 10
			r.Collect(&samples[i])
		}
		r.Report()
	}
	b.ReportMetric(float64(size)/float64(b.N), "B/report")
}

func benchSamples() []model.TrafficSample {
	out := make([]model.TrafficSample, 20)
	for i := range out {
		out[i].Service = "service-" + string(rune('a'+i))
		for j := range 10 {
			client := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 18, 128, byte(j)}), uint16(j))
			out[i].Records = append(out[i].Records, model.FlowRecord{At: time.Second, Client: client, Server: client})
		}
	}
	return out
}
