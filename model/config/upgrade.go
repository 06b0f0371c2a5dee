package config

import (
	"slices"
	"strings"
)

// Upgrade is the upgrade of the platform that is under way, or the last one ("Upgrading Avi Vantage Software"). The
// leader writes every step of it through the log before it takes it, so that the next leader goes on from there.
type Upgrade struct {
	Name  string       `json:"name" yaml:"name"`
	State UpgradeState `json:"state" yaml:"state"`
	From  string       `json:"from" yaml:"from"` // the version that a rollback goes back to
	To    string       `json:"to" yaml:"to"`
	Why   string       `json:"why,omitempty" yaml:"why,omitempty"` // it was suspended
	// Out is the node that may be restarted now. No other may, until it is known what became of it.
	Out         *UpgradeOut    `json:"out,omitempty" yaml:"out,omitempty"`
	Controllers []UpgradeNode  `json:"controllers" yaml:"controllers"` // by name
	Groups      []UpgradeGroup `json:"groups" yaml:"groups"`           // by name
}

// UpgradeOut is a node that is ordered to restart.
type UpgradeOut struct {
	Node    string `json:"node" yaml:"node"`
	Version string `json:"version" yaml:"version"` // with which
	Life    uint64 `json:"life" yaml:"life"`       // the life that the order is for: another one has restarted
}

// UpgradeGroup is how far a group of engines is. One engine of it is out at a time.
type UpgradeGroup struct {
	Name    string        `json:"name" yaml:"name"`
	Why     string        `json:"why,omitempty" yaml:"why,omitempty"` // it was stopped: an engine did not come up with the new version
	Engines []UpgradeNode `json:"engines" yaml:"engines"`             // by name
}

// UpgradeNode is how far one node is.
type UpgradeNode struct {
	Name      string           `json:"name" yaml:"name"`
	State     UpgradeNodeState `json:"state" yaml:"state"`
	Tries     int              `json:"tries,omitempty" yaml:"tries,omitempty"`         // how often it was to be restarted
	Disrupted []string         `json:"disrupted,omitempty" yaml:"disrupted,omitempty"` // services that had nowhere else to run
}

// UpgradeState is where an upgrade stands.
type UpgradeState string

// The states of an upgrade. The last three are its ends.
const (
	UpgradeControllers  UpgradeState = "UPGRADE_CONTROLLERS"
	UpgradeEngines      UpgradeState = "UPGRADE_SERVICE_ENGINES"
	UpgradeSuspended    UpgradeState = "UPGRADE_SUSPENDED" // a node has failed; it waits to be rolled back or aborted
	RollbackEngines     UpgradeState = "ROLLBACK_SERVICE_ENGINES"
	RollbackControllers UpgradeState = "ROLLBACK_CONTROLLERS"
	UpgradeAborting     UpgradeState = "UPGRADE_ABORTING" // no more is restarted; the node that is out is waited for
	UpgradeCompleted    UpgradeState = "UPGRADE_COMPLETED"
	UpgradeRolledBack   UpgradeState = "UPGRADE_ROLLED_BACK"
	UpgradeAborted      UpgradeState = "UPGRADE_ABORTED"
)

// UpgradeNodeState is where one node stands.
type UpgradeNodeState string

// The states of a node.
const (
	NodeWaiting    UpgradeNodeState = "WAITING"
	NodeDraining   UpgradeNodeState = "DRAINING" // of an engine: its services go elsewhere
	NodeRestarting UpgradeNodeState = "RESTARTING"
	NodeDone       UpgradeNodeState = "DONE"
	NodeFailed     UpgradeNodeState = "FAILED"
)

// Active tells whether an upgrade is under way: until it ends, no client changes the configuration.
func (u *Upgrade) Active() bool {
	return u != nil && u.State != UpgradeCompleted && u.State != UpgradeRolledBack && u.State != UpgradeAborted
}

// BackWards tells whether nodes are restarted with the version that they had before.
func (u *Upgrade) BackWards() bool {
	return u.State == RollbackEngines || u.State == RollbackControllers
}

// Target is the version that nodes are to come to.
func (u *Upgrade) Target() string {
	if u.BackWards() {
		return u.From
	}
	return u.To
}

