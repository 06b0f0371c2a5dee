package real

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// stubborn is an engine that refuses to remove a network.
type stubborn struct {
	client.APIClient
	used      bool // there is a container on it
	unplugged []string
}

func (s *stubborn) NetworkRemove(context.Context, string, client.NetworkRemoveOptions) (client.NetworkRemoveResult, error) {
	return client.NetworkRemoveResult{}, errors.New("network has active endpoints")
}

func (s *stubborn) NetworkInspect(context.Context, string, client.NetworkInspectOptions) (client.NetworkInspectResult, error) {
	var out client.NetworkInspectResult
	if s.used {
		out.Network.Containers = map[string]network.EndpointResource{"x": {}}
	}
	return out, nil
}

func (s *stubborn) NetworkDisconnect(_ context.Context, _ string, o client.NetworkDisconnectOptions) (client.NetworkDisconnectResult, error) {
	if o.Force && !slices.Contains(s.unplugged, o.Container) {
		s.unplugged = append(s.unplugged, o.Container)
	}
	return client.NetworkDisconnectResult{}, nil
}

// TestNetworksThatTheEngineMiscounts are left behind and told, where those that are used fail.
func TestNetworksThatTheEngineMiscounts(t *testing.T) {
	for _, used := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			engine := &stubborn{used: used}
			d := &Docker{client: engine}
			d.spare.put([]*wire{{name: "data", id: "1", machines: []string{"a", "b"}}})
			n, err := d.Close()
			if used != (err != nil) || used != (n == 0) {
				t.Errorf("used: %v; %d are miscounted, %v", used, n, err)
			}
			if slices.Sort(engine.unplugged); !slices.Equal(engine.unplugged, []string{"a", "b"}) {
				t.Errorf("unplugged by force are %v", engine.unplugged)
			}
			if d.spare.take() != nil {
				t.Error("a network that was removed is handed out")
			}
		})
	}
}

func TestSpareNetworksServeTheNextRun(t *testing.T) {
	d := new(Docker) // without a client: nothing is asked of an engine
	c := &cluster{docker: d, id: "first", nets: []*wire{{name: "data", machines: []string{"of an earlier run"}}}}
	if err := c.removeNets(); err != nil || c.nets != nil {
		t.Fatalf("%v, %v are left", err, c.nets)
	}
	next, err := d.newCluster(t.Context(), clientNodes[:1], false)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"of an earlier run", next.nameOf(clientNodes[0])}
	if len(next.nets) != 1 || !slices.Equal(next.nets[0].machines, want) {
		t.Errorf("the next run has %v, whose machines are to be %v", next.nets[0], want)
	}
	if d.spare.take() != nil {
		t.Error("two runs share a network")
	}
}
