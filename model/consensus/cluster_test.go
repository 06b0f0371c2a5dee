package consensus

import (
	crand "crypto/rand"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"firedrill/model/disktest"
)

// registers is a state machine of named values. A command is name=value; its result tells where it was applied.
type registers map[string]string

func (r registers) Apply(index uint64, command []byte) []byte {
	name, value, _ := strings.Cut(string(command), "=")
	r[name] = value
	return fmt.Appendf(nil, "%s@%d", command, index)
}

func (r registers) Snapshot() []byte {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(r)) {
		b = fmt.Appendf(b, "%s=%s\n", name, r[name])
	}
	return b
}

func (r registers) Restore(snapshot []byte) error {
	fresh := registers{}
	for line := range strings.Lines(string(snapshot)) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !ok {
			return errors.New("no registers")
		}
		fresh[name] = value
	}
	clear(r)
	maps.Copy(r, fresh)
	return nil
}

func (r registers) Hash() uint64 { return xxhash.Sum64(r.Snapshot()) }

// cluster is some replicas, at first three, and the network between them, which holds every message until it is delivered. It
// asserts at every step what raft promises: one leader in a term, one command at an index, each command once.
type cluster struct {
	testing   fataler
	members   []*member // by ID, from 1
	first     []Member  // whom the first of them began with
	queue     []envelope
	cut       map[link]bool
	leaders   map[uint64]uint64 // by term
	chain     map[uint64]Applied
	once      map[string]uint64 // index by client and sequence
	configs   configs
	acked     uint64 // the highest index of which a leader has told a client
	requests  uint64
	asked     map[uint64]asked // reads under way
	trace     strings.Builder
	snapshots uint64 // entries between them
}

// asked is a read: whom it was put to, and what was acknowledged by then, which it must see.
type asked struct{ by, least uint64 }

type fataler interface{ Fatalf(string, ...any) }

const clusterSize = 3

type member struct {
	id      uint64
	disk    *disktest.Strict
	machine registers
	replica *Replica // nil while down
	removed bool
	drift   uint64 // what it allows for
	address netip.Addr
	now     time.Duration // its clock, which runs when it ticks
	first   []Member      // whom it begins with
	reads   byte          // the newest format that its build knows
}

const tickInterval = time.Second

type link struct{ from, to uint64 }

type envelope struct {
	link
	address netip.Addr // where it is sent to, and where it comes from
	from    netip.Addr
	data    []byte
}

// addressOf is where a replica is unless it moves.
func addressOf(id uint64) netip.Addr { return netip.AddrFrom4([4]byte{198, 18, 0, byte(id)}) }

func memberOf(id uint64) Member {
	return Member{ID: id, Name: fmt.Sprintf("n%d", id), Address: addressOf(id)}
}

// newCluster starts three replicas. The jitter of their elections comes from the process-wide stream of
// crypto/rand, which is seeded here: no test of this package runs in parallel.
func newCluster(t fataler, snapshotEvery uint64) *cluster {
	return newClusterOf(t, clusterSize, snapshotEvery)
}

func newClusterOf(t fataler, size int, snapshotEvery uint64) *cluster {
	crand.Reader = rand.NewChaCha8([32]byte{1})
	c := &cluster{configs: configs{}, testing: t, cut: map[link]bool{}, leaders: map[uint64]uint64{}, chain: map[uint64]Applied{},
		once: map[string]uint64{}, asked: map[uint64]asked{}, snapshots: snapshotEvery}
	for id := range uint64(size) {
		c.first = append(c.first, memberOf(id+1))
	}
	for range c.first {
		c.boot(c.first)
	}
	return c
}

// boot starts one more replica on an empty disk.
func (c *cluster) boot(first []Member) *member {
	id := uint64(len(c.members) + 1)
	m := &member{id: id, disk: disktest.NewStrict(), address: addressOf(id), first: first}
	c.members = append(c.members, m)
	c.restart(id)
	return m
}

func (c *cluster) node(id uint64) *member { return c.members[id-1] }

