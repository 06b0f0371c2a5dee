package analytics

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firedrill/model"
	"firedrill/model/wire"
)

// drill is engines and controllers on a network that loses, repeats and reorders, and the truth.
type drill struct {
	stores  []*Store
	engines []*engine
	packets []packet
	lives   uint64
}

// engine is one engine: its present life, and what its lives have truly carried.
type engine struct {
	name     string
	address  netip.Addr
	recorder *Recorder
	lives    []*truth
}

// truth is what one life has carried, by service.
type truth struct {
	incarnation uint64
	services    map[string]*path
}

// path is the data path of one service.
type path struct {
	model.TrafficSample
	last  uint64            // number of flows that have a record, or had no room for one
	flows map[uint64]string // the clients of those that have one
	heard map[uint64]bool   // by a store, at any time
}

type packet struct {
	from, to netip.Addr
	body     any
}

var services = []string{"bank", "mail", "shop", "video", "web"}

func newDrill(engines, stores int) *drill {
	d := &drill{}
	for i := range stores {
		d.stores = append(d.stores, NewStore(fmt.Sprintf("controller-%d", i+1)))
	}
	for i := range engines {
		e := &engine{name: fmt.Sprintf("engine-%d", i+1), address: netip.AddrFrom4([4]byte{198, 18, 1, byte(i + 1)})}
		d.engines = append(d.engines, e)
		d.boot(e)
	}
	return d
}

// boot begins a life of an engine.
func (d *drill) boot(e *engine) {
	d.lives++
	e.lives = append(e.lives, &truth{incarnation: d.lives, services: map[string]*path{}})
	e.recorder = NewRecorder(e.name, d.lives, controllers(len(d.stores)), func(to netip.Addr, m *wire.Metrics) {
		d.packets = append(d.packets, packet{e.address, to, wire.Encode(&wire.Envelope_Metrics{Metrics: m})})
	})
}

func (e *engine) now() *truth { return e.lives[len(e.lives)-1] }

// carry lets flows pass, some of which find no room in the data path's log.
func (e *engine) carry(service string, flows, unrecorded int) {
	now := e.now()
	p := now.services[service]
	if p == nil {
		p = &path{flows: map[uint64]string{}, heard: map[uint64]bool{}}
		p.Service = service
		now.services[service] = p
	}
	p.Records, p.Unrecorded = p.Records[:0], uint64(unrecorded)
	p.last += uint64(unrecorded)
	for range flows {
		p.last++
		client := netip.AddrPortFrom(e.address, uint16(p.last))
		p.flows[p.last] = client.String()
		p.Records = append(p.Records, model.FlowRecord{At: time.Duration(p.last), Client: client, Server: client})
	}
	p.Flows += uint64(flows + unrecorded)
	p.Requests += uint64(flows)
	p.Responses += uint64(flows / 2)
	e.recorder.Collect(&p.TrafficSample)
}

// deliver brings the packet at i to where it goes, wherever it stands in the queue.
func (d *drill) deliver(i int) {
	p := d.packets[i]
	switch b := p.body.(type) {
	case []byte:
		body, err := wire.Decode(b)
		if err != nil {
			panic(err)
		}
		m := body.(*wire.Envelope_Metrics).Metrics
		if number := slices.Index(controllers(len(d.stores)), p.to); d.stores[number] != nil {
			d.note(m)
			d.packets = append(d.packets, packet{p.to, p.from, d.stores[number].Heard(p.from, m)})
		}
	case *wire.MetricsAck:
		for _, e := range d.engines {
			if e.address == p.to {
				e.recorder.Acked(p.from, b)
			}
		}
	}
}

// note remembers which records ever reached a store.
func (d *drill) note(m *wire.Metrics) {
	for _, e := range d.engines {
		for _, l := range e.lives {
			for _, r := range m.Logs {
				if e.name == m.Engine && l.incarnation == m.Incarnation {
					l.services[r.Service].heard[r.Number] = true
				}
			}
		}
	}
}

// read asks every store that lives.
func (d *drill) read() []ServiceTotals {
	q := &wire.MetricsQuery{Id: 7, Logs: KeptRecords}
	r := NewReading(q, &wire.MetricsAnswer{}, controllers(len(d.stores)))
	for i, s := range d.stores {
		if s != nil {
			r.Heard(controllers(len(d.stores))[i], s.Answer(q))
		}
	}
	return r.Totals()
}

// find returns the truth behind a line of the totals.
func (d *drill) find(service string, t EngineTotals) *path {
	for _, e := range d.engines {
		for _, l := range e.lives {
			if e.name == t.Engine && l.incarnation == t.Incarnation {
				return l.services[service]
			}
		}
	}
	return nil
}

// checkSafe: nothing is counted that was not carried, and no record is there twice or says what is not so.
func (d *drill) checkSafe(t failer) {
	for _, total := range d.read() {
		var sum uint64
		for _, part := range total.Engines {
			p := d.find(total.Service, part)
			if p == nil || part.Flows > p.Flows || part.Requests > p.Requests || part.Responses > p.Responses {
				t.Fatalf("%s: %+v, but in truth %+v", total.Service, part, p)
			}
			sum += part.Flows
		}
		if sum != total.Flows {
			t.Fatalf("%s: the parts add up to %d flows, the total says %d", total.Service, sum, total.Flows)
		}
		for i, l := range total.Logs {
			p := d.find(total.Service, EngineTotals{Engine: l.Engine, Incarnation: l.Incarnation})
			if p == nil || p.flows[l.Number] != l.Client || l.AtNs != l.Number {
				t.Fatalf("%s: no flow was like the record %+v", total.Service, l)
			}
			if i > 0 && total.Logs[i-1].Incarnation == l.Incarnation && total.Logs[i-1].Number >= l.Number {
				t.Fatalf("%s: the record %d follows %d", total.Service, l.Number, total.Logs[i-1].Number)
			}
		}
	}
}

