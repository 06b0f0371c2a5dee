package placement

import (
	"fmt"
	"strings"
)

// String is the plan for people: one line for everything that is decided, with its reason.
func (p *Plan) String() string {
	var b strings.Builder
	for _, g := range p.Groups {
		fmt.Fprintf(&b, "group %s: %d placements, N %d + M %d, %d of %d engines, %d free slots\n", g.Group, g.Placements, g.N, g.M, g.Have, g.Want, g.FreeSlots)
	}
	for i, m := range p.Moves {
		fmt.Fprintf(&b, "%d. %s\n", i, m)
	}
	for _, c := range p.Create {
		fmt.Fprintf(&b, "create an engine of %s", c.Group)
		if c.Host != "" {
			fmt.Fprintf(&b, " on %s", c.Host)
		}
		fmt.Fprintf(&b, ": %s\n", c.Why)
	}
	for _, d := range p.Delete {
		fmt.Fprintf(&b, "delete %s: %s\n", d.Engine, d.Why)
	}
	for _, w := range p.Waiting {
		fmt.Fprintf(&b, "%s waits, runs on %d and lacks %d: %s\n", w.Service, w.Running, w.Missing, w.Why)
	}
	for _, w := range p.Warnings {
		fmt.Fprintf(&b, "warning: %s", w.Group)
		if w.Service != "" {
			fmt.Fprintf(&b, ", %s", w.Service)
		}
		fmt.Fprintf(&b, ": %s\n", w.Why)
	}
	return b.String()
}

// String is the move for people.
func (m Move) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", m.Kind, m.Service)
	if m.From != "" {
		fmt.Fprintf(&b, " from %s", m.From)
	}
	if m.To != "" {
		fmt.Fprintf(&b, " to %s", m.To)
	}
	if m.MakeFirst {
		b.WriteString(", make before break")
	}
	fmt.Fprintf(&b, ": %s", m.Why)
	if m.Where.Code != "" {
		fmt.Fprintf(&b, "; %s", m.Where)
	}
	return b.String()
}
