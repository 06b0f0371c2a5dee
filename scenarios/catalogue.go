package scenarios

import "slices"

// FaultKind is one entry of the fault catalogue.
type FaultKind struct {
	Name  string
	About string // what it does to its target
	// NeedsFor says that the fault must end: without a time it would not be a fault but another topology.
	NeedsFor bool
	// Takes lists the fields of a [Fault] that shape this kind, beyond when, whom and how long; Needs those
	// of them that it cannot do without.
	Takes, Needs []string
	// Of is the role that its target must have; empty: any.
	Of string
}

// falseHostReport is a kind that takes a cloud, whoever it strikes.
const falseHostReport = "false-host-report"

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
	{Name: "partition", NeedsFor: true, Takes: []string{"to", "network"},
		About: "The target and `to` (default: everyone else) hear nothing of each other."},
	{Name: "partition-one-way", NeedsFor: true, Takes: []string{"to", "network"},
		About: "What the target sends does not reach `to` (default: everyone else); the other direction works."},
	{Name: "loss", NeedsFor: true, Takes: []string{"to", "network", "loss"}, Needs: []string{"loss"},
		About: "The share `loss` of the packets between the target and `to` (default: everyone else) is lost."},
	{Name: "delay", NeedsFor: true, Takes: []string{"to", "network", "delay"}, Needs: []string{"delay"},
		About: "Packets between the target and `to` (default: everyone else) take `delay` longer, each way."},
	{Name: "slow-disk", NeedsFor: true, Takes: []string{"delay"}, Needs: []string{"delay"},
		About: "Each sync of the target's disk takes `delay` longer, during which the node does nothing else."},
	{Name: "no-capacity", NeedsFor: true, Of: RoleCloud,
		About: "The hosts of the cloud have no room for another engine."},
	{Name: "boot-failure", NeedsFor: true, Of: RoleCloud,
		About: "Engines that the cloud is asked for do not boot."},
	{Name: "slow-boot", NeedsFor: true, Of: RoleCloud, Takes: []string{"delay"}, Needs: []string{"delay"},
		About: "Engines that the cloud is asked for take `delay` longer to boot."},
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
func (k FaultKind) ofCloud() bool { return k.Of == RoleCloud || k.Name == falseHostReport }

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
}

func (f *Fault) options() []option {
	return []option{
		{"to", f.To != ""},
		{"network", f.Network != ""},
		{"loss", f.Loss != 0},
		{"delay", f.Delay != Span{}},
	}
}
