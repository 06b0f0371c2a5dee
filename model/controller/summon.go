package controller

import (
	"firedrill/model/config"
	"firedrill/model/wire"
)

// An engine reports to the controllers that the leader named last. While a cluster moves to other nodes, all of them may go
// before it is told of the new ones; then nobody hears its reports, nor it of a leader. So a leader calls the engines of the
// configuration that it does not hear, and tells them where controllers are.

// summon does so once for each of their reports that does not come.
func (f *fleet) summon() {
	c := f.controller
	now := c.env.Now()
	if !c.ready || now < f.summons {
		return
	}
	f.summons = now + c.cfg.Timers.SEHeartbeat.Std()
	for _, entry := range c.machine.List(config.KindServiceEngine) {
		o := entry.Object.(*config.ServiceEngine)
		if e := f.engine(o.Name); e != nil && e.met && !e.down || !o.Management.IsValid() {
			continue
		}
		c.env.Send(o.Management, c.voice.Encode(o.Management, &wire.Envelope_EngineDirective{EngineDirective: &wire.EngineDirective{
			Cluster: c.identity.Cluster, Term: c.status.Term, Leader: c.name(), Controllers: c.addresses(), Ask: true,
		}}))
	}
}

// addresses are where the members are.
func (c *Controller) addresses() []string {
	var out []string
	for _, m := range c.members() {
		out = append(out, m.Address.String())
	}
	return out
}
