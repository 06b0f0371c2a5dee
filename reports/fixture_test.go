package reports

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"firedrill/checker"
	"firedrill/checker/history"
	"firedrill/scenarios"
)

const ms = time.Millisecond

// drill is what the fixture knows of a scenario: how long its outages take, and where they fail.
type drill struct {
	name, about, fault, target string
	services, api              time.Duration // the usual outage; 0: none
	bound, apiBound            time.Duration
	failing, broken            []uint64
}

var drills = []drill{
	{name: "backend-crash", about: "A back-end server crashes. The health monitor takes it out of its pool within two intervals.",
		fault: "crash", target: "server-2", services: 700 * ms, bound: 3 * time.Second},
	{name: "controller-symmetric-partition", about: "The leading controller is cut off from both others. The majority elects another and no acknowledged write is lost.",
		fault: "partition", target: "leader", api: 900 * ms, apiBound: 2 * time.Second, failing: []uint64{4}},
	{name: "follower-crash", about: "A following controller crashes. Nobody notices.", fault: "crash", target: "follower[0]"},
	{name: "leader-pause", about: "The leader stops for some seconds, as in a debugger, and wakes as one among followers.",
		fault: "pause", target: "leader", api: 1200 * ms, apiBound: 2 * time.Second, broken: []uint64{13}},
	{name: "legacy-active-power-loss", about: "The active engine of a legacy pair loses power; once it is back as standby, so does the other. The standby takes over every address within its bound.",
		fault: "power-loss", target: "active(pair)", services: 330 * ms, bound: 450 * ms, failing: []uint64{7, 12, 19}},
	{name: "rack-power-loss", about: "A rack with one controller and one engine loses power.", fault: "power-loss", target: "rack(a)",
		services: 350 * ms, api: 800 * ms, bound: 2 * time.Second, apiBound: 3 * time.Second},
}

// sample is a realistic input: so many seeds of six scenarios, some of which fail.
func sample(seeds uint64) Input {
	in := Input{Results: Results{Build: "3371418"}, Prefix: "go run ."}
	for _, d := range drills {
		in.Scenarios = append(in.Scenarios, d.scenario())
		for seed := uint64(1); seed <= seeds; seed++ {
			in.Results.Runs = append(in.Results.Runs, d.run(seed))
		}
	}
	in.History = func(_, scenario string, seed uint64) *history.History {
		for _, r := range in.Results.Runs {
			if r.Scenario == scenario && r.Seed == seed && len(r.Outages) > 0 {
				return play(r)
			}
		}
		return nil
	}
	return in
}

func (d drill) scenario() *scenarios.Scenario {
	s := &scenarios.Scenario{Name: d.name, About: d.about}
	bound := func(service string, max time.Duration) {
		b := history.OutageBound{Service: service}
		if err := b.Max.UnmarshalText([]byte(max.String())); err != nil {
			panic(err)
		}
		s.Expect.Outages = append(s.Expect.Outages, b)
	}
	bound("*", d.bound)
	bound(api, d.apiBound)
	s.Expect.Failovers = []history.FailoverBound{{Of: "pair", Max: 2}}
	pair, err := scenarios.Find("leader-crash") // a legacy pair that carries web, web-tls and shop
	if err != nil {
		panic(err)
	}
	s.Config = pair.Config
	return s
}

func (d drill) run(seed uint64) checker.Result {
	rng := rand.New(rand.NewPCG(seed, uint64(len(d.name))))
	r := checker.Result{Scenario: d.name, World: "sim", Seed: seed, Verdict: checker.Pass, TraceHash: fmt.Sprintf("%016x", rng.Uint64()),
		Events: 40000 + rng.Uint64N(9000), Simulated: 45 * time.Second, Operations: 500 + rng.IntN(80), Probes: 1800 + rng.IntN(90)}
	for i, service := range []string{"web", "web-tls", "shop", api} {
		usual, bound := d.services, d.bound
		if service == api {
			usual, bound = d.api, d.apiBound
		}
		if usual == 0 || i == 2 && seed%3 == 0 {
			continue
		}
		took := time.Duration(float64(usual) * (0.8 + 0.3*rng.Float64()))
		if holds(d.failing, seed) && (service == "web" || service == api) {
			took *= 5
		}
		r.Outages = append(r.Outages, d.outage(service, took, bound, rng))
	}
	d.judge(&r)
	return r
}

