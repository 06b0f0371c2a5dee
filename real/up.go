package real

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"

	"firedrill/real/node"
	"firedrill/scenarios"
)

// Live is how to reach a cluster that is up.
type Live struct {
	API   string // of the REST API, such as https://127.0.0.1:32768
	Token string // that callers show
}

// Up starts the cluster of a plan, without its faults and its work, says how to reach it, and keeps it until the context
// ends, or until [Down] ends it.
func (d *Docker) Up(ctx context.Context, plan *scenarios.Scenario, opt Options, ready func(Live)) (err error) {
	quiet := *plan
	quiet.Faults, quiet.Workload.Operate, quiet.Workload.Flows = nil, nil, scenarios.Flows{}
	c, err := d.newCluster(ctx, append(quiet.Nodes(), clientNodes...), true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.remove()) }()
	up, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	r := newRun(up, &quiet, c, fail)
	defer func() { r.hypervisor.close() }()
	r.forgetful = true
	token := rand.Text()
	if err := r.install(node.Spec{Token: token}); err != nil {
		return err
	}
	if err := r.boot(up, opt.Progress); err != nil {
		return r.cause(up, err)
	}
	api, err := r.portal(up, quiet.Topology.ClusterIP)
	if err != nil {
		return r.cause(up, err)
	}
	ready(Live{API: "https://" + api, Token: token})
	<-up.Done()
	if ctx.Err() == nil && r.removedByOthers() {
		return nil
	}
	return context.Cause(up)
}

// removedByOthers tells whether the containers vanish, one after the other: somebody has ended the cluster.
func (r *run) removedByOthers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), gently)
	defer cancel()
	for ctx.Err() == nil {
		all, err := r.cluster.docker.containers(ctx)
		if err != nil {
			return false
		}
		there := make(map[string]bool)
		for _, s := range all {
			there[s.ID] = s.State != container.StateRemoving
		}
		for _, m := range r.machines() {
			if !there[m.id()] {
				return true
			}
		}
	}
	return false
}

const portalPort = "8443/tcp"

// portal opens a way from this machine into the cluster: a container on the management network, which keeps the address that
// the engine handed out, at which alone it publishes ports, and passes connections on to the cluster IP or to the first
// controller that takes them.
func (r *run) portal(ctx context.Context, clusterIP *netip.Addr) (string, error) {
	c := r.cluster
	n := scenarios.Node{Name: "portal", Role: scenarios.RoleClient}
	m := &machine{cluster: c, Node: n}
	args := []string{"portal"}
	if clusterIP != nil {
		args = append(args, clusterIP.String())
	}
	for _, o := range r.machines() {
		if o.Role == scenarios.RoleController {
			args = append(args, o.Addresses()[0].String())
		}
	}
	request := testcontainers.ContainerRequest{
		Image: c.docker.image, Name: c.nameOf(n), Cmd: args, Labels: c.copyLabels(),
		ExposedPorts: []string{portalPort}, Networks: []string{c.nets[0].called},
		HostConfigModifier: func(h *container.HostConfig) {
			h.CapAdd = []string{"NET_ADMIN"}
			h.PortBindings = network.PortMap{network.MustParsePort(portalPort): {{HostIP: netip.MustParseAddr("127.0.0.1")}}}
		},
	}
	made, err := c.docker.provider.CreateContainer(ctx, request)
	if made != nil {
		m.container = made
		r.mu.Lock()
		c.machines = append(c.machines, m)
		r.mu.Unlock()
	}
	if err == nil {
		err = made.Start(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("opening a way to the REST API: %w", err)
	}
	info, err := made.Inspect(ctx)
	if err != nil {
		return "", err
	}
	for _, b := range info.NetworkSettings.Ports[network.MustParsePort(portalPort)] {
		return b.HostIP.String() + ":" + strings.TrimSpace(b.HostPort), nil
	}
	return "", errors.New("the container engine has published no port for the REST API")
}
