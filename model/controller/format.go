package controller

import (
	"errors"
	"net/netip"

	"firedrill/model"
	"firedrill/model/release"
	"firedrill/model/wire"
)

// chooseFormat settles in which format this leader writes the log: the newest that every member reads, as far as it has
// been heard; and while an upgrade can be rolled back, no newer one than the version that a rollback goes back to.
func (c *Controller) chooseFormat() {
	if !c.ready {
		return
	}
	format := release.FormatOf(c.cfg.Version)
	for _, m := range c.members() {
		if m.ID != c.id {
			format = min(format, c.formatOfMember(m.ID))
		}
	}
	if u := c.machine.upgrade; u.Active() {
		format = min(format, release.FormatOf(u.From))
	}
	c.format = format
	c.replica.SetFormat(byte(format))
}

// formatOfMember is what a member reads; one that was never heard is taken for the oldest.
func (c *Controller) formatOfMember(id uint64) release.Format {
	version := c.nodes.view(id).report.Version
	if version == "" {
		return release.FormatFirst
	}
	return release.FormatOf(version)
}

// propose asks for a command to be appended to the log, with the build that writes it where the format has that. What is
// appended to a message of protobuf is merged into it, so that nothing needs to be decoded.
func (c *Controller) propose(s session, command []byte) error {
	if c.format >= release.FormatBuilds {
		command = append(command, marshal(&wire.Command{Version: uint32(c.format), Build: c.cfg.Version})...)
	}
	return c.replica.Propose(s.client, s.sequence, command)
}

// refuse drops a message that this build cannot read, and says so if a newer one wrote it.
func (c *Controller) refuse(from netip.Addr, err error) {
	if errors.Is(err, wire.ErrNewer) {
		c.env.Emit(model.Event{Kind: model.EventRefused, Peer: from.String(), Detail: err.Error()})
	}
}
