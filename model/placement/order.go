package placement

// order puts the moves into an order in which they can be carried out. While a move is made, a service holds a slot on
// both engines, so a move onto a full engine waits for one that frees a slot there. Where moves wait for each other in a
// ring, one is let through all the same: an engine with one service too many for a moment is better than an outage.
func (s *site) order(plan *Plan, drafts []draft) {
	for _, e := range s.engines {
		if e.group != nil {
			e.slots = e.group.config.MaxVSPerSE - e.running
		}
	}
	for force := false; len(drafts) > 0; {
		var rest []draft
		for _, d := range drafts {
			after, ready := d.enter(force)
			if !ready {
				rest = append(rest, d)
				continue
			}
			force = false
			d.leave(plan, after)
		}
		force = len(rest) == len(drafts)
		drafts = rest
	}
}

// enter takes the slot that a move needs, and tells which move it must wait for, and whether there is a slot at all.
func (d *draft) enter(force bool) (after []int, ready bool) {
	if d.from != nil {
		after = append(after, d.service.passed...)
	}
	if d.to == nil {
		return after, true
	}
	switch e := d.to; {
	case e.slots > 0:
		e.slots--
	case len(e.freed) > 0:
		after = append(after, e.freed[0]...)
		e.freed = e.freed[1:]
	default:
		return after, force
	}
	return after, true
}

// leave writes the move into the plan, and notes what others may have been waiting for.
func (d *draft) leave(plan *Plan, after []int) {
	i := len(plan.Moves)
	d.After = after
	plan.Moves = append(plan.Moves, d.Move)
	if d.Kind == MovePromote {
		d.service.passed = []int{i}
	}
	if d.from != nil {
		d.from.vacate(i)
	}
}

// vacate notes that the i-th move takes a service from the engine.
func (e *engine) vacate(i int) {
	e.owed = append(e.owed, i)
	if e.slots < 0 {
		e.slots++
		return
	}
	e.freed = append(e.freed, e.owed)
	e.owed = nil
}
