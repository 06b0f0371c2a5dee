package checker

// Invariant is a promise that a history keeps or breaks.
type Invariant struct {
	Name  string // as in [Violation].Check
	About string // one sentence: what must hold
	// Check returns what breaks it, deterministically. It skips what the history does not tell.
	Check func(*evidence) []Violation
}

// Invariants is every check of [Judge]. A new one is a file and a line here.
var Invariants = []Invariant{
	{CheckLinearizable, "every client sees the configuration as if one operation happened at a time (Herlihy and Wing, 1990)", checkLinearizable},
	{"one-leader-per-term", "no two controllers lead in one term (Raft, election safety)", checkOneLeaderPerTerm},
	{"votes-kept", "a controller votes for one candidate in a term, and comes back from a restart with no older term and no other vote (Raft, figure 2)", checkVotesKept},
	{"committed-never-lost", "what was committed stays, in its place, on every controller and across restarts (Raft, leader completeness)", checkCommittedNeverLost},
	{"state-machines-agree", "controllers that applied the same index hold the same state (Raft, state machine safety)", checkStateMachinesAgree},
	{"one-holder-per-address", "no two nodes hold one address longer than dual_active", checkOneHolderPerAddress},
	{"both-active", "no two engines believe to serve the same load longer than dual_active", checkBothActive},
	{"failover-with-cause", "nobody takes over from a healthy node", checkFailoverWithCause},
	{"engine-down-with-cause", "no leader declares an engine dead that lives and can be reached", checkEngineDownWithCause},
	{"node-left-with-cause", "the event log says of no controller that it has left which lives and can be reached", checkNodeLeftWithCause},
	{"addresses-announced", "whoever takes an address announces it at once", checkAddressesAnnounced},
	{"cluster-ip-held", "the leader, and no other controller, holds the address that the cluster has now, and announces it over and over", checkClusterIPHeld},
	{"addresses-follow", "another engine of the group takes every address of one that stopped", checkAddressesFollow},
	{"addresses-configured", "engines hold the addresses that the configuration gives to their group, and no others, once a change or fault is recover_within ago", checkAddressesConfigured},
	{"placed-configured", "services of elastic groups are on as many engines as the configuration says, where these have room, and on none that it bars", checkPlacedConfigured},
	{"services-recover", "every service answers, and answers for good once the faults are over and recover_within has passed", checkServicesRecover},
	{"config-never-regresses", "an engine never runs an older configuration than it ran before", checkConfigNeverRegresses},
	{"engines-follow", "an engine that lives and can be reached runs every acknowledged change of what it serves, as soon as it must have got it", checkEnginesFollow},
	{"reboot-states", "a controller that starts passes through the states of a reboot in their order, and is ready in the end", checkRebootStates},
	{"cluster-status-true", "what controllers tell of the cluster is so: its state, who leads it, and how each controller is", checkClusterStatusTrue},
	{"analytics-exact", "a reader of the analytics is told no more than the engines carried, and no less than those that live had carried recover_within ago", checkAnalyticsExact},
	{"outage-bound", "no outage is longer than the scenario allows", checkOutageBound},
	{"answers-as-expected", "the REST API answers as the scenario says", checkAnswersAsExpected},
	{"faults-strike", "every planned fault strikes somebody, or else the run proves nothing", checkFaultsStrike},
	{"flows-survive", "no long flow of a client breaks while the engine that carries it lives and feels no fault", checkFlowsSurvive},
	{"flows-balanced", "every new flow goes to a server that is up, and to the one that the algorithm of its pool chooses", checkFlowsBalanced},
	{"servers-watched", "a back-end server that has stopped gets no more flows as soon as its monitor must have seen it", checkServersWatched},
	{"standby-rests", "an engine that stands by does not ask back-end servers, where its group does not want that (hm_on_standby)", checkStandbyRests},
	{"upgrade-drains", "an upgrade restarts no engine under a flow before upgrade_drain has passed since the engine let go", checkUpgradeDrains},
	{"group-isolation", "no engine serves what belongs to another group", checkGroupIsolation},
	{"anti-affinity", "a service that is placed anew is on as many hosts as it has engines, where its group has so many that live", checkAntiAffinity},
	{"engines-not-leaked", "in the end the cloud has the engines that the configuration knows, and no others", checkEnginesNotLeaked},
	{"engine-created-once", "a cloud makes no engine twice, and as many as the scenario says, where it allows", checkEngineCreatedOnce},
	{"cloud-spared", "a leader asks a cloud again only after it has waited for an answer, and tries ever more slowly what has failed", checkCloudSpared},
	{"upgrade-readonly", "no client changes the configuration while the platform is upgraded", checkUpgradeReadonly},
	{"upgrade-one-at-a-time", "an upgrade restarts one controller and one engine of a group at a time, no controller while it leads, and nobody with the build that it runs", checkUpgradeOneAtATime},
	{"engine-build", "an engine that a cloud makes boots the build that its group runs", checkEngineBuild},
	{"log-understood", "no controller is given a log that its build cannot read", checkLogUnderstood},
	{"failover-count", "nodes take over as often as the scenario says", checkFailoverCount},
}
