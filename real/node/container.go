package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"firedrill/model"
	"firedrill/model/cloud"
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
	spec       *Spec
	dir        string // with its files
	plan       *scenarios.Scenario
	timers     config.Timers
	log        *slog.Logger
	clock      *Clock
	record     *Recorder
	faults     *Faults
	ballast    ballast
	disk       func() (*faultyDisk, error) // opens it when it is first asked for
	identity   *Identity
	addresses  *Addresses
	path       atomic.Pointer[DataPath] // of an engine
	hypervisor *hypervisor              // that a cloud's management calls
	members    atomic.Pointer[[]netip.Addr]
	parts      *errgroup.Group

	mu   sync.Mutex
	kept Spec // what a process that begins in the place of this one is told
}

// Start says how a container's process begins.
type Start struct {
	Spec  string        // the file that says who this is; the container's other files lie beside it
	After time.Duration // it is away so long before it begins, as what a supervisor has just restarted
}

// Run plays the part that a spec gives to this container, until the context ends. From in comes what it is told, a line a
// [Message]; the record goes to out, a line an event, and what people may want to know to problems.
func Run(ctx context.Context, s Start, in *bufio.Reader, out, problems io.Writer) error {
	c, err := newContainer(s.Spec, out, problems)
	if err != nil {
		return err
	}
	go c.listen(in) // which ends with whoever tells
	if c.addresses != nil {
		defer c.addresses.Close()
	}
	var inner context.Context
	c.parts, inner = errgroup.WithContext(ctx)
	c.parts.Go(func() error { return control(inner, c.file(ControlSocket), c.do) })
	c.parts.Go(func() error {
		if err := c.untilItsTurn(inner, s.After); err != nil {
			return ignoreEnd(ctx, err)
		}
		return ignoreEnd(ctx, c.begin(inner))
	})
	if err := c.parts.Wait(); err != nil {
		return fmt.Errorf("%s: %w", c.spec.Name, err)
	}
	return c.record.Err()
}

// untilItsTurn waits until the run has begun and whatever begins now begins in this container.
func (c *container) untilItsTurn(ctx context.Context, after time.Duration) error {
	if err := c.clock.Await(ctx, c.file(EpochFile)); err != nil {
		return err
	}
	if c.clock.Run() < install.BootWithin { // else this is another start
		after += rand.N(install.BootWithin)
	}
	return sleep(ctx, after)
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
	c := &container{spec: spec, kept: *spec, dir: filepath.Dir(specPath), faults: new(Faults)}
	c.ballast.disk = c.file(DiskDir)
	c.disk = sync.OnceValues(c.openDisk) // whose files the end of the process closes
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
	own, err := spec.addresses(c.plan)
	if err != nil {
		return nil, err
	}
	if err := checkForwarding(c.node().Role == scenarios.RoleGateway); err != nil {
		return nil, err
	}
	settle := Settle
	if spec.Claims != nil {
		settle = settleAsStranger
	}
	if c.addresses, err = settle(spec.Networks, own, c.log); err != nil {
		return nil, err
	}
	c.members.Store(&spec.Members)
	c.hypervisor = newHypervisor(uint64(c.clock.Now()), c.record.Say)
	c.distance()
	for _, f := range spec.Faults {
		c.faults.Strike(f)
	}
	return c, c.obeyFaults()
}

// distance puts in force what the plan says of its links for as long as it runs and what no real link here is like.
func (c *container) distance() {
	n := c.plan.Topology.Network
	if n.Distance.Max > 0 && c.node().Role == scenarios.RoleController {
		far := Fault{ID: idDistance, Out: true, Delay: n.Distance}
		for i := range c.plan.Topology.Controllers {
			far.Peers = append(far.Peers, scenarios.ControllerIP(i+1))
		}
		c.faults.Strike(far)
	}
	if n.Loss > 0 {
		c.faults.Strike(Fault{ID: idLoss, Out: true, Loss: n.Loss})
	}
}

// Ids of faults that are none; those of a plan count from 1.
const (
	idDistance = -1
	idLoss     = -2
)

func (c *container) node() scenarios.Node { return c.spec.node(c.plan) }

