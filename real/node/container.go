package node

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/controller"
	"firedrill/model/engine"
	"firedrill/real/disk"
	"firedrill/scenarios"
	"firedrill/scenarios/clients"
	"firedrill/scenarios/install"
)

// container is the one process of a container.
type container struct {
	spec      *Spec
	dir       string // with its files
	plan      *scenarios.Scenario
	timers    config.Timers
	log       *slog.Logger
	clock     *Clock
	record    *Recorder
	faults    *Faults
	identity  *Identity
	addresses *Addresses
	path      *DataPath // of an engine
	members   atomic.Pointer[[]netip.Addr]
	parts     *errgroup.Group
}

// Run plays the part that the spec at a path gives to this container, until the context ends; its other files lie beside the
// spec. The record goes to out, a line an event, and what people may want to know to problems.
func Run(ctx context.Context, specPath string, out, problems io.Writer) error {
	c, err := newContainer(specPath, out, problems)
	if err != nil {
		return err
	}
	if c.addresses != nil {
		defer c.addresses.Close()
	}
	var inner context.Context
	c.parts, inner = errgroup.WithContext(ctx)
	c.parts.Go(func() error { return control(inner, filepath.Join(c.dir, filepath.Base(ControlSocket)), c.do) })
	c.parts.Go(func() error {
		if err := c.clock.Await(inner, filepath.Join(c.dir, filepath.Base(EpochFile))); err != nil {
			return ignoreEnd(ctx, err)
		}
		if c.clock.Run() < install.BootWithin { // else this is another start
			if err := sleep(inner, rand.N(install.BootWithin)); err != nil {
				return ignoreEnd(ctx, err)
			}
		}
		return c.begin(inner)
	})
	if err := c.parts.Wait(); err != nil {
		return fmt.Errorf("%s: %w", c.spec.Name, err)
	}
	return c.record.Err()
}

// ignoreEnd is no error when the process was asked to end.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func newContainer(specPath string, out, problems io.Writer) (*container, error) {
	spec, err := ReadSpec(specPath)
	if err != nil {
		return nil, err
	}
	c := &container{spec: spec, dir: filepath.Dir(specPath), faults: new(Faults)}
	c.log = slog.New(slog.NewTextHandler(problems, nil)).With("container", spec.Name)
	if c.plan, err = scenarios.Parse(specPath, []byte(spec.Plan)); err != nil {
		return nil, err
	}
	if c.timers, err = install.Timers(c.plan); err != nil {
		return nil, err
	}
	if c.identity, err = NewIdentity(spec); err != nil {
		return nil, err
	}
	if c.clock, err = NewClock(); err != nil {
		return nil, err
	}
	c.record = NewRecorder(c.clock, out)
	own, err := AddressesOf(c.plan, spec.Name)
	if err != nil {
		return nil, err
	}
	if err := checkForwarding(c.node().Role == scenarios.RoleGateway); err != nil {
		return nil, err
	}
	if c.addresses, err = Settle(spec.Networks, own, c.log); err != nil {
		return nil, err
	}
	c.setMembers(nil)
	return c, c.distance()
}

// distance puts in force what the plan says of its links for as long as it runs and what no real link here is like.
func (c *container) distance() error {
	n := c.plan.Topology.Network
	if n.Distance.Max > 0 && c.node().Role == scenarios.RoleController {
		far := Fault{ID: idDistance, Out: true, Delay: n.Distance}
		for i := range c.plan.Topology.Controllers {
			far.Peers = append(far.Peers, scenarios.ControllerIP(i+1))
		}
		c.faults.Strike(far)
	}
	if n.Loss > 0 {
		everybody, err := peerAddresses(c.plan, Containers(c.plan), "")
		if err != nil {
			return err
		}
		c.faults.Strike(Fault{ID: idLoss, Out: true, Loss: n.Loss, Peers: everybody})
	}
	return nil
}

// Ids of faults that are none; those of a plan count from 1.
const (
	idDistance = -1
	idLoss     = -2
)

