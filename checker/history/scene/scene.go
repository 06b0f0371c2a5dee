// Package scene holds how a whole simulated cluster stands: at one moment, as a [Scene], and from beginning to end, as a
// [Film]. The simulator makes them, reports show them; a history does not need them.
package scene

import (
	"time"

	"firedrill/model"
)

// Scene is everything at one moment, after all that happened at it.
type Scene struct {
	Scenario string        `json:"scenario"`
	Seed     uint64        `json:"seed"`
	At       time.Duration `json:"at"`
	Nodes    []Node        `json:"nodes"`
	Faults   []Fault       `json:"faults"`   // in force, as they struck
	Links    []string      `json:"links"`    // what is wrong with them
	Messages []Message     `json:"messages"` // on their way, by when they are due
}

// Node is one machine and what runs on it: what the world knows of it first, then what its process says of itself.
type Node struct {
	Name  string       `json:"name"`
	Role  string       `json:"role"`
	Up    bool         `json:"up"`
	Facts []model.Fact `json:"facts"`
}

// Fault is one that is in force.
type Fault struct {
	Fault  string        `json:"fault"`
	Target string        `json:"target"`
	Nodes  []string      `json:"nodes"`
	Since  time.Duration `json:"since"`
	Until  time.Duration `json:"until,omitempty"` // 0: for good
}

// Message is a frame from one machine to another.
type Message struct {
	From string        `json:"from"`
	To   string        `json:"to"`
	Kind string        `json:"kind"`
	Text string        `json:"text"`
	Sent time.Duration `json:"sent"`
	Due  time.Duration `json:"due,omitempty"` // 0: it waits for the hardware address of the next hop, or is lost
	Lost bool          `json:"lost,omitempty"`
	// Routine marks what is sent all the time and says nothing new: heartbeats, their answers, probes.
	Routine bool `json:"routine,omitempty"`
}

// Film is a run from beginning to end.
type Film struct {
	Scenario string
	Seed     uint64
	Length   time.Duration
	Nodes    []Node // as they began; of facts, only those that are not moving
	Changes  []Change
	Messages []Message // in the order in which they were sent
	// Stride tells that of the routine messages every so many-th one is kept; 1: all are.
	Stride int
	// Complete is until when all changes are kept.
	Complete time.Duration
}

// Change is a fact of a node that has become another. An empty value: the node says nothing of it any more.
type Change struct {
	At   time.Duration
	Node int // its place in Film.Nodes
	Name string
	Is   string
}
