package placement

// Plan is what should become of an [Input].
type Plan struct {
	Groups      []GroupStatus // by name; elastic groups only
	Assignments []Assignment  // every service of an elastic group, by group and name
	Moves       []Move        // in an order in which they can be carried out, and why
	Create      []Creation
	Delete      []Deletion
	Waiting     []Wait // group by group, outages first
	Warnings    []Warning
}

// GroupStatus is how a group stands once the moves are made.
type GroupStatus struct {
	Group      string
	Placements int // wanted, over all its services
	N, M       int // see the package's words
	Have, Want int // engines: those that serve, boot or will be back; those that should
	FreeSlots  int // on engines that take services now
}

// Assignment is where a service runs once the moves are made.
type Assignment struct {
	Service string
	Engines []string // the primary first; empty: nowhere
}

// Move is one change of one service.
type Move struct {
	Service string
	Kind    MoveKind
	From    string // empty for MovePlace and MoveScaleOut
	To      string // empty for MoveScaleIn
	// MakeFirst says that the service runs on From, and must run on To before it is taken from there.
	MakeFirst bool
	Why       Reason // what made it necessary
	Where     Reason // why To, of all engines; none for MoveScaleIn and MovePromote
}

// MoveKind is what changes.
type MoveKind string

// The kinds of move.
const (
	MovePlace    MoveKind = "place"     // a service that runs nowhere is given an engine
	MoveMove     MoveKind = "move"      // from one engine to another; From may be down
	MoveScaleOut MoveKind = "scale out" // one engine more
	MoveScaleIn  MoveKind = "scale in"  // one engine less
	MovePromote  MoveKind = "promote"   // the service runs on To already, which becomes its primary in place of From
)

// Creation asks the cloud for an engine.
type Creation struct {
	Group string
	Host  string // preferred; empty: nothing is known of hosts
	Why   Reason
}

// Deletion gives an engine back to the cloud. The engine is empty.
type Deletion struct {
	Engine string
	Why    Reason
}

// Wait is a service that lacks slots.
type Wait struct {
	Service string
	Missing int // placements for which there is no slot
	Running int // engines that it will run on all the same: zero is an outage
	Why     Reason
}

// Warning is what the planner cannot mend.
type Warning struct {
	Group   string
	Service string // empty: the group as a whole
	Why     Reason
}
