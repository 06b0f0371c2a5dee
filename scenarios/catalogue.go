package scenarios

import (
	"slices"
	"strings"
)

// FaultKind is one entry of the fault catalogue.
type FaultKind struct {
	Name  string
	About string // what it does to its target
	// NeedsFor says that the fault must end: without a time it would not be a fault but another topology.
	NeedsFor bool
	// Once says that it happens at a moment, and cannot be taken back: it has no time.
	Once bool
	// Takes lists the fields of a [Fault] that shape this kind, beyond when, whom and how long; Needs those
	// of them that it cannot do without.
	Takes, Needs []string
	// Of is the role that its target must have; empty: any.
	Of string
}

// Kinds that take a cloud, whoever they strike.
const (
	falseHostReport = "false-host-report"
	hostMaintenance = "host-maintenance"
)

// Catalogue lists the faults. An entry here is all it takes for the loader to accept a kind, for the command
// line to list it and for the schema to know it; each world plays it by its name.
var Catalogue = []FaultKind{
	{Name: "crash",
		About: "The process is killed. Its disk keeps everything, synced or not. It starts again after `for`; without, when its machine does."},
	{Name: "power-loss",
		About: "The hosts of the target lose power at the same instant, with every node on them. Writes that were not synced may be lost. They boot after `for`; without, never."},
	{Name: "disk-loss",
		About: "The hosts of the target lose power and their disks are gone for good. They boot after `for` with empty ones, as new machines; without, never."},
	{Name: "pause", NeedsFor: true,
		About: "The process is frozen and then goes on as if no time had passed, as after a snapshot of its machine. Its addresses still answer."},
	{Name: "slow-cpu", NeedsFor: true, Takes: []string{"delay"}, Needs: []string{"delay"},
		About: "Whatever the target does takes its processor `delay`: each message, timer and packet of its data path. What comes meanwhile waits."},
	{Name: "partition", NeedsFor: true, Takes: []string{"to", "network"},
		About: "The target and `to` (default: everyone else) hear nothing of each other."},
	{Name: "partition-one-way", NeedsFor: true, Takes: []string{"to", "network"},
		About: "What the target sends does not reach `to` (default: everyone else); the other direction works."},
	{Name: "loss", NeedsFor: true, Takes: []string{"to", "network", "loss"}, Needs: []string{"loss"},
		About: "The share `loss` of the packets between the target and `to` (default: everyone else) is lost."},
	{Name: "loss-one-way", NeedsFor: true, Takes: []string{"to", "network", "loss"}, Needs: []string{"loss"},
		About: "The share `loss` of the packets that the target sends to `to` (default: everyone else) is lost; the other direction works."},
	{Name: "delay", NeedsFor: true, Takes: []string{"to", "network", "delay"}, Needs: []string{"delay"},
		About: "Packets between the target and `to` (default: everyone else) take `delay` longer, each way."},
	{Name: "jitter", NeedsFor: true, Takes: []string{"to", "network", "delay"}, Needs: []string{"delay"},
		About: "Each packet between the target and `to` (default: everyone else) takes longer by a time of its own, up to `delay`, so that packets overtake each other."},
	{Name: "duplication", NeedsFor: true, Takes: []string{"to", "network", "share"}, Needs: []string{"share"},
		About: "The share `share` of the messages between the target and `to` (default: everyone else) arrives twice."},
	{Name: "flapping-link", NeedsFor: true, Takes: []string{"to", "network", "period"}, Needs: []string{"period"},
		About: "The link between the target and `to` (default: everyone else) goes down, comes up after a `period`, goes down after another, and so on."},
	{Name: "switch-failure", NeedsFor: true, Takes: []string{"network"},
		About: "The switch of the target fails: none of its nodes hears anyone, not even each other."},
	{Name: "stale-arp", NeedsFor: true, Takes: []string{"network"},
		About: "The target takes no notice of gratuitous ARP. Its cache keeps what it knows of an address until it asks again."},
	{Name: "duplicate-address", NeedsFor: true, Takes: []string{"network"},
		About: "A foreign machine claims the virtual addresses that the target holds, or its own where it holds none: it announces them once, and answers whoever asks."},
	{Name: "slow-disk", NeedsFor: true, Takes: []string{"delay"}, Needs: []string{"delay"},
		About: "Each sync of the target's disk takes `delay` longer, during which the node does nothing else."},
	{Name: "stuck-disk", NeedsFor: true,
		About: "A sync of the target's disk does not return before the fault is over, and the node does nothing else until then."},
	{Name: "disk-full", NeedsFor: true,
		About: "The target's disk takes no more bytes. What is there can be read, renamed and removed."},
	{Name: "read-error", NeedsFor: true,
		About: "No file on the target's disk can be read. It can be written."},
	{Name: "bit-rot", Once: true,
		About: "One bit of what the target's disk holds flips, half of the time in the last sector of a file. It is seen when the file is read."},
	{Name: "clock-ahead", NeedsFor: true, Takes: []string{"by"}, Needs: []string{"by"},
		About: "The target's wall clock jumps forward `by` a time, and back when the fault is over. Its monotonic clock does not."},
	{Name: "clock-behind", NeedsFor: true, Takes: []string{"by"}, Needs: []string{"by"},
		About: "The target's wall clock jumps back `by` a time, and forward when the fault is over. Its monotonic clock does not."},
	{Name: "clock-fast", NeedsFor: true, Takes: []string{"share"}, Needs: []string{"share"},
		About: "The target's clocks, the monotonic one too, run fast by `share`, up to 50%."},
	{Name: "clock-slow", NeedsFor: true, Takes: []string{"share"}, Needs: []string{"share"},
		About: "The target's clocks, the monotonic one too, run slow by `share`, up to 50%."},
	{Name: "no-capacity", NeedsFor: true, Of: RoleCloud,
		About: "The hosts of the cloud have no room for another engine."},
	{Name: "boot-failure", NeedsFor: true, Of: RoleCloud,
		About: "Engines that the cloud is asked for do not boot."},
	{Name: "slow-boot", NeedsFor: true, Of: RoleCloud, Takes: []string{"delay"}, Needs: []string{"delay"},
		About: "Engines that the cloud is asked for take `delay` longer to boot."},
	{Name: hostMaintenance, NeedsFor: true, Takes: []string{"delay"},
		About: "The cloud says that the hosts of the target are to be maintained: they take no more engines, and after `delay` they are shut down, until the fault is over."},
	{Name: falseHostReport, NeedsFor: true,
		About: "The cloud takes the hosts of the target for dead, which are well."},
}