func (c *cluster) restart(id uint64) {
	m := c.node(id)
	m.machine = registers{}
	cfg := m.config()
	cfg.SnapshotEvery, cfg.Sessions = c.snapshots, 4
	replica, err := Open(cfg, m.disk, m.machine)
	if err != nil {
		c.testing.Fatalf("%d: %v", id, err)
	}
	m.replica = replica
	c.ready(m)
}

func (m *member) config() Config {
	return Config{ID: m.id, Members: m.first, HeartbeatTicks: 1, ElectionTicks: 5,
		Now: func() time.Duration { return m.now }, TickInterval: tickInterval, DriftPPM: m.drift, Format: m.reads}
}

// crash ends a replica. Its disk is to be what the caller makes of it.
func (c *cluster) crash(id uint64) *disktest.Strict {
	m := c.node(id)
	m.replica = nil
	m.disk = m.disk.AfterKill()
	maps.DeleteFunc(c.asked, func(_ uint64, read asked) bool { return read.by == id })
	return m.disk
}

func (c *cluster) say(id uint64, format string, args ...any) {
	fmt.Fprintf(&c.trace, "%d: %s\n", id, fmt.Sprintf(format, args...))
}

// ready lets a replica do its work, and looks at what comes of it.
func (c *cluster) ready(m *member) {
	before := m.replica.Status()
	out, err := m.replica.Ready()
	if err != nil {
		c.testing.Fatalf("%d: %v", m.id, err)
	}
	for _, message := range out.Messages {
		c.queue = append(c.queue, envelope{link{m.id, message.To}, message.Address, m.address, message.Data})
	}
	now := m.replica.Status()
	if out.Changed {
		c.changed(m.id, before, now)
	}
	c.reconfigured(m)
	if out.MembersChanged {
		c.say(m.id, "members %s", describeMembers(m.replica.Members()))
	}
	if out.Removed && !m.removed {
		c.say(m.id, "is no member any more")
	}
	m.removed = out.Removed
	if out.Restored > 0 {
		c.say(m.id, "took over a snapshot at %d", out.Restored)
	}
	for _, a := range out.Applied {
		c.applied(m.id, a, now.Role == Leader)
	}
	for _, request := range out.Reads {
		c.answered(m, request)
	}
	for _, request := range out.Lost {
		c.say(m.id, "read %d is lost", request)
		delete(c.asked, request)
	}
}

func (c *cluster) changed(id uint64, before, now Status) {
	if now.Role == Leader {
		if other := c.leaders[now.Term]; other != 0 && other != id {
			c.testing.Fatalf("%d and %d lead in term %d", other, id, now.Term)
		}
		c.leaders[now.Term] = id
	}
	c.say(id, "%s", describeStatus(now))
	if now.Term < before.Term {
		c.testing.Fatalf("%d: term %d after %d", id, now.Term, before.Term)
	}
}

func describeStatus(s Status) string {
	role := []string{"follows", "asks whether to stand", "stands", "leads"}[s.Role]
	if s.Role == Follower && s.Leader != 0 {
		return fmt.Sprintf("follows %d in term %d", s.Leader, s.Term)
	}
	if s.Role == Follower {
		role = "follows nobody"
	}
	return fmt.Sprintf("%s in term %d", role, s.Term)
}

func describeMembers(list []Member) string {
	var b []string
	for _, m := range list {
		text := fmt.Sprintf("%s@%d", m.Name, m.Address.As4()[3])
		if m.Learner {
			text += " (learns)"
		}
		b = append(b, text)
	}
	return strings.Join(b, ", ")
}

func (c *cluster) applied(id uint64, a Applied, leads bool) {
	if was, ok := c.chain[a.Index]; ok && (was.Hash != a.Hash || was.State != a.State || string(was.Result) != string(a.Result)) {
		c.testing.Fatalf("%d applied %+v, another %+v", id, a, was)
	}
	c.chain[a.Index] = a
	what := "an empty entry"
	if a.Client != "" {
		key := fmt.Sprintf("%s/%d", a.Client, a.Sequence)
		what = fmt.Sprintf("%s -> %s", key, a.Result)
		switch {
		case a.Duplicate:
			what += " (again)"
		case a.Expired:
			what = key + " has expired"
		default:
			if at, ok := c.once[key]; ok && at != a.Index {
				c.testing.Fatalf("%s was applied at %d and at %d", key, at, a.Index)
			}
			c.once[key] = a.Index
		}
	}
	c.say(id, "applied %d: %s", a.Index, what)
	if leads {
		c.acked = max(c.acked, a.Index)
	}
}