func (d drill) outage(service string, took, bound time.Duration, rng *rand.Rand) checker.Outage {
	o := checker.Outage{Service: service, Fault: d.fault, Target: d.target, Start: 8*time.Second + time.Duration(rng.Int64N(int64(4*time.Second))),
		Duration: took, Ended: true, Bound: bound}
	o.Phases = checker.Phases{Detect: took * 6 / 10, Decide: took / 100, Announce: took * 2 / 10}
	o.Phases.Converge = took - o.Phases.Detect - o.Phases.Decide - o.Phases.Announce
	o.Cause = fmt.Sprintf("engine-1 lost power; engine-2 suspected it after %v, engine-2 took over 198.19.2.1 after %v, announced it after %v, clients were answered after %v",
		o.Phases.Detect.Round(ms/10), o.Phases.Decide.Round(ms/10), o.Phases.Announce.Round(ms/10), o.Phases.Converge.Round(ms/10))
	return o
}

func (d drill) judge(r *checker.Result) {
	if holds(d.failing, r.Seed) {
		r.Verdict = checker.Fail
		for _, o := range r.Outages {
			if o.Duration > o.Bound {
				r.Violations = append(r.Violations, checker.Violation{Check: "outage-bound", At: o.Start + o.Bound, Details: []string{o.Cause},
					Message: fmt.Sprintf("%s was dark for %v from %v on; at most %v are allowed", o.Service, o.Duration, o.Start, o.Bound)})
			}
		}
		r.Violations = append(r.Violations, checker.Violation{Check: "one-holder-per-address", At: 9 * time.Second,
			Message: "engine-1 and engine-2 held 198.19.2.1 for 312ms; at most 100ms are allowed",
			Details: []string{"9.001s engine-1 address_added 198.19.2.1", "9.210s engine-2 address_added 198.19.2.1", "9.522s engine-1 address_removed 198.19.2.1"}})
	}
	if holds(d.broken, r.Seed) {
		r.Verdict = checker.Error
		r.Outages, r.Operations, r.Probes = nil, 0, 0
		r.Violations = []checker.Violation{{Check: "worker", Message: "the worker panicked: runtime error: index out of range [3] with length 3",
			Details: strings.Split("goroutine 1 [running]:\nfiredrill/model/consensus.(*Core).Step(0xc000123400, {0x7f, 0x2})\n\t/src/firedrill/model/consensus/core.go:212 +0x1a5\nfiredrill/sim.(*Loop).Run(0xc0000b2000)\n\t/src/firedrill/sim/loop.go:97 +0x2f1\nmain.main()\n\t/src/firedrill/main.go:31 +0x1d", "\n")}}
	}
}

func holds(all []uint64, one uint64) bool {
	for _, v := range all {
		if v == one {
			return true
		}
	}
	return false
}

// play makes up the history around a run's longest outage.
func play(r checker.Result) *history.History {
	o := r.Outages[0]
	for _, other := range r.Outages {
		if other.Duration > o.Duration {
			o = other
		}
	}
	at := o.Start
	h := &history.History{Header: history.Header{Scenario: r.Scenario, World: r.World, Seed: r.Seed}}
	node := func(after time.Duration, name, event, unit, peer string) {
		at += after
		h.Events = append(h.Events, history.Event{Time: int64(at), Type: history.NodeEv, Node: name, Event: event, Unit: unit, Peer: peer, Term: 4})
	}
	h.Events = append(h.Events, history.Event{Time: int64(at), Type: history.Fault, Fault: o.Fault, Target: o.Target, Resolved: []string{"engine-1"}, Phase: history.Begin})
	node(0, "engine-1", "stopped", "", "")
	for range 5 {
		node(o.Phases.Detect/10, "controller-1", "applied", "", "")
	}
	node(o.Phases.Detect/2, "engine-2", "suspected", "", "engine-1")
	node(o.Phases.Decide, "engine-2", "active", "198.19.2.1", "")
	node(0, "engine-2", "address_added", "198.19.2.1", "")
	node(o.Phases.Announce, "engine-2", "announced", "198.19.2.1", "")
	node(20*ms, "controller-1", "engine_down", "", "engine-1")
	node(200*ms, "controller-2", "follower", "", "controller-1")
	return h
}
