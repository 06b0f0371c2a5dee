package real

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"firedrill/real/node"
	"firedrill/scenarios"
)

// order is a fault that the program inside a container plays, as arguments of `firedrill node`.
type order struct {
	machine *machine
	args    []string
	rule    *node.Fault // of one that the process there plays by itself, which it can be told as it starts
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
	return r.give(ctx, b, b.cutsOneWay())
}

// strikeLossOneWay loses a share of what the targets send.
func strikeLossOneWay(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	return r.give(ctx, b, b.cutsOneWay("--loss", b.Loss.String()))
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
	return r.meddleWithMessages(ctx, b, node.Fault{Delay: b.Delay})
}

// strikeJitter makes each message take longer by a time of its own.
func strikeJitter(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	return r.meddleWithMessages(ctx, b, node.Fault{Delay: scenarios.Span{Max: b.Delay.Max}})
}

// strikeDuplication makes messages arrive twice.
func strikeDuplication(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	return r.meddleWithMessages(ctx, b, node.Fault{Twice: b.Share})
}

// meddleWithMessages has the targets do something to what they send to the others and hear of them.
func (r *run) meddleWithMessages(ctx context.Context, b *blow, rule node.Fault) (int64, heal, error) {
	rule.In, rule.Out, rule.Network = true, true, b.Network
	var orders []order
	for _, l := range b.links(b.targets, b.others) {
		rule.Peers = l.peers
		orders = append(orders, b.rule(l.machine, rule))
	}
	return r.give(ctx, b, orders)
}

// strikeStaleARP makes kernels deaf to gratuitous ARP.
func strikeStaleARP(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	var orders []order
	for _, m := range b.targets {
		orders = append(orders, b.rule(m, node.Fault{Deaf: true, Network: b.Network}))
	}
	return r.give(ctx, b, orders)
}

// inside is a fault that strikes the processes of the targets' nodes.
func inside(rule func(*scenarios.Fault) node.Fault) strike {
	return func(ctx context.Context, r *run, b *blow) (int64, heal, error) {
		var orders []order
		for _, m := range b.targets {
			if m.hasDisk() {
				orders = append(orders, b.rule(m, rule(b.Fault)))
			}
		}
		return r.give(ctx, b, orders)
	}
}

// strikeBitRot flips bits, which nothing takes back.
func strikeBitRot(ctx context.Context, r *run, b *blow) (int64, heal, error) {
	var orders []order
	for _, m := range b.targets {
		if m.hasDisk() {
			orders = append(orders, b.order(m, "rot"))
		}
	}
	at, err := r.carryOut(ctx, orders)
	return at, nil, err
}

// alone tells whether one machine is struck and everybody is at the other end.
func (b *blow) alone() bool { return len(b.targets) == 1 && b.To == "" }

func (b *blow) order(m *machine, what string, args ...string) order {
	return order{machine: m, args: append([]string{what, "--id", strconv.Itoa(b.step)}, args...)}
}

// rule is an order to the process in a container.
func (b *blow) rule(m *machine, rule node.Fault) order {
	rule.ID = b.step
	text, err := json.Marshal(rule)
	if err != nil {
		panic(err) // it is plain data
	}
	o := b.order(m, "fault", "--rule", string(text))
	o.rule = &rule
	return o
}

// cuts are orders to those at one end of the links; others nil: everybody is at the other end.
func (b *blow) cuts(at, others []*machine, how ...string) []order {
	var out []order
	for _, l := range b.links(at, others) {
		var args []string
		if b.Network != "" {
			args = append(args, "--network", b.Network)
		}
		if l.peers != nil {
			var peers []string
			for _, ip := range l.peers {
				peers = append(peers, ip.String())
			}
			args = append(args, "--peers", strings.Join(peers, ","))
		}
		out = append(out, b.order(l.machine, "cut", append(args, how...)...))
	}
	return out
}

// cutsOneWay are orders that concern what the targets send.
func (b *blow) cutsOneWay(how ...string) []order {
	if b.alone() {
		return b.cuts(b.targets, nil, append(how, "--out")...)
	}
	return b.cuts(b.others, b.targets, append(how, "--in")...)
}

// linked is a machine with the addresses at the other ends of its links; none: everybody.
type linked struct {
	machine *machine
	peers   []netip.Addr
}

// links name for each machine the addresses at the other ends of the links that it has to others, who are none if they share
// no network, and everybody if nil.
func (b *blow) links(at, others []*machine) []linked {
	var out []linked
	for _, m := range at {
		if others == nil {
			if b.Network == "" || slices.Contains(m.networks, b.Network) {
				out = append(out, linked{m, nil})
			}
		} else if peers := b.peers(m, others); len(peers) > 0 {
			out = append(out, linked{m, peers})
		}
	}
	return out
}

// peers are the addresses of those who share a network with a machine.
func (b *blow) peers(m *machine, others []*machine) []netip.Addr {
	var out []netip.Addr
	for _, o := range others {
		if o != m && m.shares(o, b.Network) {
			out = append(out, o.addresses...)
		}
	}
	return out
}

// shares tells whether two machines are on one network, of that name if there is one.
func (m *machine) shares(o *machine, network string) bool {
	for _, a := range m.networks {
		for _, b := range o.networks {
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

// carryOut gives orders and returns when the first took effect, which those who carry them out tell. A machine that is frozen
// gets them when it goes on.
func (r *run) carryOut(ctx context.Context, orders []order) (int64, error) {
	var mu sync.Mutex
	first := int64(-1)
	err := inParallel(orders, func(o order) error {
		o.machine.mu.Lock()
		defer o.machine.mu.Unlock()
		switch {
		case !o.machine.up:
			return nil
		case o.machine.paused > 0: // where nothing can be run
			o.machine.owed = append(o.machine.owed, o)
			return nil
		}
		said, err := o.machine.obey(ctx, o)
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

// due are the orders to a machine that are in force. Those that it can be told as it starts are split from the others.
func (r *run) due(m *machine) (rules []node.Fault, others []order) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, step := range slices.Sorted(maps.Keys(r.orders)) {
		for _, o := range r.orders[step] {
			switch {
			case o.machine != m:
			case o.rule != nil:
				rules = append(rules, *o.rule)
			default:
				others = append(others, o)
			}
		}
	}
	return rules, others
}

// settling is how long a container that was started may take to lay out its networks.
const settling = 2 * time.Second

// obey gives an order to a machine that may be starting, again and again until it can follow it, and returns what it says.
func (m *machine) obey(ctx context.Context, o order) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	for {
		said, err := m.command(ctx, o.args...)
		if err == nil || ctx.Err() != nil {
			return said, err
		}
	}
}