func (c *cluster) answered(m *member, request uint64) {
	read, ok := c.asked[request]
	if applied := m.replica.Status().Applied; !ok || read.by != m.id || applied < read.least {
		c.testing.Fatalf("%d: read %d (asked: %t) is answered at %d, must see %d", m.id, request, ok, applied, read.least)
	}
	delete(c.asked, request)
	c.say(m.id, "read %d -> %s", request, strings.ReplaceAll(strings.TrimSpace(string(m.machine.Snapshot())), "\n", " "))
}

func (c *cluster) propose(id uint64, client string, sequence uint64, command string) error {
	err := c.node(id).replica.Propose(client, sequence, []byte(command))
	c.ready(c.node(id))
	return err
}

func (c *cluster) read(id uint64) (uint64, error) {
	c.requests++
	request := c.requests
	c.asked[request] = asked{id, c.acked}
	err := c.node(id).replica.ReadIndex(request)
	if err != nil {
		delete(c.asked, request)
	}
	c.ready(c.node(id))
	return request, err
}

func (c *cluster) tick(id uint64) {
	c.node(id).now += tickInterval
	c.node(id).replica.Tick()
	c.ready(c.node(id))
}

// deliverAt hands over one message that is on its way, or loses it where the link is cut or nobody is there.
func (c *cluster) deliverAt(i int) {
	e := c.queue[i]
	c.queue = slices.Delete(c.queue, i, i+1)
	if m := c.at(e.address); m != nil && m.replica != nil && !c.cut[e.link] {
		m.replica.Step(e.from, e.data)
		c.ready(m)
	}
}

// at is who has an address.
func (c *cluster) at(address netip.Addr) *member {
	for _, m := range c.members {
		if m.address == address {
			return m
		}
	}
	return nil
}

func (c *cluster) deliver() int {
	n := 0
	for ; len(c.queue) > 0; n++ {
		if n == 10_000 {
			c.testing.Fatalf("the replicas do not come to rest")
		}
		c.deliverAt(0)
	}
	return n
}

// leader returns the member that leads in the highest term, or nil.
func (c *cluster) leader() *member {
	var best *member
	for _, m := range c.members {
		if m.replica != nil && m.replica.Status().Role == Leader &&
			(best == nil || m.replica.Status().Term > best.replica.Status().Term) {
			best = m
		}
	}
	return best
}

// calm heals everything and waits until all replicas are equal.
func (c *cluster) calm() {
	clear(c.cut)
	for _, m := range c.members {
		if m.replica == nil {
			c.restart(m.id)
		}
	}
	for range 100 {
		c.deliver()
		if c.level() {
			return
		}
		for _, m := range c.members {
			c.tick(m.id)
		}
	}
	c.testing.Fatalf("no agreement after all was healed:\n%s", c.status())
}

// level tells whether there is a leader that all have caught up with.
func (c *cluster) level() bool {
	leader := c.leader()
	if leader == nil {
		return false
	}
	want := leader.replica.Status()
	for _, member := range leader.replica.Members() {
		m := c.node(member.ID)
		got := m.replica.Status()
		if got.Leader != want.Leader || got.Applied != want.Committed || !got.CaughtUp {
			return false
		}
		if m.machine.Hash() != leader.machine.Hash() || m.replica.core.hash != leader.replica.core.hash {
			c.testing.Fatalf("%d and %d are at %d in different states", m.id, leader.id, got.Applied)
		}
	}
	return true
}

func (c *cluster) status() string {
	var b strings.Builder
	for _, m := range c.members {
		if m.replica == nil {
			fmt.Fprintf(&b, "%d: down\n", m.id)
			continue
		}
		s := m.replica.Status()
		fmt.Fprintf(&b, "%d: %s, committed %d, applied %d: %s\n", m.id, describeStatus(s), s.Committed, s.Applied,
			strings.ReplaceAll(strings.TrimSpace(string(m.machine.Snapshot())), "\n", " "))
	}
	return b.String()
}
