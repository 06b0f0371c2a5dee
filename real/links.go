package real

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"firedrill/scenarios"
)

// order is a fault that the program inside a container plays, as arguments of `firedrill node`.
type order struct {
	machine *machine
	args    []string
}

// strikePartition cuts links both ways. What a single machine hears and says can be cut in that machine alone, if everybody is
// at the other end; else every receiver turns a deaf ear to the senders, which a machine that is made later does not.
func strikePartition(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	if b.alone() {
		return r.give(ctx, b, b.cuts(b.targets, nil, "--in", "--out"))
	}
	return r.give(ctx, b, append(b.cuts(b.targets, b.others, "--in"), b.cuts(b.others, b.targets, "--in")...))
}

// strikePartitionOneWay cuts what the targets send.
func strikePartitionOneWay(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	if b.alone() {
		return r.give(ctx, b, b.cuts(b.targets, nil, "--out"))
	}
	return r.give(ctx, b, b.cuts(b.others, b.targets, "--in"))
}

// strikeLoss loses a share of the frames, each way.
func strikeLoss(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	return r.give(ctx, b, b.cuts(b.targets, b.others, "--in", "--out", "--loss", b.Loss.String()))
}

// strikeSwitchFailure cuts the targets off from everybody, each other too.
func strikeSwitchFailure(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	return r.give(ctx, b, b.cuts(b.targets, nil, "--in", "--out"))
}

// strikeDelay makes messages take longer, each way.
func strikeDelay(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	return r.late(ctx, b, b.Delay)
}

// strikeJitter makes each message take longer by a time of its own.
func strikeJitter(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	return r.late(ctx, b, scenarios.Span{Max: b.Delay.Max})
}

func (r *run) late(ctx context.Context, b *blow, by scenarios.Span) (int64, heal, error) {
	var orders []order
	for _, o := range b.links(b.targets, b.others) {
		orders = append(orders, b.order(o.machine, "fault", append(o.args, "--in", "--out", "--delay", by.String())...))
	}
	return r.give(ctx, b, orders)
}

// inside is a fault that strikes the processes of the targets' nodes.
func inside(args func(*scenarios.Fault) []string) strike {
	return func(ctx context.Context, r *run, b *blow) (int64, heal, error) {
		var orders []order
		for _, m := range b.targets {
			if m.Role == scenarios.RoleController || m.Role == scenarios.RoleEngine || m.Role == scenarios.RoleCloud {
				orders = append(orders, b.order(m, "fault", args(b.Fault)...))
			}
		}
		return r.give(ctx, b, orders)
	}
}

// alone tells whether one machine is struck and everybody is at the other end.
func (b *blow) alone() bool { return len(b.targets) == 1 && b.To == "" }

func (b *blow) order(m *machine, what string, args ...string) order {
	return order{m, append([]string{what, "--id", strconv.Itoa(b.step)}, args...)}
}

// cuts are orders to those at one end of the links; others nil: everybody is at the other end.
func (b *blow) cuts(at, others []*machine, how ...string) []order {
	var out []order
	for _, o := range b.links(at, others) {
		out = append(out, b.order(o.machine, "cut", append(o.args, how...)...))
	}
	return out
}

// links name for each machine the addresses at the other ends of the links that it has to others, who are none if they share
// no network, and everybody if nil.
func (b *blow) links(at, others []*machine) []order {
	var out []order
	for _, m := range at {
		args := []string{}
		if b.Network != "" {
			args = append(args, "--network", b.Network)
		}
		if others != nil {
			peers := b.peers(m, others)
			if len(peers) == 0 {
				continue
			}
			args = append(args, "--peers", strings.Join(peers, ","))
		}
		if others != nil || b.Network == "" || slices.Contains(plugged(m.Node), b.Network) {
			out = append(out, order{m, args})
		}
	}
	return out
}

// peers are the addresses of those who share a network with a machine.
func (b *blow) peers(m *machine, others []*machine) []string {
	var out []string
	for _, o := range others {
		if o != m && m.shares(o, b.Network) {
			for _, ip := range o.addresses {
				out = append(out, ip.String())
			}
		}
	}
	return out
}

// shares tells whether two machines are on one network, of that name if there is one.
func (m *machine) shares(o *machine, network string) bool {
	for _, a := range plugged(m.Node) {
		for _, b := range plugged(o.Node) {
			if a == b && (network == "" || a == network) {
				return true
			}
		}
	}
	return false
}

// give gives orders to all at the same time, and returns when the first was carried out, and what calls them off. A machine
// that is down gets its orders when it comes up.
func (r *run) give(ctx context.Context, b *blow, orders []order) (int64, heal, error) {
	r.mu.Lock()
	r.orders[b.step] = orders
	r.mu.Unlock()
	at, err := r.carryOut(ctx, orders)
	return at, func(ctx context.Context) (int64, error) {
		r.mu.Lock()
		delete(r.orders, b.step)
		r.mu.Unlock()
		var mend []order
		for _, o := range orders {
			mend = append(mend, b.order(o.machine, "mend"))
		}
		return r.carryOut(ctx, mend)
	}, err
}

// carryOut gives orders and returns when the first took effect, which those who carry them out tell.
func (r *run) carryOut(ctx context.Context, orders []order) (int64, error) {
	var mu sync.Mutex
	first := int64(-1)
	err := inParallel(orders, func(o order) error {
		o.machine.mu.Lock()
		defer o.machine.mu.Unlock()
		if !o.machine.up {
			return nil
		}
		said, err := o.machine.command(ctx, o.args...)
		if err != nil {
			return err
		}
		at, err := strconv.ParseInt(strings.TrimSpace(said), 10, 64)
		if err != nil {
			return fmt.Errorf("`node %s` in the container of %s says %q, and not when", strings.Join(o.args, " "), o.machine.Name, said)
		}
		mu.Lock()
		defer mu.Unlock()
		if at -= r.began; first < 0 || at < first {
			first = at
		}
		return nil
	})
	if first < 0 {
		first = r.now()
	}
	return first, err
}

// catchUp gives a machine that has come up the orders that are in force, which it forgot or never got.
func (r *run) catchUp(ctx context.Context, m *machine) error {
	r.mu.Lock()
	var due []order
	for _, orders := range r.orders {
		for _, o := range orders {
			if o.machine == m {
				due = append(due, o)
			}
		}
	}
	r.mu.Unlock()
	for _, o := range due {
		if err := m.obey(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// settling is how long a container that was started may take to lay out its networks.
const settling = 2 * time.Second

// obey gives an order to a machine that is starting, again and again until it can follow it.
func (m *machine) obey(ctx context.Context, o order) error {
	ctx, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	for {
		_, err := m.command(ctx, o.args...)
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
}