// node is the container's node in the plan, the zero Node for clients.
func (c *container) node() scenarios.Node {
	for _, n := range c.plan.Nodes() {
		if n.Name == c.spec.Name {
			return n
		}
	}
	return scenarios.Node{}
}

func (c *container) setMembers(members []netip.Addr) {
	if members == nil {
		for _, p := range install.FirstMembers(c.plan) {
			members = append(members, p.Address)
		}
	}
	c.members.Store(&members)
}

func (c *container) knownMembers() []netip.Addr { return *c.members.Load() }

// do carries out a command.
func (c *container) do(command Command) error {
	if command.Strike != nil {
		c.faults.Strike(*command.Strike)
	}
	if command.Mend != nil {
		c.faults.Mend(*command.Mend)
	}
	if command.Members != nil {
		c.setMembers(command.Members)
	}
	if command.Carried != nil && c.path != nil {
		c.path.traffic.tell(*command.Carried, c.emit)
	}
	return nil
}

func (c *container) emit(e model.Event) { c.record.Node(c.spec.Name, e) }

// begin starts the parts of the container's role.
func (c *container) begin(ctx context.Context) error {
	n := c.node()
	build := "" // told after a restart with another one
	if n.Role == scenarios.RoleController || n.Role == scenarios.RoleEngine {
		if data, err := os.ReadFile(c.buildFile()); err == nil {
			build = strings.TrimSpace(string(data))
		}
	}
	c.emit(model.Event{Kind: model.EventStarted, Unit: build})
	switch {
	case n.Role == scenarios.RoleController:
		return c.beginController(ctx, n)
	case n.Role == scenarios.RoleEngine:
		return c.beginEngine(ctx, n)
	case n.Role == scenarios.RoleServer:
		return c.beginServer(ctx, n)
	case c.spec.Name == ClientAPI:
		return c.beginOperators(ctx)
	case c.spec.Name == ClientOutside:
		c.beginWatches(ctx, 0)
	case c.spec.Name == ClientNearby:
		c.beginWatches(ctx, 1)
		for _, l := range longFlows(c.plan, ClientNearby, c.clock, c.record) {
			c.part(func() { l.run(ctx) })
		}
	}
	c.part(func() { <-ctx.Done() }) // the gateway's work is its kernel's
	return nil
}

func (c *container) part(run func()) {
	c.parts.Go(func() error {
		run()
		return nil
	})
}

func (c *container) openDisk() (model.Disk, error) {
	d, err := disk.Open(filepath.Join(c.dir, filepath.Base(DiskDir)))
	if err != nil {
		return nil, err
	}
	return slowDisk{d, c.faults}, nil // whose files the end of the process closes
}

func (c *container) beginController(ctx context.Context, n scenarios.Node) error {
	d, err := c.openDisk()
	if err != nil {
		return err
	}
	cfg := install.Controller(c.plan, c.timers, n, c.spec.Replaced)
	if cfg.Version, cfg.Images, err = c.builds(); err != nil {
		return err
	}
	var r *Runtime
	api := newREST(c.spec.Token, func(from netip.Addr, msg []byte) { r.Receive(from, msg) })
	p := process{
		name: n.Name, node: controller.New(cfg),
		disk: d, listen: []netip.Addr{{}}, source: c.addresses.source, api: api, addresses: c.addresses,
	}
	if r, err = c.start(ctx, p); err != nil {
		return err
	}
	c.parts.Go(func() error {
		return api.serve(ctx, netip.AddrPortFrom(netip.IPv4Unspecified(), RESTPort), c.identity, c.log)
	})
	return nil
}

func (c *container) beginEngine(ctx context.Context, n scenarios.Node) error {
	d, err := c.openDisk()
	if err != nil {
		return err
	}
	if c.path, err = NewDataPath(n.Name, scenarios.EngineDataIP(n.Number), GivePort, c.log); err != nil {
		return err
	}
	c.part(func() {
		<-ctx.Done()
		c.path.traffic.tell("", c.emit)
		c.path.Close()
	})
	cfg := install.Engine(c.timers, n, c.knownMembers())
	if cfg.Version, cfg.Images, err = c.builds(); err != nil {
		return err
	}
	_, err = c.start(ctx, process{
		name: n.Name, node: engine.New(cfg),
		disk: d, listen: n.Addresses(), source: c.addresses.source, path: c.path, addresses: c.addresses,
	})
	return err
}

