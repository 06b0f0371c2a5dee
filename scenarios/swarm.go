package scenarios

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"firedrill/model/config"
)

// Swarm draws the faults of a run, and what an operator and the clients of the mix do meanwhile. Faults differ from seed to
// seed in kind, number, length and how they overlap. Each seed first draws which kinds it has at all: runs that leave some
// out reach states that runs with everything do not (Groce and others, "Swarm Testing", ISSTA 2012). Its faults may strike
// nobody.
type Swarm struct {
	// Budget is survivable or any. Within survivable, at most one controller, one engine of each group and one server
	// suffer at a time, and what suffered gets time to come back: what the platform promises must be kept. With any,
	// faults overlap as they like, and safety alone is demanded until they are over.
	Budget Budget `yaml:"budget"`
	// Kinds are the faults to draw from; default: every kind from which nodes come back by themselves. One that stands there
	// several times is drawn so much more often.
	Kinds []string `yaml:"kinds,omitempty"`
	Most  int      `yaml:"most"` // faults in a run, from 1; default 12
	// Close is how many faults come close after the one before for each that comes anywhere; default 1.
	Close   int             `yaml:"close"`
	Longest config.Duration `yaml:"longest"` // of one fault; default 6s
	// Orders are what an operator may ask for meanwhile: scale-out, scale-in, migrate, export, upgrade, upgrade-abort,
	// upgrade-rollback; default none.
	Orders     []string `yaml:"orders,omitempty"`
	MostOrders int      `yaml:"most_orders"` // in a run, from 1, if there are any; default 6

	From  Span `yaml:"from"`  // default 8s
	Until Span `yaml:"until"` // when all faults are over; default: the end, less 15s
}

// Budget is how much a [Swarm] may break at a time.
type Budget string

// The budgets.
const (
	BudgetSurvivable Budget = "survivable"
	BudgetAny        Budget = "any"
)

var budgets = []string{string(BudgetSurvivable), string(BudgetAny)}

const (
	shortestBlow = 50 * time.Millisecond // of a drawn fault
	respite      = 5 * time.Second       // what suffered gets, within a survivable budget
)

// swarmKinds are the kinds that can be drawn. A lost or rotten disk makes a controller a stranger to its cluster, and an
// address that is used twice has to be found, which both people have to mend; and few scenarios have a cloud.
func swarmKinds() []string {
	return slices.DeleteFunc(FaultNames(), func(name string) bool {
		kind, _ := FindFault(name)
		return name == "disk-loss" || name == "duplicate-address" || kind.Once || kind.ofCloud()
	})
}

// faults draws those of one run.
func (w *Swarm) faults(s *Scenario, seed uint64) []Fault {
	r := stream(seed, "swarm")
	var kinds []string
	for _, k := range w.Kinds {
		if r.IntN(2) == 0 {
			kinds = append(kinds, k)
		}
	}
	if len(kinds) == 0 {
		kinds = w.Kinds[:1]
	}
	from, until := w.From.draw(r).Min, w.Until.draw(r).Min
	d := dice{Rand: r, s: s, survivable: w.Budget == BudgetSurvivable, close: w.Close, suffers: make(map[string]time.Duration)}
	var out []Fault
	for _, at := range d.starts(1+r.IntN(w.Most), from, until) {
		kind := kinds[r.IntN(len(kinds))]
		if f, ok := d.fault(kind, at, min(w.Longest.Std(), until-at)); ok {
			out = append(out, f)
		}
	}
	return out
}

// dice draws faults one after the other.
type dice struct {
	*rand.Rand
	s          *Scenario
	survivable bool
	close      int
	suffers    map[string]time.Duration // until when, by what suffers: the controllers, a group, the servers
}

// starts draws times in order. Half of the faults, or as many as Close says, come close after the one before: what breaks during a failover is worth
// more than what breaks in peace.
func (d *dice) starts(n int, from, until time.Duration) []time.Duration {
	var out []time.Duration
	for i := range n {
		at := from + d.upTo(until-from)
		if i > 0 && d.IntN(1+d.close) < d.close {
			at = min(out[i-1]+d.upTo(time.Second), until)
		}
		out = append(out, at)
	}
	slices.Sort(out)
	return out
}

// upTo draws a time, in whole milliseconds.
func (d *dice) upTo(most time.Duration) time.Duration {
	return time.Duration(d.Int64N(int64(most/time.Millisecond)+1)) * time.Millisecond
}

// long draws how long a fault lasts: short ones are as likely as long ones, whatever the scale.
func (d *dice) long(most time.Duration) time.Duration {
	scales := 0
	for t := shortestBlow; t < most; t *= 2 {
		scales++
	}
	scale := min(shortestBlow<<d.IntN(scales+1), most)
	return min(scale+d.upTo(scale), most)
}

// fault draws one of a kind. It is not ok when the budget has no room for it.
func (d *dice) fault(kind string, at, most time.Duration) (f Fault, ok bool) {
	if most < shortestBlow {
		return f, false
	}
	who, sufferer := d.victim(kind)
	f = Fault{Fault: kind, Target: who, At: Span{at, at}, Optional: true}
	length := d.long(most)
	f.For = Span{length, length}
	d.shape(&f)
	if sufferer == "" || d.survivable && at < d.suffers[sufferer] {
		return f, false
	}
	d.suffers[sufferer] = at + length + respite
	return f, true
}

