package placement

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"firedrill/model/config"
)

// TestScripts plays the files in testdata. The commands:
//
//	group NAME [mode=pair|legacy] [algo=distributed] [max=N] [max-se=N] [min=N] [buffer=N] [write] [rebalance]
//	      [include=(HOST..)] [exclude=(HOST..)]   as a change where the group exists
//	host NAME.. [rack=NAME] [down]
//	engine NAME.. [group=NAME] [host=NAME] [managed]
//	service NAME.. [group=NAME] [scale=N] [on=(ENGINE..)] [patient]
//	up ENGINE.., suspected .., down .., draining .., booting .., gone ..
//	flapping ENGINE.., steady ENGINE..
//	active ENGINE.., standby ENGINE..
//	scale N SERVICE.., disable SERVICE.., impatient SERVICE..
//	plan                                          the plan; it is carried out
//	where                                         the engines of every service, the services of every engine
//
// A name such as vs-1..20 stands for twenty. Run with -rewrite to accept changes.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		p := &player{}
		datadriven.RunTest(t, path, p.play)
	})
}

type player struct{ in Input }

func (p *player) play(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "group":
		p.group(t, d)
	case "host":
		for _, name := range names(d) {
			h := Host{Name: name, Down: d.HasArg("down"), Maintenance: d.HasArg("maintenance")}
			d.MaybeScanArgs(t, "rack", &h.Rack)
			p.in.Hosts = slices.DeleteFunc(p.in.Hosts, func(old Host) bool { return old.Name == name })
			p.in.Hosts = append(p.in.Hosts, h)
		}
	case "engine":
		for _, name := range names(d) {
			e := Engine{Name: name, Group: p.in.Groups[0].Config.Name, State: EngineUp, Managed: d.HasArg("managed")}
			d.MaybeScanArgs(t, "group", &e.Group)
			d.MaybeScanArgs(t, "host", &e.Host)
			p.in.Engines = append(p.in.Engines, e)
		}
	case "service":
		for _, name := range names(d) {
			s := Service{Name: name, Group: p.in.Groups[0].Config.Name, Scale: 1, Patient: d.HasArg("patient")}
			d.MaybeScanArgs(t, "group", &s.Group)
			d.MaybeScanArgs(t, "scale", &s.Scale)
			s.Engines = list(d, "on")
			p.in.Services = append(p.in.Services, s)
		}
	case "plan":
		plan := Compute(p.in)
		if err := check(p.in, plan); err != nil {
			t.Fatalf("%s: %v", d.Pos, err)
		}
		p.in = apply(p.in, plan)
		return plan.String()
	case "where":
		return p.where()
	default:
		return p.change(t, d)
	}
	return ""
}

func (p *player) group(t *testing.T, d *datadriven.TestData) {
	name := d.CmdArgs[0].Key
	i := slices.IndexFunc(p.in.Groups, func(g Group) bool { return g.Config.Name == name })
	if i < 0 {
		i = len(p.in.Groups)
		p.in.Groups = append(p.in.Groups, Group{Config: config.ServiceEngineGroup{Name: name, HAMode: config.HAModeShared}})
	}
	g := &p.in.Groups[i]
	switch mode := ""; {
	case !d.MaybeScanArgs(t, "mode", &mode):
	case mode == "pair":
		g.Config.HAMode = config.HAModeSharedPair
	case mode == "legacy":
		g.Config.HAMode = config.HAModeLegacyActiveStandby
	}
	if d.HasArg("algo") {
		g.Config.Algo = config.PlacementDistributed
	}
	d.MaybeScanArgs(t, "max", &g.Config.MaxVSPerSE)
	d.MaybeScanArgs(t, "max-se", &g.Config.MaxSE)
	d.MaybeScanArgs(t, "min", &g.Config.MinScaleoutPerVS)
	d.MaybeScanArgs(t, "buffer", &g.Config.BufferSE)
	if d.HasArg("write") {
		g.Access = config.WriteAccess
	}
	g.Rebalance = d.HasArg("rebalance")
	g.IncludeHosts, g.ExcludeHosts = list(d, "include"), list(d, "exclude")
}

// change changes what there is.
func (p *player) change(t *testing.T, d *datadriven.TestData) string {
	named := names(d)
	for i := range p.in.Engines {
		if e := &p.in.Engines[i]; slices.Contains(named, e.Name) {
			switch d.Cmd {
			case "flapping", "steady":
				e.FailedLately = d.Cmd == "flapping"
			case "up", "suspected", "down", "draining", "booting":
				e.State = EngineState(d.Cmd)
			case "active", "standby":
				e.Serves = d.Cmd == "active"
			}
		}
	}
	for i := range p.in.Services {
		if s := &p.in.Services[i]; slices.Contains(named, s.Name) {
			switch d.Cmd {
			case "scale":
				s.Scale = number(t, d.CmdArgs[0].Key)
			case "disable":
				s.Disabled = true
			case "impatient":
				s.Patient = false
			}
		}
	}
	if d.Cmd == "gone" {
		p.in.Engines = slices.DeleteFunc(p.in.Engines, func(e Engine) bool { return slices.Contains(named, e.Name) })
	}
	return ""
}

func number(t *testing.T, text string) (n int) {
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatalf("%q is not a number", text)
	}
	return n
}

func (p *player) where() string {
	var b strings.Builder
	for _, s := range p.in.Services {
		fmt.Fprintf(&b, "%s: %s\n", s.Name, strings.Join(s.Engines, " "))
	}
	for _, e := range p.in.Engines {
		fmt.Fprintf(&b, "%s %s: %d\n", e.Name, e.State, load(p.in)[e.Name])
	}
	return b.String()
}

// names lists the arguments that are names.
func names(d *datadriven.TestData) (all []string) {
	for _, a := range d.CmdArgs {
		if len(a.Vals) > 0 || a.Key == "managed" || a.Key == "patient" || a.Key == "down" {
			continue
		}
		first, last, many := strings.Cut(a.Key, "..")
		if !many {
			all = append(all, a.Key)
			continue
		}
		stem := strings.TrimRight(first, "0123456789")
		var from, to int
		fmt.Sscan(first[len(stem):], &from)
		fmt.Sscan(last, &to)
		for ; from <= to; from++ {
			all = append(all, fmt.Sprintf("%s%0*d", stem, len(last), from))
		}
	}
	return all
}

func list(d *datadriven.TestData, key string) []string {
	if a, given := d.Arg(key); given {
		return a.Vals
	}
	return nil
}
