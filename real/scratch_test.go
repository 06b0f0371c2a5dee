package real

import (
	"context"
	"fmt"
	"testing"
	"time"

	"firedrill/real/node"
	"firedrill/scenarios"
)

func TestScratch(t *testing.T) {
	ctx := context.Background()
	began := time.Now()
	lap := func(what string) { fmt.Println(what, time.Since(began)); began = time.Now() }
	d, err := Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	lap("open")
	c, err := d.newCluster(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	lap("networks")
	s, _ := scenarios.Find("legacy-active-power-loss")
	for _, n := range s.Nodes() {
		m, err := c.newMachine(n, node.Spec{})
		if err != nil {
			t.Fatal(err)
		}
		c.machines = append(c.machines, m)
	}
	fmt.Println(len(c.machines), "machines")
	if err := inParallel(c.machines, func(m *machine) error { return m.create(ctx) }); err != nil {
		t.Error(err)
	}
	lap("create")
	if err := inParallel(c.machines, func(m *machine) error { return m.start(ctx) }); err != nil {
		t.Error(err)
	}
	lap("start")
	if err := inParallel(c.machines, func(m *machine) error { return m.container.CopyToContainer(ctx, []byte("1"), node.EpochFile, 0o444) }); err != nil {
		t.Error(err)
	}
	lap("epoch")
	_, other, err := c.machines[0].logs(ctx)
	fmt.Println(other, err)
	if err := c.remove(); err != nil {
		t.Error(err)
	}
	lap("remove")
}