// FindFault returns the catalogue's entry of that name.
func FindFault(name string) (FaultKind, bool) {
	i := slices.IndexFunc(Catalogue, func(k FaultKind) bool { return k.Name == name })
	if i < 0 {
		return FaultKind{}, false
	}
	return Catalogue[i], true
}

// ofCloud tells whether a kind takes a scenario with a cloud.
func (k FaultKind) ofCloud() bool {
	return k.Of == RoleCloud || k.Name == falseHostReport || k.Name == hostMaintenance
}

// FaultNames lists the names in the catalogue, in its order.
func FaultNames() []string {
	names := make([]string, len(Catalogue))
	for i, k := range Catalogue {
		names[i] = k.Name
	}
	return names
}

// option is a field that shapes some kinds of fault.
type option struct {
	field string
	set   bool
	such  string // a value that makes sense
}

// takes says which of the fields a kind takes.
func (k FaultKind) takes() string {
	if len(k.Takes) == 0 {
		return "leave it out"
	}
	return "it takes " + strings.Join(k.Takes, ", ")
}

func (f *Fault) options() []option {
	return []option{
		{"to", f.To != "", "engines"},
		{"network", f.Network != "", "data"},
		{"loss", f.Loss != 0, "5%"},
		{"delay", f.Delay != Span{}, "10ms"},
		{"share", f.Share != 0, "5%"},
		{"period", f.Period != Span{}, "200ms"},
		{"by", f.By != Span{}, "2s"},
	}
}
