package client

import (
	"firedrill/model"
)

// Describe implements [model.Describer].
func (c *Client) Describe() []model.Fact {
	var f model.Facts
	switch {
	case !c.busy:
		f.Add("operation", "none under way")
	case c.current.Request != nil:
		f.Add("operation", "%d: %s %s, attempt %d", c.current.ID, c.current.Request.Method, c.current.Request.Path, c.attempts)
	default:
		f.Add("operation", "%d: %v %s/%s, attempt %d", c.current.ID, c.current.Do, c.current.Key.Kind, c.current.Key.Name, c.attempts)
	}
	f.Add("waiting", "%d", len(c.queue))
	if c.leader.IsValid() {
		f.Add("leader", "%v", c.leader)
	}
	return f
}
