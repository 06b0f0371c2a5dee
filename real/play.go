package real

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/real/node"
	"firedrill/scenarios"
)

// Options are for those who want to look on.
type Options struct {
	// Progress, if set, is told while containers start how many of how many are up.
	Progress func(up, of int)
}

// run is a plan that is being played.
type run struct {
	plan       *scenarios.Scenario
	cluster    *cluster
	hypervisor *hypervisor // nil: the plan has no cloud
	ctx        context.Context
	fail       context.CancelCauseFunc
	began      int64 // time zero on [monotonic]

	forgetful bool // nobody will ask what happened

	mu        sync.Mutex
	all       node.Spec // what all containers are told
	authority *authority
	issued    int
	byName    map[string]*machine
	roles     *scenarios.Roles
	holders   holders
	strangers int
	made      []scenarios.Node // by the cloud
	known     []netip.Addr     // who the members of the cluster are, as clients have been told
	events    []history.Event
	orders    map[int][]order // in force, by the plan's fault step
}

// Play plays a plan on containers, for as long as it lasts. It fails with an [Unavailable] before anything is started where
// this world cannot do what the plan asks for, and with another error where a container broke. Several plans can be
// played at the same time.
func (d *Docker) Play(ctx context.Context, plan *scenarios.Scenario, seed uint64, opt Options) (h *history.History, err error) {
	if err := Playable(plan); err != nil {
		return nil, err
	}
	c, err := d.newCluster(ctx, append(plan.Nodes(), clientNodes...), false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.remove()) }()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	r := newRun(ctx, plan, c, fail)
	defer func() { r.hypervisor.close() }()
	if err := r.install(node.Spec{Seed: seed}); err != nil {
		return nil, err
	}
	if err := r.boot(ctx, opt.Progress); err != nil {
		return nil, r.cause(ctx, err)
	}
	if err := r.live(ctx); err != nil {
		return nil, r.cause(ctx, err)
	}
	events, err := r.finish(ctx)
	if err != nil {
		return nil, r.cause(ctx, err)
	}
	h = &history.History{Header: scenarios.Header(plan, scenarios.WorldReal, seed, clientNodes), Events: events}
	for _, n := range r.made {
		h.Header.Nodes = append(h.Header.Nodes, history.Node{Name: n.Name, Role: n.Role, Group: n.Group, Host: n.Host})
	}
	return h, readable(h)
}

// cause is why the run broke: what broke first, rather than what was cut short by that.
func (r *run) cause(ctx context.Context, err error) error {
	if first := context.Cause(ctx); first != nil {
		return first
	}
	return err
}

// readable holds a history against the format: a container's record is input like any other.
func readable(h *history.History) error {
	var text bytes.Buffer
	if err := history.Write(&text, h); err != nil {
		return err
	}
	_, err := history.Read("the record of the run", &text)
	return err
}

// clientNodes are the containers with clients, each on a host of its own.
var clientNodes = []scenarios.Node{clientNode(node.ClientOutside), clientNode(node.ClientNearby), clientNode(node.ClientAPI)}

func clientNode(name string) scenarios.Node {
	return scenarios.Node{Name: name, Role: scenarios.RoleClient, Host: "host-" + name}
}

func newRun(ctx context.Context, plan *scenarios.Scenario, c *cluster, fail context.CancelCauseFunc) *run {
	c.smallDisks = slices.ContainsFunc(plan.Faults, func(f scenarios.Fault) bool { return f.Fault == diskFull })
	r := &run{
		plan: plan, cluster: c, ctx: ctx, fail: fail, byName: make(map[string]*machine), orders: make(map[int][]order),
		roles: scenarios.NewRoles(plan), holders: make(holders),
	}
	r.known = r.members()
	return r
}

// install says what each container is told, beyond what all are.
func (r *run) install(all node.Spec) error {
	text, err := scenarios.Marshal(r.plan)
	if err != nil {
		return err
	}
	if r.authority, err = newAuthority(); err != nil {
		return err
	}
	r.all = all
	r.all.Plan, r.all.Authority = string(text), r.authority.pem
	if r.plan.Topology.Cloud != nil {
		r.hypervisor = newHypervisor(r.plan, all.Seed, r)
	}
	for _, n := range append(r.plan.Nodes(), clientNodes...) {
		spec, err := r.specOf(n.Name)
		if err != nil {
			return err
		}
		addresses, err := node.AddressesOf(r.plan, n.Name)
		if err != nil {
			return err
		}
		m := r.cluster.newMachine(n, plugged(n), addresses, spec)
		r.cluster.machines = append(r.cluster.machines, m)
		r.byName[n.Name] = m
	}
	return nil
}