// setMembers takes up who the members of the cluster are, for good.
func (c *container) setMembers(members []netip.Addr) error {
	c.members.Store(&members)
	return c.keep(func(s *Spec) { s.Members = members })
}

// keep changes what a process that begins in the place of this one is told.
func (c *container) keep(change func(*Spec)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.kept)
	return c.kept.write(c.file(SpecFile))
}

func (c *container) knownMembers() []netip.Addr {
	members := *c.members.Load()
	if len(members) > 0 {
		return members
	}
	for _, p := range install.FirstMembers(c.plan) {
		members = append(members, p.Address)
	}
	return members
}

// do carries out a command.
func (c *container) do(command Command) error {
	if command.Rot {
		d, err := c.disk()
		if err != nil {
			return err
		}
		return d.rot()
	}
	if command.Strike != nil {
		c.faults.Strike(*command.Strike)
	}
	if command.Mend != nil {
		c.faults.Mend(*command.Mend)
	}
	return errors.Join(c.obeyFaults(), c.keep(func(s *Spec) { s.Faults = c.faults.planned() }))
}

// obeyFaults brings about what faults want of the disk's room and of the kernel. The others are asked when it matters.
func (c *container) obeyFaults() error {
	full := c.ballast.settle(c.faults.any(func(f *Fault) bool { return f.Full }))
	return errors.Join(full, c.addresses.hearGratuitousARP(func(network string) bool {
		return c.faults.any(func(f *Fault) bool { return f.Deaf && (f.Network == "" || f.Network == network) })
	}))
}

func (c *container) emit(e model.Event) { c.record.Node(c.spec.Name, e) }

// begin starts the parts of the container's role.
func (c *container) begin(ctx context.Context) error {
	if c.spec.Claims != nil {
		c.beginStranger(ctx)
		return nil
	}
	n := c.node()
	c.emit(model.Event{Kind: model.EventStarted, Unit: c.told()})
	switch {
	case n.Role == scenarios.RoleCloud:
		return c.beginCloud(ctx, n)
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

// told is the build that this process was started with, if somebody has said so.
func (c *container) told() string {
	if data, err := os.ReadFile(c.file(BuildFile)); err == nil {
		return strings.TrimSpace(string(data))
	}
	if c.spec.Made != nil {
		return c.spec.Made.Image
	}
	return ""
}

func (c *container) part(run func()) {
	c.parts.Go(func() error {
		run()
		return nil
	})
}

func (c *container) openDisk() (*faultyDisk, error) {
	d, err := disk.Open(c.file(DiskDir))
	if err != nil {
		return nil, err
	}
	return newFaultyDisk(d, c.faults)
}

func (c *container) beginController(ctx context.Context, n scenarios.Node) error {
	d, err := c.disk()
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
	d, err := c.disk()
	if err != nil {
		return err
	}
	path := NewDataPath(n.Name, scenarios.EngineDataIP(n.Number), c.log)
	if err := path.share(); err != nil {
		c.log.Error("this engine shares no flows with others", "error", err)
	}
	c.path.Store(path)
	c.part(func() {
		<-ctx.Done()
		path.traffic.tell("", c.emit)
		path.Close()
	})
	cfg := install.Engine(c.timers, n, c.knownMembers())
	if made := c.spec.Made; made != nil {
		cfg.Controllers, cfg.Cluster, cfg.Cloud = made.Controllers, made.Cluster, made.Cloud
	}
	if cfg.Version, cfg.Images, err = c.builds(); err != nil {
		return err
	}
	_, err = c.start(ctx, process{
		name: n.Name, node: engine.New(cfg),
		disk: d, listen: n.Addresses(), source: c.addresses.source, path: path, addresses: c.addresses,
	})
	return err
}

// beginCloud runs the management of a cloud, whose hypervisor is outside of this container.
func (c *container) beginCloud(ctx context.Context, n scenarios.Node) error {
	d, err := c.disk()
	if err != nil {
		return err
	}
	_, images, err := c.builds()
	if err != nil {
		return err
	}
	if err := c.hypervisor.await(ctx); err != nil {
		return err
	}
	_, err = c.start(ctx, process{
		name: n.Name, node: cloud.New(install.Cloud(c.plan, n, images), c.hypervisor),
		disk: d, listen: n.Addresses(), source: c.addresses.source, addresses: c.addresses,
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
