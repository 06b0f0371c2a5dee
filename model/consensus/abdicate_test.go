package consensus

import "testing"

// TestAbdicate: a leader that abdicates is followed by another, whether the one that it asks stands or not; and one that
// resumes in time leads on.
func TestAbdicate(t *testing.T) {
	for _, test := range []struct {
		name  string
		then  func(c *cluster)
		leads bool
	}{
		{"it is heard", func(*cluster) {}, false},
		{"what it asks is lost", func(c *cluster) { c.queue = nil }, false},
		{"it resumes", func(c *cluster) { c.queue = nil; c.node(1).replica.Resume() }, true},
	} {
		c := elected(t)
		c.tick(1)
		c.deliver()
		if to := c.node(1).replica.Abdicate(); to != 2 && to != 3 || !c.node(1).replica.Abdicated() {
			t.Fatalf("%s: it asks %d", test.name, to)
		}
		c.ready(c.node(1))
		test.then(c)
		for range 12 {
			for id := range uint64(3) {
				c.tick(id + 1)
			}
			c.deliver()
		}
		if leads := c.node(1).replica.Status().Role == Leader; leads != test.leads || c.leader() == nil {
			t.Errorf("%s: it leads: %t", test.name, leads)
		}
		if c.node(1).replica.Abdicated() {
			t.Errorf("%s: it is silent yet", test.name)
		}
	}
}
