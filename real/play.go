package real

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"firedrill/checker/history"
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
	plan    *scenarios.Scenario
	cluster *cluster
	byName  map[string]*machine
	began   int64 // time zero on [monotonic]
	fail    context.CancelCauseFunc

	mu       sync.Mutex
	roles    *scenarios.Roles
	journal  []history.Event // what containers cannot record themselves
	finished bool            // containers may end now
}

// Play plays a plan on containers, for as long as it lasts. It fails with an [Unavailable] before anything is started where
// this world cannot do what the plan asks for, and with another error where a container broke. Several plans can be
// played at the same time.
func (d *Docker) Play(ctx context.Context, plan *scenarios.Scenario, seed uint64, opt Options) (h *history.History, err error) {
	if err := Playable(plan); err != nil {
		return nil, err
	}
	c, err := d.newCluster(ctx, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.remove()) }()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	r := &run{plan: plan, cluster: c, byName: make(map[string]*machine), fail: fail, roles: scenarios.NewRoles(plan)}
	if err := r.install(seed); err != nil {
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

// install says what each container is told.
func (r *run) install(seed uint64) error {
	text, err := scenarios.Marshal(r.plan)
	if err != nil {
		return err
	}
	a, err := newAuthority()
	if err != nil {
		return err
	}
	for i, n := range append(r.plan.Nodes(), clientNodes...) {
		spec := node.Spec{Plan: string(text), Seed: seed, Authority: a.pem}
		if spec.Certificate, spec.Key, err = a.issue(n.Name, i+2); err != nil {
			return err
		}
		m, err := r.cluster.newMachine(n, spec)
		if err != nil {
			return err
		}
		r.cluster.machines = append(r.cluster.machines, m)
		r.byName[n.Name] = m
	}
	return nil
}

// timeToTell is how long it may take to tell one container when time is zero.
const timeToTell = 100 * time.Millisecond

// boot starts all containers and lets time begin once they are up.
func (r *run) boot(ctx context.Context, progress func(up, of int)) error {
	up := 0
	all := r.cluster.machines
	err := inParallel(all, func(m *machine) error {
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
	r.began = monotonic() + int64(len(all))*int64(timeToTell)
	return inParallel(all, func(m *machine) error { return r.tellEpoch(ctx, m) })
}

func (r *run) tellEpoch(ctx context.Context, m *machine) error {
	err := m.container.CopyToContainer(ctx, strconv.AppendInt(nil, r.began, 10), node.EpochFile, 0o444)
	if err != nil {
		return fmt.Errorf("telling %s when the run begins: %w", m.Name, err)
	}
	return nil
}

// start starts a container and follows what its nodes say of themselves.
func (r *run) start(ctx context.Context, m *machine) error {
	since := time.Now()
	if err := m.start(ctx); err != nil {
		return err
	}
	go func() {
		err := m.follow(ctx, since, r.follow)
		if ctx.Err() == nil && r.unexpected(m) {
			r.fail(m.obituary(ctx, err))
		}
	}()
	return nil
}

// unexpected tells whether it is news that a container has ended.
func (r *run) unexpected(m *machine) bool {
	r.mu.Lock()
	over := r.finished
	r.mu.Unlock()
	return !over && m.lives()
}

// follow takes a line of a container's record as it is written.
func (r *run) follow(line []byte) {
	e, err := parseEvent(line)
	if err != nil || e.Type != history.NodeEv {
		return // what is wrong with it is told when all records are put together
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.roles.Follow(e)
}

// now is the time of the run.
func (r *run) now() int64 { return monotonic() - r.began }

// record adds an event to what the containers record.
func (r *run) record(e history.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.journal = append(r.journal, e)
	if e.Type == history.NodeEv {
		r.roles.Follow(&e)
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

// finish ends all containers, gently, so that they tell what they have carried, and puts their records in order.
func (r *run) finish(ctx context.Context) ([]history.Event, error) {
	r.mu.Lock()
	r.finished = true
	r.mu.Unlock()
	records := make([][]history.Event, len(r.cluster.machines))
	numbers := make([]int, len(records))
	for i := range numbers {
		numbers[i] = i
	}
	err := inParallel(numbers, func(i int) (err error) {
		m := r.cluster.machines[i]
		if err := m.retire(ctx); err != nil {
			return err
		}
		records[i], err = m.record(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r.merge(records), nil
}

// merge puts all records in the order of the one clock. What happened while the run was being ended counts for nothing but
// the last word on what data paths have carried.
func (r *run) merge(records [][]history.Event) []history.Event {
	end := int64(r.plan.Duration)
	all := r.journal
	for _, record := range records {
		all = append(all, record...)
	}
	all = slices.DeleteFunc(all, func(e history.Event) bool { return e.Time > end && e.Event != eventCarried })
	slices.SortStableFunc(all, func(a, b history.Event) int { return int(max(-1, min(1, a.Time-b.Time))) })
	if n := len(all); n > 0 {
		end = max(end, all[n-1].Time)
	}
	return append(all, history.Event{Time: end, Type: history.End})
}

// obituary says how a container ended that should have lived.
func (m *machine) obituary(ctx context.Context, following error) error {
	if following != nil {
		return fmt.Errorf("following the record of %s: %w", m.Name, following)
	}
	_, said, err := m.logs(ctx)
	if err != nil {
		return fmt.Errorf("%s ended by itself, and its log cannot be read: %w", m.Name, err)
	}
	return fmt.Errorf("%s ended by itself:\n%s", m.Name, tail(said))
}

// tailLength is how much of what a container said last fits into an error.
const tailLength = 4000

func tail(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > tailLength {
		text = "..." + text[len(text)-tailLength:]
	}
	return text
}