// shape draws what else a kind takes.
func (d *dice) shape(f *Fault) {
	kind, _ := FindFault(f.Fault)
	if slices.Contains(kind.Takes, "network") && !d.survivable {
		f.Network = append([]string{"", ""}, networks...)[d.IntN(2+len(networks))]
	}
	if slices.Contains(kind.Takes, "to") && !d.survivable && d.IntN(2) == 0 {
		if to, _ := d.victim(f.Fault); to != "" && to != f.Target {
			f.To = to
		}
	}
	if slices.Contains(kind.Needs, "loss") {
		f.Loss = Whole / 100 * Ratio(1+d.IntN(d.either(3, 60)))
	}
	if slices.Contains(kind.Needs, "delay") {
		most := d.either(10, 500)
		if f.Fault == "slow-cpu" { // of which everything takes some: whoever is slower than that is as good as frozen
			most = d.either(2, 50)
		}
		f.Delay = at(time.Millisecond + d.upTo(time.Duration(most)*time.Millisecond))
	}
	if slices.Contains(kind.Needs, "share") {
		f.Share = Whole / 100 * Ratio(1+d.IntN(d.either(20, 50)))
	}
	if slices.Contains(kind.Needs, "period") {
		least := time.Millisecond + d.upTo(time.Second)
		f.Period = Span{least, 2 * least}
	}
	if slices.Contains(kind.Needs, "by") {
		f.By = at(time.Second + d.upTo(24*time.Hour))
	}
}

// either is a figure for a survivable budget, or for any.
func (d *dice) either(survivable, anything int) int {
	if d.survivable {
		return survivable
	}
	return anything
}

// diskKinds are the faults that strike who has a disk.
var diskKinds = []string{"slow-disk", "stuck-disk", "disk-full", "read-error"}

// victim draws whom to strike, and whose budget that counts against.
func (d *dice) victim(kind string) (selector, sufferer string) {
	all := d.victims()
	if slices.Contains(diskKinds, kind) { // servers have none that matters
		all = slices.DeleteFunc(all, func(v victim) bool { return v.sufferer == "servers" })
	}
	if len(all) == 0 {
		return "", ""
	}
	v := all[d.IntN(len(all))]
	return v.selector, v.sufferer
}

// victim is somebody to strike.
type victim struct{ selector, sufferer string }

// victims lists who can be struck in a scenario: by role, because that is where it hurts.
func (d *dice) victims() []victim {
	var out []victim
	if t := d.s.Topology; t.Cluster > 1 {
		out = append(out, victim{"leader", "controllers"}, victim{"leader", "controllers"}, victim{"follower[0]", "controllers"}, victim{"follower[1]", "controllers"})
		if !d.survivable {
			out = append(out, victim{"followers", "controllers"}, victim{"controllers", "controllers"})
		}
	} else if !d.survivable {
		out = append(out, victim{"leader", "controllers"})
	}
	for _, e := range d.s.Topology.Engines {
		out = append(out, d.engines(e)...)
	}
	if n := d.s.Topology.Servers; n > 1 || n == 1 && !d.survivable {
		out = append(out, victim{nodeName(RoleServer, 1+d.IntN(n)), "servers"})
	}
	return out
}

// engines lists whom of a group to strike.
func (d *dice) engines(e Engines) []victim {
	i := slices.IndexFunc(d.s.Config.Groups, func(g config.ServiceEngineGroup) bool { return g.Name == e.Group })
	if i < 0 {
		return nil
	}
	var out []victim
	add := func(role, of string) { out = append(out, victim{fmt.Sprintf("%s(%s)", role, of), e.Group}) }
	if d.s.Config.Groups[i].HAMode == config.HAModeLegacyActiveStandby {
		add("active", e.Group)
		add("standby", e.Group)
	} else if services := d.servicesOf(e.Group); len(services) > 0 {
		service := services[d.IntN(len(services))]
		add("primary", service)
		add("secondary", service)
	}
	if !d.survivable {
		add("engines", e.Group)
	}
	return out
}

func (d *dice) servicesOf(group string) []string {
	var out []string
	for _, vs := range d.s.Config.Services {
		if vs.SEGroupRef == group {
			out = append(out, vs.Name)
		}
	}
	return out
}

// swarm checks what is said of drawn faults.
func (v *validation) swarm() {
	w := v.s.Swarm
	if w == nil {
		return
	}
	v.oneOf("swarm.budget", string(w.Budget), budgets)
	v.check(len(w.Kinds) > 0, "swarm.kinds", "it is empty; %s", suggest("", swarmKinds()))
	for i, k := range w.Kinds {
		v.oneOf(fmt.Sprintf("swarm.kinds[%d]", i), k, swarmKinds())
	}
	v.between("swarm.most", w.Most, 1, 1000)
	v.between("swarm.close", w.Close, 0, 1000)
	v.orders()
	v.duration("swarm.longest", w.Longest, shortestBlow, longestRun)
	v.before("swarm.from", w.From)
	v.before("swarm.until", w.Until)
	v.check(w.From.Max < w.Until.Min, "swarm.until", "%v is not after from, %v", w.Until, w.From)
}

// swarmDefaults sets what a scenario does not say of drawn faults.
func swarmDefaults(s *Scenario, d defaults) {
	w := s.Swarm
	if w == nil {
		return
	}
	set(d, "swarm.budget", &w.Budget, BudgetSurvivable)
	set(d, "swarm.kinds", &w.Kinds, swarmKinds())
	set(d, "swarm.most", &w.Most, 12)
	set(d, "swarm.close", &w.Close, 1)
	set(d, "swarm.most_orders", &w.MostOrders, 6)
	set(d, "swarm.longest", &w.Longest, config.Duration(6*time.Second))
	set(d, "swarm.from", &w.From, at(8*time.Second))
	set(d, "swarm.until", &w.Until, at(max(0, s.Duration.Std()-15*time.Second)))
}