// VersionOf is what a new engine of a group boots: the version of the group. A group that is being upgraded has both, and
// takes what it is about to have; on the way back every group takes the version before, which it need not be restarted for.
func (u *Upgrade) VersionOf(group string) string {
	switch u.State {
	case UpgradeCompleted:
		return u.To
	case RollbackEngines, RollbackControllers, UpgradeRolledBack:
		return u.From
	}
	for i := range u.Groups {
		if g := &u.Groups[i]; g.Name == group && g.Why == "" && g.begun() {
			return u.To
		}
	}
	return u.From
}

// begun tells whether an engine of the group has been restarted, or may have been.
func (g *UpgradeGroup) begun() bool {
	return slices.ContainsFunc(g.Engines, func(n UpgradeNode) bool { return n.State == NodeDone || n.State == NodeRestarting })
}

// Node finds a controller or an engine by its name, nil if the upgrade does not know it.
func (u *Upgrade) Node(name string) *UpgradeNode {
	for i := range u.Controllers {
		if u.Controllers[i].Name == name {
			return &u.Controllers[i]
		}
	}
	for i := range u.Groups {
		if n := u.Groups[i].Node(name); n != nil {
			return n
		}
	}
	return nil
}

// Engine tells whether a node is an engine that the upgrade knows.
func (u *Upgrade) Engine(name string) bool {
	return slices.ContainsFunc(u.Groups, func(g UpgradeGroup) bool { return g.Node(name) != nil })
}

// Node finds an engine of the group.
func (g *UpgradeGroup) Node(name string) *UpgradeNode {
	for i := range g.Engines {
		if g.Engines[i].Name == name {
			return &g.Engines[i]
		}
	}
	return nil
}

// Add takes up an engine of a group.
func (u *Upgrade) Add(group, engine string) {
	i, known := slices.BinarySearchFunc(u.Groups, group, func(g UpgradeGroup, name string) int { return strings.Compare(g.Name, name) })
	if !known {
		u.Groups = slices.Insert(u.Groups, i, UpgradeGroup{Name: group})
	}
	engines := u.Groups[i].Engines
	at, _ := slices.BinarySearchFunc(engines, engine, func(n UpgradeNode, name string) int { return strings.Compare(n.Name, name) })
	u.Groups[i].Engines = slices.Insert(engines, at, UpgradeNode{Name: engine, State: NodeWaiting})
}

// Wait takes back what was found of every node but the one that is out: all are looked at anew.
func (u *Upgrade) Wait() {
	for i := range u.Controllers {
		u.Controllers[i].wait(u.Out)
	}
	for i := range u.Groups {
		u.Groups[i].Why = ""
		for j := range u.Groups[i].Engines {
			u.Groups[i].Engines[j].wait(u.Out)
		}
	}
}

// Rest takes back what was only begun. What was done stays: it tells which version a node runs.
func (u *Upgrade) Rest() {
	for i := range u.Groups {
		for j := range u.Groups[i].Engines {
			if n := &u.Groups[i].Engines[j]; n.State == NodeDraining {
				n.State = NodeWaiting
			}
		}
	}
}

func (n *UpgradeNode) wait(out *UpgradeOut) {
	if out == nil || out.Node != n.Name {
		n.State, n.Tries = NodeWaiting, 0
	}
}

// Clone returns a copy that shares nothing that is changed from step to step.
func (u *Upgrade) Clone() *Upgrade {
	c := *u
	if u.Out != nil {
		out := *u.Out
		c.Out = &out
	}
	c.Controllers, c.Groups = slices.Clone(u.Controllers), slices.Clone(u.Groups)
	for i := range c.Groups {
		c.Groups[i].Engines = slices.Clone(c.Groups[i].Engines)
	}
	return &c
}

// Kind implements [Object].
func (*Upgrade) Kind() Kind { return KindUpgrade }

// ObjectName implements [Object].
func (u *Upgrade) ObjectName() string { return u.Name }

// References implements [Object].
func (*Upgrade) References() []Key { return nil }

// Validate implements [Object]. Controllers write it, so that little can be wrong.
func (u *Upgrade) Validate() error {
	v := &validator{object: u}
	v.name("name", u.Name)
	enum(v, "state", u.State, false, UpgradeControllers, UpgradeEngines, UpgradeSuspended, RollbackEngines, RollbackControllers,
		UpgradeAborting, UpgradeCompleted, UpgradeRolledBack, UpgradeAborted)
	v.name("from", u.From)
	v.name("to", u.To)
	v.check(u.Out == nil || u.Node(u.Out.Node) != nil, "out.node", "it is no node of the upgrade")
	return v.result()
}
