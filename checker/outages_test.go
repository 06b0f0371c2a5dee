package checker

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/model/config"
)

// pairHeader is a group of two engines with one service, two controllers, and a stranger group.
const pairHeader = `{"format":"firedrill.history","version":1,
	"services":[{"name":"shop","address":"198.18.0.1","group":"web"},{"name":"api"}],
	"nodes":[{"name":"engine-1","role":"engine","group":"web","host":"h1"},{"name":"engine-2","role":"engine","group":"web","host":"h2"},
		{"name":"engine-9","role":"engine","group":"mail","host":"h9"},
		{"name":"controller-1","role":"controller","host":"h1"},{"name":"controller-2","role":"controller","host":"h2"}],
	"expect":{"outages":[{"service":"*","max":"50ns"},{"service":"api","max":"70ns"}]}}`

func oneLine(header string) string { return strings.Join(strings.Fields(header), "") }

func TestOutages(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines string
		want  []Outage
	}{
		{"none", `
			{"t":11,"type":"probe","service":"shop","sent":10,"ok":true}
			{"t":21,"type":"probe","service":"shop","sent":20,"ok":true}`, nil},
		{"not before the first answer", `
			{"t":19,"type":"probe","service":"shop","sent":10}
			{"t":21,"type":"probe","service":"shop","sent":20,"ok":true}`, nil},
		{"not while it is switched off, but from then on", `
			{"t":11,"type":"probe","service":"shop","sent":10,"ok":true}
			{"t":20,"type":"call","client":"a","op":1,"operation":"update","key":"VirtualService/shop","value":"{\"name\":\"shop\",\"vip\":\"198.18.0.1\",\"disabled\":true}"}
			{"t":25,"type":"return","client":"a","op":1,"outcome":"ok"}
			{"t":35,"type":"probe","service":"shop","sent":30}
			{"t":45,"type":"probe","service":"shop","sent":40}
			{"t":50,"type":"call","client":"a","op":2,"operation":"update","key":"VirtualService/shop","value":"{\"name\":\"shop\",\"vip\":\"198.18.0.1\"}"}
			{"t":55,"type":"return","client":"a","op":2,"outcome":"ok"}
			{"t":65,"type":"probe","service":"shop","sent":60}
			{"t":75,"type":"probe","service":"shop","sent":70}
			{"t":81,"type":"probe","service":"shop","sent":80,"ok":true}`,
			[]Outage{{Service: "shop", Fault: "none", Start: 60, Duration: 21, Ended: true, Bound: 50,
				Phases: Phases{Converge: 21}, Cause: "no fault before it; clients were answered after 21 ns"}}},
		{"a change that is refused switches nothing off", `
			{"t":11,"type":"probe","service":"shop","sent":10,"ok":true}
			{"t":20,"type":"call","client":"a","op":1,"operation":"request","key":"DELETE /api/virtualservice/shop"}
			{"t":25,"type":"return","client":"a","op":1,"outcome":"ok","status":409}
			{"t":35,"type":"probe","service":"shop","sent":30}
			{"t":45,"type":"probe","service":"shop","sent":40}
			{"t":51,"type":"probe","service":"shop","sent":50,"ok":true}`,
			[]Outage{{Service: "shop", Fault: "none", Start: 30, Duration: 21, Ended: true, Bound: 50,
				Phases: Phases{Converge: 21}, Cause: "no fault before it; clients were answered after 21 ns"}}},
		{"from the fault to the answer, with every phase", `
			{"t":101,"type":"probe","service":"shop","sent":100,"ok":true}
			{"t":150,"type":"fault","fault":"crash","step":1,"target":"active(web)","resolved":["engine-1"],"phase":"begin"}
			{"t":150,"type":"node","node":"engine-1","event":"stopped","detail":"crashed"}
			{"t":160,"type":"node","node":"engine-2","event":"suspected","unit":"web"}
			{"t":180,"type":"node","node":"engine-2","event":"active","unit":"web"}
			{"t":190,"type":"node","node":"engine-2","event":"announced","unit":"198.18.0.1"}
			{"t":210,"type":"probe","service":"shop","sent":200}
			{"t":216,"type":"probe","service":"shop","sent":215,"ok":true}`,
			[]Outage{{Service: "shop", Fault: "crash", Target: "active(web)", Start: 150, Duration: 66, Ended: true, Bound: 50,
				Phases: Phases{Detect: 10, Decide: 20, Announce: 10, Converge: 26},
				Cause:  "engine-1 crashed; engine-2 suspected it after 10 ns, engine-2 took over 198.18.0.1 after 20 ns, engine-2 announced 198.18.0.1 after 10 ns, clients were answered after 26 ns"}}},
		{"phases by the nodes that took part, for this address", `
			{"t":101,"type":"probe","service":"shop","sent":100,"ok":true}
			{"t":150,"type":"fault","fault":"pause","step":1,"target":"engine-1","resolved":["engine-1"],"phase":"begin"}
			{"t":151,"type":"node","node":"engine-1","event":"suspected","unit":"web"}
			{"t":160,"type":"node","node":"engine-2","event":"suspected","unit":"web"}
			{"t":180,"type":"node","node":"engine-2","event":"active","unit":"web"}
			{"t":185,"type":"node","node":"engine-1","event":"announced","unit":"198.18.0.1"}
			{"t":186,"type":"node","node":"engine-2","event":"announced","unit":"198.18.0.7"}
			{"t":190,"type":"node","node":"engine-2","event":"announced","unit":"198.18.0.1"}
			{"t":191,"type":"node","node":"engine-9","event":"active","unit":"mail"}
			{"t":210,"type":"probe","service":"shop","sent":200}
			{"t":216,"type":"probe","service":"shop","sent":215,"ok":true}`,
			[]Outage{{Service: "shop", Fault: "pause", Target: "engine-1", Start: 150, Duration: 66, Ended: true, Bound: 50,
				Phases: Phases{Detect: 10, Decide: 20, Announce: 10, Converge: 26},
				Cause:  "pause at engine-1; engine-2 suspected it after 10 ns, engine-2 took over 198.18.0.1 after 20 ns, engine-2 announced 198.18.0.1 after 10 ns, clients were answered after 26 ns"}}},
		{"of the API, with a bound of its own", `
			{"t":101,"type":"probe","service":"api","sent":100,"ok":true}
			{"t":150,"type":"fault","fault":"pause","step":1,"target":"leader","resolved":["controller-1"],"phase":"begin"}
			{"t":160,"type":"node","node":"controller-2","event":"suspected","peer":"controller-1"}
			{"t":180,"type":"node","node":"controller-2","event":"leader","term":2}
			{"t":190,"type":"node","node":"controller-2","event":"ready","term":2}
			{"t":210,"type":"probe","service":"api","sent":200}
			{"t":216,"type":"probe","service":"api","sent":215,"ok":true}`,
			[]Outage{{Service: "api", Fault: "pause", Target: "leader", Start: 150, Duration: 66, Ended: true, Bound: 70,
				Phases: Phases{Detect: 10, Decide: 20, Announce: 10, Converge: 26},
				Cause:  "pause at controller-1; controller-2 suspected it after 10 ns, controller-2 was elected after 20 ns, controller-2 was ready after 10 ns, clients were answered after 26 ns"}}},
		{"from the first lost probe when the fault is older than the last answer", `
			{"t":50,"type":"fault","fault":"loss","step":1,"target":"shop","resolved":["engine-1"],"phase":"begin"}
			{"t":101,"type":"probe","service":"shop","sent":100,"ok":true}
			{"t":210,"type":"probe","service":"shop","sent":200}
			{"t":216,"type":"probe","service":"shop","sent":215,"ok":true}`,
			[]Outage{{Service: "shop", Fault: "loss", Target: "shop", Start: 200, Duration: 16, Ended: true, Blip: true, Bound: 50, Phases: Phases{Converge: 16},
				Cause: "loss at engine-1; clients were answered after 16 ns"}}},
		{"from the first lost probe when the fault struck while it was under way", `
			{"t":101,"type":"probe","service":"shop","sent":100,"ok":true}
			{"t":205,"type":"fault","fault":"pause","step":1,"target":"engine-1","resolved":["engine-1"],"phase":"begin"}
			{"t":210,"type":"probe","service":"shop","sent":200}
			{"t":216,"type":"probe","service":"shop","sent":215,"ok":true}`,
			[]Outage{{Service: "shop", Fault: "pause", Target: "engine-1", Start: 200, Duration: 16, Ended: true, Blip: true, Bound: 50, Phases: Phases{Converge: 16},
				Cause: "pause at engine-1; clients were answered after 16 ns"}}},
		{"a fault that strikes after the answer is not to blame, though the lost probe is still open", `
			{"t":101,"type":"probe","service":"shop","sent":100,"ok":true}
			{"t":121,"type":"probe","service":"shop","sent":120,"ok":true}
			{"t":140,"type":"fault","fault":"pause","step":1,"target":"engine-1","resolved":["engine-1"],"phase":"begin"}
			{"t":160,"type":"probe","service":"shop","sent":110}`,
			[]Outage{{Service: "shop", Fault: "none", Start: 110, Duration: 11, Ended: true, Blip: true, Bound: 50, Phases: Phases{Converge: 11},
				Cause: "no fault before it; clients were answered after 11 ns"}}},
		{"the latest fault that can reach the service", `
			{"t":10,"type":"fault","fault":"crash","step":1,"target":"engine-2","resolved":["engine-2"],"phase":"begin"}
			{"t":101,"type":"probe","service":"shop","sent":100,"ok":true}
			{"t":120,"type":"fault","fault":"pause","step":2,"target":"engine-1","resolved":["engine-1"],"phase":"begin"}
			{"t":130,"type":"fault","fault":"crash","step":3,"target":"engine-9","resolved":["engine-9"],"phase":"begin"}
			{"t":140,"type":"fault","fault":"crash","step":4,"target":"active(none)","phase":"begin"}
			{"t":210,"type":"probe","service":"shop","sent":200}
			{"t":216,"type":"probe","service":"shop","sent":215,"ok":true}`,
			[]Outage{{Service: "shop", Fault: "pause", Target: "engine-1", Start: 120, Duration: 96, Ended: true, Blip: true, Bound: 50, Phases: Phases{Converge: 96},
				Cause: "pause at engine-1; clients were answered after 96 ns"}}},
		{"overlapping probes: the answer ends it, not the last lost probe's fate", `
			{"t":101,"type":"probe","service":"shop","sent":100,"ok":true}
			{"t":231,"type":"probe","service":"shop","sent":230,"ok":true}
			{"t":250,"type":"probe","service":"shop","sent":200}
			{"t":260,"type":"probe","service":"shop","sent":210}
			{"t":270,"type":"probe","service":"shop","sent":220}
			{"t":301,"type":"probe","service":"shop","sent":300,"ok":true}`,
			[]Outage{{Service: "shop", Fault: "none", Start: 200, Duration: 31, Ended: true, Bound: 50, Phases: Phases{Converge: 31},
				Cause: "no fault before it; clients were answered after 31 ns"}}},
		{"answers that overtake one another: the first to arrive", `
			{"t":101,"type":"probe","service":"shop","sent":100,"ok":true}
			{"t":206,"type":"probe","service":"shop","sent":200}
			{"t":225,"type":"probe","service":"shop","sent":220,"ok":true}
			{"t":240,"type":"probe","service":"shop","sent":210,"ok":true}`,
			[]Outage{{Service: "shop", Fault: "none", Start: 200, Duration: 25, Ended: true, Blip: true, Bound: 50, Phases: Phases{Converge: 25},
				Cause: "no fault before it; clients were answered after 25 ns"}}},
		{"a late answer among later losses does not end it", `
			{"t":101,"type":"probe","service":"shop","sent":100,"ok":true}
			{"t":206,"type":"probe","service":"shop","sent":200}
			{"t":217,"type":"probe","service":"shop","sent":215}
			{"t":220,"type":"probe","service":"shop","sent":210,"ok":true}
			{"t":231,"type":"probe","service":"shop","sent":230,"ok":true}`,
			[]Outage{{Service: "shop", Fault: "none", Start: 200, Duration: 31, Ended: true, Bound: 50, Phases: Phases{Converge: 31},
				Cause: "no fault before it; clients were answered after 31 ns"}}},
		{"still open when the run ends", `
			{"t":101,"type":"probe","service":"shop","sent":100,"ok":true}
			{"t":150,"type":"fault","fault":"crash","step":1,"target":"active(web)","resolved":["engine-1"],"phase":"begin"}
			{"t":170,"type":"node","node":"engine-2","event":"suspected","unit":"web"}
			{"t":210,"type":"probe","service":"shop","sent":200}
			{"t":300,"type":"end"}`,
			[]Outage{{Service: "shop", Fault: "crash", Target: "active(web)", Start: 150, Duration: 150, Bound: 50, Phases: Phases{Detect: 20, Converge: 130},
				Cause: "crash at engine-1; engine-2 suspected it after 20 ns, clients were not answered again"}}},
		{"two, of which only the first has its fault between answer and loss", `
			{"t":101,"type":"probe","service":"shop","sent":100,"ok":true}
			{"t":150,"type":"fault","fault":"crash","step":1,"target":"active(web)","resolved":["engine-1"],"phase":"begin"}
			{"t":210,"type":"probe","service":"shop","sent":200}
			{"t":216,"type":"probe","service":"shop","sent":215,"ok":true}
			{"t":410,"type":"probe","service":"shop","sent":400}
			{"t":416,"type":"probe","service":"shop","sent":415,"ok":true}`,
			[]Outage{
				{Service: "shop", Fault: "crash", Target: "active(web)", Start: 150, Duration: 66, Ended: true, Blip: true, Bound: 50, Phases: Phases{Converge: 66},
					Cause: "crash at engine-1; clients were answered after 66 ns"},
				{Service: "shop", Fault: "crash", Target: "active(web)", Start: 400, Duration: 16, Ended: true, Blip: true, Bound: 50, Phases: Phases{Converge: 16},
					Cause: "crash at engine-1; clients were answered after 16 ns"}}},
		{"the end of a partition, not a crash that was over long ago", `
			{"t":10,"type":"fault","fault":"crash","step":1,"target":"engine-1","resolved":["engine-1"],"phase":"begin"}
			{"t":20,"type":"fault","fault":"crash","step":1,"target":"engine-1","phase":"end"}
			{"t":25,"type":"fault","fault":"partition","step":2,"target":"active(web)","resolved":["engine-2"],"phase":"begin"}
			{"t":101,"type":"probe","service":"shop","sent":100,"ok":true}
			{"t":150,"type":"fault","fault":"partition","step":2,"target":"active(web)","resolved":["engine-2"],"phase":"end"}
			{"t":160,"type":"node","node":"engine-2","event":"suspected","unit":"web"}
			{"t":180,"type":"node","node":"engine-2","event":"active","unit":"web"}
			{"t":210,"type":"probe","service":"shop","sent":200}
			{"t":216,"type":"probe","service":"shop","sent":215,"ok":true}`,
			[]Outage{{Service: "shop", Fault: "partition", Target: "active(web)", Healed: true, Start: 150, Duration: 66, Ended: true, Bound: 50, AfterHeal: 66,
				Phases: Phases{Detect: 10, Decide: 20, Converge: 36},
				Cause:  "partition at engine-2 healed; engine-2 suspected it after 10 ns, engine-2 took over 198.18.0.1 after 20 ns, clients were answered after 36 ns"}}},
		{"a node that starts again", `
			{"t":10,"type":"fault","fault":"crash","step":1,"target":"engine-1","resolved":["engine-1"],"phase":"begin"}
			{"t":101,"type":"probe","service":"shop","sent":100,"ok":true}
			{"t":150,"type":"fault","fault":"crash","step":1,"target":"engine-1","resolved":["engine-1"],"phase":"end"}
			{"t":150,"type":"node","node":"engine-1","event":"started"}
			{"t":210,"type":"probe","service":"shop","sent":200}
			{"t":216,"type":"probe","service":"shop","sent":215,"ok":true}`,
			[]Outage{{Service: "shop", Fault: "crash", Target: "engine-1", Healed: true, Start: 150, Duration: 66, Ended: true, Blip: true, Bound: 50, AfterHeal: 66,
				Phases: Phases{Converge: 66}, Cause: "engine-1 started again; clients were answered after 66 ns"}}},
		{"a fault shorter than the pause between two probes: from its beginning", `
			{"t":101,"type":"probe","service":"shop","sent":100,"ok":true}
			{"t":150,"type":"fault","fault":"pause","step":1,"target":"engine-1","resolved":["engine-1"],"phase":"begin"}
			{"t":170,"type":"fault","fault":"pause","step":1,"target":"engine-1","resolved":["engine-1"],"phase":"end"}
			{"t":210,"type":"probe","service":"shop","sent":200}
			{"t":216,"type":"probe","service":"shop","sent":215,"ok":true}`,
			[]Outage{{Service: "shop", Fault: "pause", Target: "engine-1", Start: 150, Duration: 66, Ended: true, Blip: true, Bound: 50, AfterHeal: 46,
				Phases: Phases{Converge: 66}, Cause: "pause at engine-1; clients were answered after 66 ns; dark for 66 ns, of which 46 ns after the fault was over"}}},
		{"a fault in force, not one that was over long before the last answer", `
			{"t":10,"type":"fault","fault":"loss","step":1,"target":"engines","resolved":["engine-1","engine-2"],"phase":"begin"}
			{"t":20,"type":"fault","fault":"crash","step":2,"target":"engine-2","resolved":["engine-2"],"phase":"begin"}
			{"t":30,"type":"fault","fault":"crash","step":2,"target":"engine-2","phase":"end"}
			{"t":9000000101,"type":"probe","service":"shop","sent":9000000100,"ok":true}
			{"t":9000000210,"type":"probe","service":"shop","sent":9000000200}
			{"t":9000000216,"type":"probe","service":"shop","sent":9000000215,"ok":true}`,
			[]Outage{{Service: "shop", Fault: "loss", Target: "engines", Start: 9000000200, Duration: 16, Ended: true, Blip: true, Bound: 50,
				Phases: Phases{Converge: 16}, Cause: "loss at engine-1, engine-2; clients were answered after 16 ns"}}},
		{"as long as the fault, and a little longer", `
			{"t":101,"type":"probe","service":"api","sent":100,"ok":true}
			{"t":150,"type":"fault","fault":"pause","step":1,"target":"controllers","resolved":["controller-1","controller-2"],"phase":"begin"}
			{"t":210,"type":"probe","service":"api","sent":200}
			{"t":220,"type":"probe","service":"api","sent":215}
			{"t":300,"type":"fault","fault":"pause","step":1,"target":"controllers","phase":"end"}
			{"t":321,"type":"probe","service":"api","sent":320,"ok":true}`,
			[]Outage{{Service: "api", Fault: "pause", Target: "controllers", Start: 150, Duration: 171, Ended: true, Bound: 70, AfterHeal: 21,
				Phases: Phases{Converge: 171}, Cause: "pause at controller-1, controller-2; clients were answered after 171 ns; dark for 171 ns, of which 21 ns after the fault was over"}}},
		{"each client for itself", `
			{"t":101,"type":"probe","service":"shop","client":"a","sent":100,"ok":true}
			{"t":101,"type":"probe","service":"shop","client":"b","sent":100,"ok":true}
			{"t":202,"type":"probe","service":"shop","client":"b","sent":200,"ok":true}
			{"t":210,"type":"probe","service":"shop","client":"a","sent":200}
			{"t":221,"type":"probe","service":"shop","client":"a","sent":220,"ok":true}`,
			[]Outage{{Service: "shop", Fault: "none", Start: 200, Duration: 21, Ended: true, Blip: true, Bound: 50, Phases: Phases{Converge: 21},
				Cause: "no fault before it; clients were answered after 21 ns"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(append([]Outage{}, c.want...), Outages(readFrom(t, oneLine(pairHeader), c.lines))); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestOutlasted: a fault that is over while a successor already warms up has kept nobody away.
func TestOutlasted(t *testing.T) {
	for _, c := range []struct {
		o    Outage
		want bool
	}{
		{Outage{Duration: 24, AfterHeal: 1, Phases: Phases{Converge: 24}}, true},
		{Outage{Duration: 24, AfterHeal: 4, Phases: Phases{Detect: 5, Decide: 16, Converge: 3}}, true},
		{Outage{Duration: 24, AfterHeal: 4, Phases: Phases{Detect: 5, Decide: 10, Announce: 9}}, false},
		{Outage{Duration: 24, Phases: Phases{Converge: 24}}, false},
		{Outage{Duration: 24, AfterHeal: 24, Phases: Phases{Converge: 24}}, false},
	} {
		if got := c.o.Outlasted(); got != c.want {
			t.Errorf("%+v: %v", c.o, got)
		}
	}
}

func TestOutageBound(t *testing.T) {
	bounds := func(all ...history.OutageBound) history.Expect { return history.Expect{Outages: all} }
	bound := func(service string, most time.Duration) history.OutageBound {
		return history.OutageBound{Service: service, Max: config.Duration(most)}
	}
	for _, c := range []struct {
		name, service string
		expect        history.Expect
		want          time.Duration
		ok            bool
	}{
		{"nothing is said", "shop", bounds(), 0, false},
		{"of another", "shop", bounds(bound("mail", time.Second)), 0, false},
		{"by name", "shop", bounds(bound("shop", time.Second)), time.Second, true},
		{"by star", "shop", bounds(bound("*", 2*time.Second)), 2 * time.Second, true},
		{"the name before the star", "shop", bounds(bound("shop", time.Second), bound("*", 2*time.Second)), time.Second, true},
		{"the name after the star", "shop", bounds(bound("*", 2*time.Second), bound("shop", time.Second)), time.Second, true},
		{"the API is no virtual service", "api", bounds(bound("*", 2*time.Second)), 0, false},
		{"the API by name", "api", bounds(bound("*", 2*time.Second), bound("api", 3*time.Second)), 3 * time.Second, true},
		{"no outage at all", "shop", bounds(bound("shop", 0)), 0, true},
	} {
		if got, ok := outageBound(c.expect, c.service); got.Max.Std() != c.want || ok != c.ok {
			t.Errorf("%s: %v, %v; want %v, %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

// TestFaultEnds: the end of a fault need not say again whom it struck, and ends all that began under its name.
func TestFaultEnds(t *testing.T) {
	for _, c := range []struct {
		name, lines string
		want        []int64
	}{
		{"as it began", `
			{"t":1,"type":"fault","fault":"loss","step":1,"target":"x","resolved":["n"],"phase":"begin"}
			{"t":5,"type":"fault","fault":"loss","step":1,"target":"x","resolved":["n"],"phase":"end"}`, []int64{5}},
		{"without whom it struck", `
			{"t":1,"type":"fault","fault":"loss","step":1,"target":"x","resolved":["n"],"phase":"begin"}
			{"t":5,"type":"fault","fault":"loss","step":1,"target":"x","phase":"end"}`, []int64{5}},
		{"of another step", `
			{"t":1,"type":"fault","fault":"loss","step":1,"target":"x","resolved":["n"],"phase":"begin"}
			{"t":5,"type":"fault","fault":"loss","step":2,"target":"x","resolved":["n"],"phase":"end"}`, []int64{math.MaxInt64}},
		{"that flaps", `
			{"t":1,"type":"fault","fault":"flap","step":1,"target":"x","resolved":["n"],"phase":"begin"}
			{"t":2,"type":"fault","fault":"flap","step":1,"target":"x","resolved":["n"],"phase":"end"}
			{"t":3,"type":"fault","fault":"flap","step":1,"target":"x","resolved":["n"],"phase":"begin"}
			{"t":4,"type":"fault","fault":"flap","step":1,"target":"x","resolved":["n"],"phase":"end"}`, []int64{2, 4}},
		{"that began twice", `
			{"t":1,"type":"fault","fault":"loss","step":1,"target":"x","resolved":["n"],"phase":"begin"}
			{"t":3,"type":"fault","fault":"loss","step":1,"target":"x","resolved":["n"],"phase":"begin"}
			{"t":5,"type":"fault","fault":"loss","step":1,"target":"x","resolved":["n"],"phase":"end"}`, []int64{5, 5}},
		{"that struck nobody", `
			{"t":1,"type":"fault","fault":"loss","step":1,"target":"x","phase":"begin"}
			{"t":5,"type":"fault","fault":"loss","step":1,"target":"x","phase":"end"}`, nil},
	} {
		var ends []int64
		for _, f := range faults(read(t, c.lines)) {
			ends = append(ends, f.end)
		}
		if !slices.Equal(ends, c.want) {
			t.Errorf("%s: ends at %v, want %v", c.name, ends, c.want)
		}
	}
}

// TestOutagesAddUp: whatever nodes, faults and probes do, the phases of an outage add up to its duration, none is
// negative, outages of one client and service do not overlap, and all lie within the run.
func TestOutagesAddUp(t *testing.T) {
	header := readFrom(t, oneLine(pairHeader), "").Header
	rapid.Check(t, func(t *rapid.T) {
		h := &history.History{Header: header}
		now := int64(0)
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			now += rapid.Int64Range(0, 30).Draw(t, "dt")
			e := history.Event{Time: now}
			node := rapid.SampledFrom(header.Nodes).Draw(t, "node").Name
			switch rapid.SampledFrom([]string{"probe", "probe", "probe", "node", "fault"}).Draw(t, "type") {
			case "probe":
				e.Type, e.Service, e.OK = history.Probe, rapid.SampledFrom([]string{"shop", "api"}).Draw(t, "service"), rapid.Bool().Draw(t, "ok")
				e.Sent = now - rapid.Int64Range(0, min(now, 100)).Draw(t, "under way")
			case "node":
				e.Type, e.Node = history.NodeEv, node
				e.Event = string(rapid.SampledFrom([]model.EventKind{model.EventSuspected, model.EventLeader, model.EventReady,
					model.EventActive, model.EventAnnounced, model.EventStopped}).Draw(t, "event"))
				e.Unit = rapid.SampledFrom([]string{"", "web", "198.18.0.1"}).Draw(t, "unit")
			case "fault":
				e.Type, e.Fault, e.Resolved = history.Fault, "crash", []string{node}
				e.Phase = rapid.SampledFrom([]string{history.Begin, history.Finish}).Draw(t, "phase")
			}
			h.Events = append(h.Events, e)
		}
		last := map[string]time.Duration{}
		for _, o := range Outages(h) {
			p := o.Phases
			if p.Detect+p.Decide+p.Announce+p.Converge != o.Duration {
				t.Errorf("%+v do not add up to %v", p, o.Duration)
			}
			if min(p.Detect, p.Decide, p.Announce, p.Converge) < 0 {
				t.Errorf("%+v: a phase is negative", p)
			}
			if o.AfterHeal < 0 || o.AfterHeal > o.Duration {
				t.Errorf("of %v %v were after the fault", o.Duration, o.AfterHeal)
			}
			if o.Start < last[o.Service] || o.Start+o.Duration > time.Duration(now) {
				t.Errorf("%s from %v for %v; the one before ended at %v, the run at %v", o.Service, o.Start, o.Duration, last[o.Service], now)
			}
			last[o.Service] = o.Start + o.Duration
		}
	})
}

// TestBlipBound: as many single lost probes as are allowed break nothing, one more does.
func TestBlipBound(t *testing.T) {
	two := 2
	for lost, want := range map[int]int{2: 0, 3: 1, 5: 1} {
		e := &evidence{History: &history.History{}}
		e.Header.Expect.Outages = []history.OutageBound{{Service: "*", Max: config.Duration(time.Second), Blips: &two}}
		for i := range lost {
			e.outages = append(e.outages, Outage{Service: "web", Start: time.Duration(i) * time.Second, Duration: time.Millisecond, Blip: true})
		}
		if got := checkOutageBound(e); len(got) != want {
			t.Errorf("%d lost: %v", lost, got)
		}
	}
}
