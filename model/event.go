package model

// Event is something a node did that a judge or a reader of the report may want to know. Unused fields
// stay zero. Emitting one costs no formatting: fields are kept as they are.
type Event struct {
	Kind   EventKind
	Unit   string // what it is about: an address, a service, a group, a configuration key
	Peer   string // the other node, where there is one
	Term   uint64 // raft term, or epoch of a legacy pair
	Index  uint64 // raft log index, or version of the configuration
	Hash   uint64 // of EventApplied: running hash over all commands applied so far
	State  uint64 // of EventApplied: hash of the state after the command
	Detail string // for people
}

// EventKind says what happened. The strings are part of the history format.
type EventKind string

// What controllers say. One that is at factory default is a cluster of its own; what it says of that carries its name in
// Unit, or in Peer where Unit is taken.
const (
	EventSuspected EventKind = "suspected" // this node stopped hearing its leader or its pair peer (end of detect)
	EventLeader    EventKind = "leader"    // this node was elected in Term (end of decide)
	EventFollower  EventKind = "follower"  // this node gave up leading, or follows Peer, in Term
	EventVoted     EventKind = "voted"     // this node is in Term, and has voted for Peer in it, or for nobody yet; also what it recalls of that at a start
	EventReady     EventKind = "ready"     // this leader answers the API (end of announce)
	EventApplied   EventKind = "applied"   // this node applied the command at Index
	EventRestored  EventKind = "restored"  // this node took over a snapshot at Index
	EventEngineUp  EventKind = "engine_up" // the leader hears the engine Peer
	EventEngineDn  EventKind = "engine_down"
	EventPlaced    EventKind = "placed"    // the service Unit belongs on the engines Peer, primary first, parted by blanks; Detail says why
	EventArbitrate EventKind = "arbitrate" // the leader tells Peer to yield Unit
	EventDiskError EventKind = "disk_error"
	EventNodeState EventKind = "node_state" // this controller has come to the state Unit of a reboot
	EventLogged    EventKind = "logged"     // the leader writes Unit about Peer into the event log
	EventMembers   EventKind = "members"    // as of Index those vote whom Unit names, parted by blanks
	EventHandover  EventKind = "handover"   // this leader asks Peer to lead
	EventIdentity  EventKind = "identity"   // this node begins anew as a member of the cluster Unit: Detail says why

	// The configuration knows the engines Peer, parted by blanks, as made by the cloud Unit; of those in Detail the cloud
	// has not made or ended its own yet. The leader says it when it is ready, and when that changes.
	EventEnginesKnown EventKind = "engines_known"
	EventUpgrade      EventKind = "upgrade" // the upgrade has come to the state Unit at Index; Peer is the node that is out
	EventRefused      EventKind = "refused" // this node met what a newer build wrote, from Peer or on its own disk, and does not touch it

	// The leader answers a reader: this is what the engines have carried for the service Unit. Counters as in
	// EventCarried; Peer names the controllers that did not answer; Detail says why else samples may be missing.
	EventMetricsRead EventKind = "metrics_read"
)

// What a cloud's management says.
const (
	// A controller that leads in Term asks it for Unit (list, create, delete, reboot), about the engine Peer of the group
	// Detail; Index is the number of the request.
	EventAsked EventKind = "cloud_asked"
)

// What engines say.
const (
	EventConfigured EventKind = "configured" // the engine runs the configuration of version Index
	EventHeadless   EventKind = "headless"   // no controller answers; the engine runs on with what it has
	EventReattached EventKind = "reattached" // a controller answers again
	EventActive     EventKind = "active"     // this engine decided to serve Unit (end of decide)
	EventStandby    EventKind = "standby"    // this engine gave Unit up
	EventDraining   EventKind = "draining"   // this engine goes on with its flows of Unit, and takes no new ones
	EventDrained    EventKind = "drained"    // the time for that is over
	EventYields     EventKind = "yields"     // this engine asks Peer to serve Unit in its place
	EventServerUp   EventKind = "server_up"  // the back-end server Peer of the pool Unit passes its monitor
	EventServerDown EventKind = "server_down"

	EventGatewayUp   EventKind = "gateway_up"   // the monitored gateway Peer answers this engine again
	EventGatewayDown EventKind = "gateway_down" // it does not
)

// What both say.
const (
	EventRestart EventKind = "restart" // this node asks to be restarted with the version Unit
)

// What the world says of a node. It is the world that knows.
const (
	EventStarted        EventKind = "started" // after a restart that it asked for, or made by a cloud: with the version Unit
	EventStopped        EventKind = "stopped" // crashed, or lost its power
	EventAddressAdded   EventKind = "address_added"
	EventAddressRemoved EventKind = "address_removed"
	EventAnnounced      EventKind = "announced"      // a gratuitous ARP left the node (end of announce)
	EventCreated        EventKind = "engine_created" // the engine Peer is being made on the host Detail, for the cluster Unit, by this cloud
	EventDeleted        EventKind = "engine_deleted" // the engine Peer is no more
	EventCarried        EventKind = "carried"        // its data path has carried so much for Unit since it started
)

// CountersEvent is an event about the counters of a service: Term holds the flows, State the refused ones, Hash
// the requests and Index the responses.
func CountersEvent(kind EventKind, service string, c Counters) Event {
	return Event{Kind: kind, Unit: service, Term: c.Flows, State: c.Refused, Hash: c.Requests, Index: c.Responses}
}