// specOf is what a container is told of itself.
func (r *run) specOf(name string) (node.Spec, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	spec := r.all
	r.issued++
	var err error
	spec.Certificate, spec.Key, err = r.authority.issue(name, r.issued+1) // 1 is the authority's own
	return spec, err
}

// untilBegin is how long before time zero everybody is told of it.
const untilBegin = 200 * time.Millisecond

// boot starts all containers and lets time begin once they are up.
func (r *run) boot(ctx context.Context, progress func(up, of int)) error {
	r.cluster.docker.starting.Lock()
	defer r.cluster.docker.starting.Unlock()
	up := 0
	all := r.cluster.machines
	err := inParallel(all, func(m *machine) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		err := m.create(ctx)
		if err == nil {
			err = r.start(ctx, m)
		}
		if err == nil && progress != nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			up++
			progress(up, len(all))
		}
		return err
	})
	if err != nil {
		return err
	}
	r.began = monotonic() + int64(untilBegin)
	for _, m := range all {
		if err := m.tell(node.Message{Epoch: r.began}); err != nil {
			return err
		}
	}
	return nil
}

// start starts a container, follows what its nodes say of themselves, and notices when it ends by itself.
func (r *run) start(ctx context.Context, m *machine) error {
	m.spec.Members = r.members()
	var due []order
	m.spec.Faults, due = r.due(m)
	if err := m.start(ctx, func(v *voice, line []byte) { r.hear(m, v, line) }); err != nil {
		return err
	}
	go func(v *voice) {
		<-v.fell
		if ctx.Err() == nil && m.speaksBy(v) {
			r.fail(fmt.Errorf("%s ended by itself:\n%s", m.Name, cmp.Or(v.said.String(), "it said nothing")))
		}
	}(m.voice.Load())
	if r.began == 0 {
		return nil
	}
	if err := m.tell(node.Message{Epoch: r.began}); err != nil {
		return err
	}
	for _, o := range due { // which it forgot or never got
		if _, err := m.obey(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// hear takes a line of a container's record as it is written.
func (r *run) hear(m *machine, v *voice, line []byte) {
	call, calls, err := node.ParseCall(line)
	var e history.Event
	if !calls {
		err = json.Unmarshal(line, &e)
	}
	switch {
	case err != nil:
		r.fail(fmt.Errorf("%s has recorded what is no event, %q: %w", m.Name, line[:min(len(line), 200)], err))
	case calls && m.Role != scenarios.RoleCloud:
		r.fail(fmt.Errorf("%s calls a hypervisor, and is no cloud's management: %q", m.Name, line[:min(len(line), 200)]))
	case calls:
		r.hypervisor.called(v, call)
	case e.Time < 0:
		r.fail(fmt.Errorf("%s has recorded something %d ns before the run began: its clock is not this machine's", m.Name, -e.Time))
	default:
		r.record(e)
		r.answer(&e)
	}
}

// now is the time of the run.
func (r *run) now() int64 { return monotonic() - r.began }

// record adds an event to the history, whose order is made at the end.
func (r *run) record(e history.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.forgetful {
		r.events = append(r.events, e)
	}
	if e.Type == history.NodeEv {
		r.roles.Follow(&e)
		r.holders.follow(&e)
	}
}

// until waits for a time of the run; false if the run breaks or ends before.
func (r *run) until(ctx context.Context, at int64) bool {
	wait := time.NewTimer(time.Duration(at - r.now()))
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wait.C:
		return true
	}
}

// live lets the plan happen.
func (r *run) live(ctx context.Context) error {
	lasting, end := context.WithCancel(ctx)
	defer end()
	var faults sync.WaitGroup
	for i := range r.plan.Faults {
		faults.Go(func() {
			if err := r.playFault(ctx, lasting, i+1, &r.plan.Faults[i]); err != nil {
				r.fail(err)
			}
		})
	}
	r.until(ctx, int64(r.plan.Duration))
	end()
	faults.Wait()
	return ctx.Err()
}

// finish ends all containers, gently, so that they tell what they have carried, and puts what was recorded in order. What
// happened meanwhile counts for nothing but that last word.
func (r *run) finish(ctx context.Context) ([]history.Event, error) {
	r.hypervisor.close()
	if err := inParallel(r.machines(), func(m *machine) error { return m.retire(ctx) }); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	end := int64(r.plan.Duration)
	all := slices.DeleteFunc(r.events, func(e history.Event) bool { return e.Time > end && e.Event != string(model.EventCarried) })
	slices.SortStableFunc(all, func(a, b history.Event) int { return cmp.Compare(a.Time, b.Time) })
	if n := len(all); n > 0 {
		end = max(end, all[n-1].Time)
	}
	return append(all, history.Event{Time: end, Type: history.End}), nil
}
