package reports

import "time"

// phaseNames are the phases of an outage in their order, and the names of their colours.
var phaseNames = [4]string{"detect", "decide", "announce", "converge"}

// phase is one phase of an outage.
type phase struct {
	Name  string
	Took  string
	Share float64 // of the outage, in percent
	took  time.Duration
}

// example is one outage, told in full.
type example struct {
	Rank    string // worst or median
	Outage  outage
	Service string
	Seed    uint64
	Fault   string
	Start   string
	Took    string
	Ended   bool
	Over    bool
	Bound   string
	Phases  [4]phase
	Cause   string
	Replay  string
}

func (g *group) example(rank string, o outage) example {
	e := example{
		Rank: rank, Outage: o, Service: o.Service, Seed: o.run.Seed, Start: duration(o.Start), Took: duration(o.Duration),
		Ended: o.Ended, Over: g.over(o), Cause: o.Cause, Fault: o.Fault, Bound: "no bound",
	}
	if o.Target != "" {
		e.Fault += " at " + o.Target
	}
	if bound, ok := g.info.bound(o.Service); ok || o.Bound > 0 {
		e.Bound = limit{true, max(bound, o.Bound), max(bound, o.Bound)}.String()
	}
	for i, took := range []time.Duration{o.Phases.Detect, o.Phases.Decide, o.Phases.Announce, o.Phases.Converge} {
		e.Phases[i] = phase{Name: phaseNames[i], Took: duration(took), took: took}
		if o.Duration > 0 {
			e.Phases[i].Share = float64(int(1e4*float64(took)/float64(o.Duration)+0.5)) / 100
		}
	}
	return e
}

// examples are the worst outage and the median one of its class; they may be the same.
func (g *group) examples() []example {
	var worst outage
	var of *class
	for _, c := range g.classes() {
		if o, ok := c.worst(); ok && (of == nil || o.Duration > worst.Duration) {
			worst, of = o, c.class
		}
	}
	if of == nil {
		return nil
	}
	out := []example{g.example("worst", worst)}
	if median := of.median(); median != worst {
		out = append(out, g.example("median", median))
	}
	return out
}
