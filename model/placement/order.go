package placement

// order puts the moves into an order in which they can be made one after the other. While a move is made, a service holds
// a slot on both engines, so a move onto a full engine comes behind one that frees a slot there. Where moves wait for each
// other in a ring, one is let through all the same: an engine with one service too many for a moment is better than an
// outage.
func (s *site) order(plan *Plan, drafts []draft) {
	for _, e := range s.engines {
		if e.group != nil {
			e.slots = e.group.config.MaxVSPerSE - e.running
		}
	}
	for force := false; len(drafts) > 0; {
		var rest []draft
		for _, d := range drafts {
			if d.to != nil && d.to.slots <= 0 && !force {
				rest = append(rest, d)
				continue
			}
			force = false
			if d.to != nil {
				d.to.slots--
			}
			if d.from != nil {
				d.from.slots++
			}
			plan.Moves = append(plan.Moves, d.Move)
		}
		force = len(rest) == len(drafts)
		drafts = rest
	}
}
