package reports

import (
	"slices"
	"time"

	"firedrill/checker"
)

// phaseNames are the phases of an outage in their order, and the names of their colours.
var phaseNames = [4]string{"detect", "decide", "announce", "converge"}

// phaseLabels is what people call the phases of an outage of a service.
func phaseLabels(service string) [4]string {
	if service == api {
		return [4]string{"detect", "elect", "warm start", "converge"}
	}
	return phaseNames
}

// lengths are the phases in their order.
func lengths(p checker.Phases) [4]time.Duration {
	return [4]time.Duration{p.Detect, p.Decide, p.Announce, p.Converge}
}

// phase is one phase of an outage.
type phase struct {
	Name  string // of its colour
	Label string
	Took  string
	Share float64 // of the outage, in percent
	took  time.Duration
}

// example is one outage, told in full.
type example struct {
	Rank    string // worst or median
	After   string // how much was after the fault was over, if that kept the service away
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
	if o.Healed {
		e.Fault += ", its end"
	}
	e.After = outlasted(o)
	labels := phaseLabels(o.Service)
	for i, took := range lengths(o.Phases) {
		e.Phases[i] = phase{Name: phaseNames[i], Label: labels[i], Took: duration(took), took: took}
		if o.Duration > 0 {
			e.Phases[i].Share = float64(int(1e4*float64(took)/float64(o.Duration)+0.5)) / 100
		}
	}
	return e
}

// outlasted says how much of an outage was after the fault was over, where the fault itself kept the service away.
func outlasted(o outage) string {
	if !o.Outlasted() {
		return ""
	}
	return "of which " + duration(o.AfterHeal) + " after the fault was over"
}

// examples are the worst outage and the median one of its class; they may be the same. Where there are only blips it is
// the longest of them.
func (g *group) examples() []example {
	var worst outage
	var of *class
	for _, c := range g.classes() {
		if o, ok := c.worst(); ok && (of == nil || o.Duration > worst.Duration) {
			worst, of = o, c.class
		}
	}
	if of == nil {
		return g.blip()
	}
	out := []example{g.example("worst", worst)}
	if median := of.median(); median != worst {
		out = append(out, g.example("median", median))
	}
	return out
}

func (g *group) blip() []example {
	longest, ok := worst(slices.Concat(g.services.blips, g.api.blips))
	if !ok {
		return nil
	}
	return []example{g.example("longest blip", longest)}
}