func (c *container) beginServer(ctx context.Context, n scenarios.Node) error {
	ip := scenarios.ServerIP(n.Number)
	var at []netip.AddrPort
	for _, port := range serverPorts(c.plan, ip) {
		at = append(at, netip.AddrPortFrom(ip, port))
	}
	c.parts.Go(func() error { return serveBackend(ctx, n.Name, at, c.log) })
	return nil
}

// beginWatches watches every other service, from the first or from the second on.
func (c *container) beginWatches(ctx context.Context, from int) {
	pace, watched := clients.NewPace(c.plan.Workload.Probes), 0
	for i, vs := range c.plan.Config.Services {
		if i%2 != from {
			continue
		}
		w := &watch{
			client: c.spec.Name, service: vs.Name, address: netip.AddrPortFrom(vs.VIP, vs.Port), first: pace.First(watched),
			probes: c.plan.Workload.Probes, clock: c.clock, record: c.record,
		}
		watched++
		c.part(func() { w.run(ctx) })
	}
}

// beginOperators runs the client that watches the API, and all who operate it, each with an address of its own.
func (c *container) beginOperators(ctx context.Context) error {
	watcher := &apiWatch{client: ClientAPI, probes: c.plan.Workload.Probes, members: c.knownMembers, clock: c.clock, record: c.record}
	if _, err := c.startClient(ctx, ClientAPI, watcher, scenarios.APIClientIP(1)); err != nil {
		return err
	}
	operators, err := clients.NewOperators(c.plan, c.timers, c.knownMembers, c.record.Record)
	if err != nil {
		return err
	}
	runtimes := make(map[*clients.Operator]*Runtime)
	for i, o := range operators.All {
		c.record.Node(o.Name, model.Event{Kind: model.EventStarted})
		if runtimes[o], err = c.startClient(ctx, o.Name, o.Node, operatorIP(i)); err != nil {
			return err
		}
	}
	c.part(func() {
		for _, call := range operators.Calls {
			if sleep(ctx, call.At-c.clock.Run()) != nil {
				return
			}
			runtimes[call.Operator].Do(call.Do)
		}
	})
	return nil
}

func (c *container) startClient(ctx context.Context, name string, node model.Node, at netip.Addr) (*Runtime, error) {
	return c.start(ctx, process{
		name: name, node: node, listen: []netip.Addr{at}, source: func(netip.Addr) netip.Addr { return at },
	})
}

// process is a node of the model with what it runs on.
type process struct {
	name      string
	node      model.Node
	disk      model.Disk
	listen    []netip.Addr // where other nodes reach it; the invalid address: wherever it is
	source    func(to netip.Addr) netip.Addr
	addresses *Addresses
	path      *DataPath
	api       *rest
}

// start runs a node until the context ends.
func (c *container) start(ctx context.Context, p process) (*Runtime, error) {
	var r *Runtime
	t := NewTransport(c.identity, Port, p.source, c.faults, func(from netip.Addr, msg []byte) { r.Receive(from, msg) })
	send := t.Send
	if p.api != nil {
		send = func(to netip.Addr, msg []byte) {
			if to == restCaller {
				p.api.answered(msg)
				return
			}
			t.Send(to, msg)
		}
	}
	r = NewRuntime(p.node, Settings{
		Name: p.name, Clock: c.clock, Record: c.record, Faults: c.faults, Send: send,
		Disk: p.disk, Addresses: p.addresses, DataPath: p.path, Restart: c.restart,
	})
	for _, at := range p.listen {
		if err := t.Listen(at); err != nil {
			r.stop()
			t.Close()
			return nil, err
		}
	}
	c.part(func() {
		r.Run(ctx)
		t.Close()
	})
	return r, nil
}
