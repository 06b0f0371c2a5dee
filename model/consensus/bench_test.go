package consensus

import (
	"testing"

	"firedrill/model/disktest"
)

// BenchmarkPropose is one command at the leader of three replicas, until all have applied it. Messages are
// marshalled and disks written as in a world, but take no time.
func BenchmarkPropose(b *testing.B) {
	c := newCluster(b, 1_000_000)
	c.node(1).replica.Campaign()
	c.ready(c.node(1))
	c.deliver()
	disks := [clusterSize]discardDisk{}
	for i, m := range c.members {
		m.replica.log.disk = &disks[i]
	}
	command := make([]byte, 200)
	b.ReportAllocs()
	sequence := uint64(0)
	for b.Loop() {
		sequence++
		if err := c.node(1).replica.Propose("a", sequence, command); err != nil {
			b.Fatal(err)
		}
		benchDeliver(b, c)
	}
	if got := c.node(3).replica.Status().Applied; got < sequence {
		b.Fatalf("%d commands, %d applied", sequence, got)
	}
}

// benchDeliver moves messages without the cluster's assertions, which cost more than what is measured.
func benchDeliver(b *testing.B, c *cluster) {
	for busy := true; busy; {
		busy = false
		for _, m := range c.members {
			out, err := m.replica.Ready()
			if err != nil {
				b.Fatal(err)
			}
			for _, message := range out.Messages {
				c.node(message.To).replica.Step(m.address, message.Data)
				busy = true
			}
		}
	}
}

// discardDisk forgets what is written, at once.
type discardDisk struct{ disktest.Strict }

func (*discardDisk) Append(string, []byte) error { return nil }
func (*discardDisk) Sync(string) error           { return nil }
