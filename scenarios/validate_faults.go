package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"firedrill/model/config"
)

func (v *validation) faults() {
	for i := range v.s.Faults {
		f := &v.s.Faults[i]
		path := fmt.Sprintf("faults[%d]", i)
		kind, ok := FindFault(f.Fault)
		if !ok {
			v.check(f.Fault != "", path, "no fault is named; write one, such as fault: crash")
			v.check(false, path+".fault", "%q is no fault; %s", f.Fault, suggest(f.Fault, FaultNames()))
			return
		}
		v.before(path+".at", f.At)
		v.targets(path, f)
		v.span(path+".for", f.For, longestRun)
		v.check(!kind.Once || f.For == Span{}, path+".for", "a %s happens at a moment, and cannot be taken back; leave it out", kind.Name)
		v.check(f.For.Min > 0 || !kind.NeedsFor && f.For.Max == 0, path+".for", "a %s needs to know how long it lasts; write one such as for: 5s", kind.Name)
		v.options(path, kind, f)
		v.links(path, kind, f)
		v.ofCloud(path, kind, f)
	}
}

// targets checks whom the fault strikes, one target or several in turn.
func (v *validation) targets(path string, f *Fault) {
	switch several := len(f.Targets) > 0; {
	case several && f.Target != "":
		v.check(false, path+".target", "there are targets too; use one of the two")
	case several:
		for i, t := range f.Targets {
			v.selector(fmt.Sprintf("%s.targets[%d]", path, i), t)
		}
		v.duration(path+".every", f.Every, time.Millisecond, longestRun)
		n := len(f.Targets)
		// Divided rather than multiplied, so that nothing overflows.
		v.check(n == 1 || f.Every.Std() < (v.s.Duration.Std()-f.At.Max)/time.Duration(n-1), path+".every",
			"every %v the last of %d targets is struck too late; the run is over at %v", f.Every, n, v.s.Duration)
	default:
		v.check(f.Target != "", path+".target", "nobody is named; write a selector, such as target: leader")
		v.check(f.Every == 0, path+".every", "it is for several targets; there is one")
		v.selector(path+".target", f.Target)
	}
}

// ofCloud checks that what befalls the cloud strikes it, and that there is one.
func (v *validation) ofCloud(path string, kind FaultKind, f *Fault) {
	name := nodeName(RoleCloud, 1)
	v.check(kind.Of != RoleCloud || f.Target == name, path+".target", "a %s befalls the cloud; write %s", kind.Name, name)
	v.check(!kind.ofCloud() || v.s.Topology.Cloud != nil, path+".fault", "there is no cloud that could report; topology.cloud describes one")
}

// options checks the fields that shape some kinds of fault against the catalogue.
func (v *validation) options(path string, kind FaultKind, f *Fault) {
	for _, o := range f.options() {
		v.check(!o.set || slices.Contains(kind.Takes, o.field), path+"."+o.field, "a %s does not take it; %s", kind.Name, kind.takes())
		v.check(o.set || !slices.Contains(kind.Needs, o.field), path+"."+o.field, "a %s cannot do without it, and nothing of it is no fault; write one such as %s: %s",
			kind.Name, o.field, o.such)
	}
	if f.To != "" {
		v.selector(path+".to", f.To)
	}
	if f.Network != "" {
		v.oneOf(path+".network", f.Network, networks)
	}
	v.check(f.Loss <= Whole, path+".loss", "%v is more than everything", f.Loss)
	v.check(f.Share <= Whole, path+".share", "%v is more than everything", f.Share)
	v.check(!strings.HasPrefix(kind.Name, "clock-") || f.Share <= greatestSkew, path+".share", "%v is too much for a clock; write up to %v", f.Share, greatestSkew)
	v.span(path+".delay", f.Delay, longestDelay)
	v.span(path+".by", f.By, longestRun)
	v.span(path+".period", f.Period, longestRun)
	v.check(f.Period == Span{} || f.Period.Min >= time.Millisecond, path+".period", "%v is shorter than a link takes to come up; write 1ms or more", f.Period)
}

// greatestSkew is how much faster or slower than others the clock of a fault may run.
const greatestSkew = Whole / 2

// selector checks that a selector can be read and that what it names is there.
func (v *validation) selector(path, text string) {
	s, err := ParseSelector(text)
	if !v.check(err == nil, path, "%v", err) {
		return
	}
	v.selects(path, s)
}

func (v *validation) selects(path string, s Selector) {
	t := &v.s.Topology
	switch s.Kind {
	case SelectNode:
		v.node(path, s.Name)
	case SelectFollower, SelectFollowers:
		v.check(s.Index < t.Controllers-1, path, "there is no %s; %d of %d controllers follow", s, t.Controllers-1, t.Controllers)
	case SelectServers:
		v.check(t.Servers > 0, path, "there are no servers; topology.servers says how many there are")
	case SelectEngines:
		v.check(len(t.Engines) > 0 || t.Cloud != nil, path, "there are no engines; topology.engines lists them")
		if s.Name != "" {
			v.group(path, s.Name)
		}
	case SelectActive, SelectStandby:
		mode, _ := v.haMode(s.Name)
		if v.group(path, s.Name) {
			v.check(mode == config.HAModeLegacyActiveStandby, path, "group %q is of %s; only a group of %s has an active and a standby engine",
				s.Name, mode, config.HAModeLegacyActiveStandby)
		}
	case SelectPrimary, SelectSecondary:
		v.placed(path, s)
	case SelectRack:
		v.check(slices.ContainsFunc(t.Hosts, func(h Host) bool { return h.Rack == s.Name }) || t.Cloud != nil && slices.ContainsFunc(t.Cloud.Hosts, func(h CloudHost) bool { return h.Rack == s.Name }), path, "there is no rack %q; topology.hosts puts hosts into racks", s.Name)
	case SelectHost:
		v.selects(path, *s.Of)
	}
}

// placed checks that a selector names a service whose engines have places in a list.
func (v *validation) placed(path string, s Selector) {
	services := v.s.Config.Services
	i := slices.IndexFunc(services, func(vs config.VirtualService) bool { return vs.Name == s.Name })
	if i < 0 {
		names := make([]string, len(services))
		for i, vs := range services {
			names[i] = vs.Name
		}
		v.check(false, path, "config.virtual_services has no service %q; %s", s.Name, suggest(s.Name, names))
		return
	}
	mode, _ := v.haMode(services[i].SEGroupRef)
	v.check(mode.Elastic(), path, "group %q of service %q is of %s; only services of an elastic group have a primary and secondaries",
		services[i].SEGroupRef, s.Name, mode)
}
