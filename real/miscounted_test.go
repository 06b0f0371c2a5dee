package real

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// stubborn is an engine that refuses to remove a network.
type stubborn struct {
	client.APIClient
	used bool // there is a container on it
}

func (s stubborn) NetworkRemove(context.Context, string, client.NetworkRemoveOptions) (client.NetworkRemoveResult, error) {
	return client.NetworkRemoveResult{}, errors.New("network has active endpoints")
}

func (s stubborn) NetworkInspect(context.Context, string, client.NetworkInspectOptions) (client.NetworkInspectResult, error) {
	var out client.NetworkInspectResult
	if s.used {
		out.Network.Containers = map[string]network.EndpointResource{"x": {}}
	}
	return out, nil
}

// TestMiscountedNetworks: one that the engine wrongly takes for used does not fail a run, and serves the next; one that
// is in use fails it.
func TestMiscountedNetworks(t *testing.T) { synctest.Test(t, miscountedNetworks) }

func miscountedNetworks(t *testing.T) {
	d := &Docker{client: stubborn{}}
	w := &wire{name: "data", id: "1", handed: subnet(3, 1)}
	c := &cluster{docker: d, nets: []*wire{w}}
	if err := c.removeNets(); err != nil || d.Miscounted() != 1 {
		t.Fatalf("%v, %d put by", err, d.Miscounted())
	}
	if d.miscounted.take(subnet(3, 0)) != nil || d.miscounted.take(w.handed) != w || d.Miscounted() != 0 {
		t.Error("the network was not handed out again")
	}
	d.client = stubborn{used: true}
	c.nets = []*wire{w}
	if err := c.removeNets(); err == nil || d.Miscounted() != 0 {
		t.Error("a network in use was given up")
	}
}
