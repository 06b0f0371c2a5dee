// Package placement decides which service engines serve which virtual services in the elastic HA modes ("Elastic HA for
// Avi Service Engines"): N+M and active/active. It is one pure function, [Compute], from what is (groups, engines,
// hosts, services and where they run) to a [Plan] of moves, each with its reason. Legacy pairs place
// their services themselves; here it is only decided which engines they have.
//
// Words, as they are counted here:
//
//   - A placement is one service on one engine; max_vs_per_se bounds the placements on an engine.
//   - N is what the placements need: placements / max_vs_per_se, rounded up, and no fewer engines than the widest
//     service wants, because two placements of one service never share an engine.
//   - M is buffer_se, of N+M groups only: in an active/active group every service has survivors already.
//   - The buffer is whole when after the loss of any M engines the others have slots for every placement. A lost engine
//     takes its placements and its free slots with it, together max_vs_per_se whatever its load, so this is the same as
//     N + M engines. To count free slots against the load of the fullest engine would count those of the engine that is
//     lost: with 17 services, 8 an engine, three engines have 7 slots free and none holds more than 6, but two engines
//     cannot hold 17.
//   - PACKED makes no engine beyond N + M; DISTRIBUTED makes fresh ones up to max_se for services that can wait for them
//     ([Service.Patient]). The algorithm decides which engines exist. Over those that do, services are always spread.
//
// What is best, most important first: services that run at all, services on two engines, on three and so on, engines
// emptied that should be, few moves, other hosts than those of the same service, other racks, little load. Never at the
// price of an engine that a service runs on and should keep: it is only taken when it runs on another one.
package placement

// Compute plans the moves from what is to what should be. The result depends on nothing but the input, and not on the
// order of its lists, whose names must be unique; only [Service.Engines] has an order that means something. A plan
// that is carried out leaves nothing to move for the next one, unless an engine held more than max_vs_per_se: it gets
// nothing until it has given up what is too much.
func Compute(in Input) *Plan {
	s := newSite(in)
	plan := &Plan{}
	for _, g := range s.groups {
		if !g.elastic() {
			g.staffPair(plan)
			continue
		}
		g.settle()
		g.reckon()
		g.fill()
		if g.spec.Rebalance {
			g.rebalance()
		}
		g.retain()
		g.staff(plan)
		g.tell(plan)
	}
	s.orphans(plan)
	s.strays(plan)
	s.assign(plan)
	return plan
}