// checkExact: of every life that goes on, all is there.
func (d *drill) checkExact(t failer) {
	totals := d.read()
	for _, e := range d.engines {
		for _, service := range services {
			p := e.now().services[service]
			if p == nil {
				continue
			}
			got, logs := pick(totals, service, e.now().incarnation)
			if got.Flows != p.Flows || got.Requests != p.Requests || got.Responses != p.Responses {
				t.Fatalf("%s of %s: %+v, but in truth %+v", service, e.name, got, p.Counters)
			}
			lost := uint64(0)
			for number := uint64(1); number <= p.last; number++ {
				_, recorded := p.flows[number]
				if number+KeptRecords > p.last && recorded && !afterGap(p, number) && !logs[number] {
					t.Fatalf("%s of %s: the record %d of %d is missing", service, e.name, number, p.last)
				}
				if !p.heard[number] {
					lost++
				}
			}
			if got.Dropped < lost {
				t.Fatalf("%s of %s: %d records never came, but only %d are said to be dropped", service, e.name, lost, got.Dropped)
			}
		}
	}
}

// afterGap tells whether a later record had no room in the data path: an engine forgets what is older.
func afterGap(p *path, number uint64) bool {
	for n := number; n <= p.last; n++ {
		if _, recorded := p.flows[n]; !recorded {
			return true
		}
	}
	return false
}

func pick(totals []ServiceTotals, service string, incarnation uint64) (EngineTotals, map[uint64]bool) {
	logs := map[uint64]bool{}
	for _, total := range totals {
		if total.Service != service {
			continue
		}
		for _, l := range total.Logs {
			logs[l.Number] = logs[l.Number] || l.Incarnation == incarnation
		}
		for _, part := range total.Engines {
			if part.Incarnation == incarnation {
				return part, logs
			}
		}
	}
	return EngineTotals{}, logs
}

// settle lets the network be well for so many intervals.
func (d *drill) settle(rounds int) {
	for range rounds {
		for _, e := range d.engines {
			e.recorder.Report()
		}
		d.deliverAll()
	}
}

// deliverAll brings every packet where it goes, and those that come of it.
func (d *drill) deliverAll() {
	for len(d.packets) > 0 {
		d.deliver(0)
		d.packets = d.packets[1:]
	}
}

// checkQuiet: without news, each collector is asked at most once in idleRounds intervals.
func (d *drill) checkQuiet(t failer) {
	sent := 0
	for range idleRounds {
		for _, e := range d.engines {
			e.recorder.Report()
		}
		sent += len(d.packets)
		d.deliverAll()
	}
	if most := len(d.engines) * len(d.stores); sent > most {
		t.Fatalf("%d messages went out without any news, want at most %d", sent, most)
	}
}

// TestNothingLostNothingTwice: whatever the network and the crashes do, no read ever tells more than the truth; once
// they stop, within twenty intervals, it tells no less of the engines that live.
func TestNothingLostNothingTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDrill(rapid.IntRange(1, 3).Draw(t, "engines"), 3)
		anEngine := rapid.SampledFrom(d.engines)
		aStore := rapid.IntRange(0, 2)
		takePacket := func(t *rapid.T) int {
			if len(d.packets) == 0 {
				t.Skip("nothing is under way")
			}
			return rapid.IntRange(0, len(d.packets)-1).Draw(t, "packet")
		}
		deliver := func(t *rapid.T) {
			i := takePacket(t)
			d.deliver(i)
			if rapid.IntRange(0, 4).Draw(t, "again") > 0 {
				d.packets = slices.Delete(d.packets, i, i+1)
			}
		}
		carry := func(t *rapid.T) {
			flows := rapid.SampledFrom([]int{1, 3, 90, 700}).Draw(t, "flows")
			unrecorded := rapid.SampledFrom([]int{0, 0, 0, 5}).Draw(t, "unrecorded")
			anEngine.Draw(t, "engine").carry(rapid.SampledFrom(services).Draw(t, "service"), flows, unrecorded)
		}
		report := func(t *rapid.T) { anEngine.Draw(t, "engine").recorder.Report() }
		t.Repeat(map[string]func(*rapid.T){
			"":          func(t *rapid.T) { d.checkSafe(t) },
			"carry":     carry,
			"deliver 1": deliver,
			"deliver 2": deliver,
			"deliver 3": deliver,
			"report 1":  report,
			"report 2":  report,
			"lose": func(t *rapid.T) {
				i := takePacket(t)
				d.packets = slices.Delete(d.packets, i, i+1)
			},
			"redistribute": func(t *rapid.T) {
				e := anEngine.Draw(t, "engine")
				e.recorder.Redistribute(rapid.Permutation(controllers(3)).Draw(t, "order")[:rapid.IntRange(0, 3).Draw(t, "collectors")])
			},
			"engine crashes": func(t *rapid.T) { d.boot(anEngine.Draw(t, "engine")) },
			"controller crashes": func(t *rapid.T) {
				i := aStore.Draw(t, "controller")
				d.stores[i] = nil
				if rapid.Bool().Draw(t, "back at once") {
					d.stores[i] = NewStore("again")
				}
			},
		})
		for i, s := range d.stores {
			if s == nil {
				d.stores[i] = NewStore("again")
			}
		}
		for _, e := range d.engines {
			if rapid.Bool().Draw(t, "told") {
				e.recorder.Redistribute(controllers(3))
			}
		}
		d.settle(20)
		d.checkSafe(t)
		d.checkExact(t)
		d.checkQuiet(t)
	})
}

// failer is a test, or a property of rapid.
type failer interface{ Fatalf(string, ...any) }
