package cloud

import (
	"fmt"

	"firedrill/model"
)

// Describe implements [model.Describer].
func (c *Cloud) Describe() []model.Fact {
	var f model.Facts
	if c.broken {
		f.Add("state", "broken: its disk failed")
	}
	f.Add("lives", "%d", c.state.Lives)
	for _, t := range c.state.Terms {
		f.Add("obeys", "the leader of term %d of %s", t.Term, t.Cluster)
	}
	for _, h := range c.hypervisor.Hosts() {
		state := fmt.Sprintf("room for %d", h.Free)
		if h.Down {
			state += ", called down"
		}
		f.Add("host "+h.Name, "%s", state)
	}
	there := c.hypervisor.Machines()
	for _, m := range c.state.Machines {
		state := Missing
		if built := find(there, m.Name); built != nil {
			state = built.State
		}
		f.Add("machine "+m.Name, "%s on %s, group %s", state, m.Host, m.Group)
	}
	return f
}
