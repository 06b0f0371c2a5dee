package controller

import (
	crand "crypto/rand"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"firedrill/model"
	"firedrill/model/backup"
	"firedrill/model/config"
	"firedrill/model/disktest"
	"firedrill/model/wire"
)

// world is a few controllers, one clock for all of them, and a network that delivers in the order of sending and takes
// no time. What is sent to an address of nobody is mail for the test.
type world struct {
	testing.TB
	now   time.Duration
	hosts []*host
	queue []packet
	mail  []packet
	asked uint64
	cloud *fakeCloud // nil: none
}

type packet struct {
	from, to netip.Addr
	data     []byte
}

// host is one machine. It implements [model.Env] for the controller that runs on it.
type host struct {
	w         *world
	cfg       Config
	node      *Controller // nil while down
	disk      *disktest.Strict
	timers    map[model.TimerID]time.Duration
	addresses map[netip.Addr]bool
	announced map[netip.Addr]int
	events    []model.Event
	random    *rand.Rand
	cut       bool // neither hears nor is heard
	frozen    bool // its process stands still: messages and timers wait
	waiting   []packet
	restarts  string // the version with which the process has asked to be restarted
}

var (
	clientIP = netip.MustParseAddr("198.18.0.200")
	engineIP = netip.MustParseAddr("198.18.0.100")
	virtual  = netip.MustParseAddr("198.18.0.10")
)

const (
	testToken  = "bearer-9f2c"
	testSecret = "the secret of the cluster"
)

func addressOfHost(number int) netip.Addr {
	return netip.AddrFrom4([4]byte{198, 18, 0, byte(10 + number)})
}

// newWorld starts an installed cluster. The jitter of its elections comes from the process-wide stream of crypto/rand,
// which is seeded here: no test of this package runs in parallel.
func newWorld(t testing.TB, size int, set ...func(*Config)) *world {
	old := crand.Reader
	crand.Reader = rand.NewChaCha8([32]byte{1})
	t.Cleanup(func() { crand.Reader = old })
	w := &world{TB: t}
	var first []Peer
	for i := range size {
		first = append(first, Peer{"controller-" + strconv.Itoa(i+1), addressOfHost(i + 1)})
	}
	for range size {
		w.install(func(cfg *Config) {
			cfg.Bootstrap, cfg.ClusterIP = first, virtual
			for _, s := range set {
				s(cfg)
			}
		})
	}
	w.until("a leader is ready", func() bool { return w.leader() != nil })
	return w
}

// install starts one more machine, at factory default unless set says otherwise.
func (w *world) install(set func(*Config)) *host {
	timers, err := config.Profile("fast")
	if err != nil {
		w.Fatal(err)
	}
	n := len(w.hosts) + 1
	cfg := Config{
		Name: "controller-" + strconv.Itoa(n), Address: addressOfHost(n), Secret: testSecret, Version: "16.2", Token: testToken,
		BackupWorkFactor: backup.TestWorkFactor, Timers: timers,
	}
	set(&cfg)
	h := &host{w: w, cfg: cfg, disk: disktest.NewStrict(), random: newRandom(uint64(n))}
	w.hosts = append(w.hosts, h)
	h.start()
	return h
}

// start begins a life on what the disk holds.
func (h *host) start() {
	h.timers, h.addresses, h.announced, h.waiting, h.frozen = map[model.TimerID]time.Duration{}, map[netip.Addr]bool{}, map[netip.Addr]int{}, nil, false
	h.addresses[h.cfg.Address] = true
	h.node = New(h.cfg)
	h.node.Start(h)
}

// crash takes the power away, with all that was not synced.
func (h *host) crash() {
	h.node, h.timers, h.addresses = nil, nil, nil
	h.disk.Power()
}

func (h *host) Now() time.Duration                             { return h.w.now }
func (h *host) Wall() time.Time                                { return time.Unix(1_700_000_000, 0).Add(h.w.now) }
func (h *host) SetTimer(id model.TimerID, after time.Duration) { h.timers[id] = h.w.now + after }
func (h *host) StopTimer(id model.TimerID)                     { delete(h.timers, id) }
func (h *host) Check(model.CheckID, model.Check)               { h.w.Fatal("a controller checks nothing") }
func (h *host) AddAddress(ip netip.Addr)                       { h.addresses[ip] = true }
func (h *host) RemoveAddress(ip netip.Addr)                    { delete(h.addresses, ip) }
func (h *host) Publish(*model.Table)                           { h.w.Fatal("a controller forwards nothing") }
func (h *host) Traffic(func(*model.TrafficSample))             {}
func (h *host) Restart(version string)                         { h.restarts = version }
func (h *host) Disk() model.Disk                               { return h.disk }
func (h *host) Rand() *rand.Rand                               { return h.random }
func (h *host) Emit(e model.Event)                             { h.events = append(h.events, e) }
func (h *host) Send(to netip.Addr, data []byte) {
	if !h.cut {
		h.w.queue = append(h.w.queue, packet{h.cfg.Address, to, data})
	}
}

func (h *host) Announce(ip netip.Addr) {
	if !h.addresses[ip] {
		h.w.Errorf("%s announces %s, which it does not hold", h.cfg.Name, ip)
	}
	h.announced[ip]++
}

// deliver empties the network.
func (w *world) deliver() {
	for len(w.queue) > 0 {
		p := w.queue[0]
		w.queue = w.queue[1:]
		to := w.at(p.to)
		switch {
		case w.cloud != nil && p.to == cloudIP:
			w.cloud.receive(p)
		case to == nil:
			w.mail = append(w.mail, p)
		case to.cut || to.node == nil:
		case to.frozen:
			to.waiting = append(to.waiting, p)
		default:
			to.node.Receive(p.from, p.data)
		}
	}
}

// at is the machine whose own address it is.
func (w *world) at(ip netip.Addr) *host {
	for _, h := range w.hosts {
		if h.cfg.Address == ip || h.addresses[ip] {
			return h
		}
	}
	return nil
}

// pass lets time go by: timers fire in their order, those due together in the order of machines.
func (w *world) pass(d time.Duration) {
	end := w.now + d
	for {
		w.deliver()
		var next *host
		var id model.TimerID
		at := end + 1
		for _, h := range w.hosts {
			if h.node == nil || h.frozen {
				continue
			}
			for _, timer := range sortedKeys(h.timers) {
				if due := max(h.timers[timer], w.now); due < at {
					next, id, at = h, timer, due
				}
			}
		}
		if next == nil {
			w.now = end
			return
		}
		w.now = at
		delete(next.timers, id)
		next.node.Timer(id)
	}
}

// wake lets a frozen process go on.
func (h *host) wake() {
	h.frozen = false
	h.w.queue = append(h.waiting, h.w.queue...)
	h.waiting = nil
}

// until lets time go by until something is so, and fails the test if that takes too long.
func (w *world) until(what string, so func() bool) {
	w.Helper()
	for end := w.now + time.Minute; !so(); w.pass(10 * time.Millisecond) {
		if w.now > end {
			w.Fatalf("after a minute it is still not so that %s", what)
		}
	}
}

// leader is the one who is ready to serve; nil if none is.
func (w *world) leader() *host {
	for _, h := range w.hosts {
		if h.node != nil && !h.cut && !h.frozen && h.node.ready {
			return h
		}
	}
	return nil
}

// followers are the others that run.
func (w *world) followers() []*host {
	var out []*host
	for _, h := range w.hosts {
		if h.node != nil && h != w.leader() {
			out = append(out, h)
		}
	}
	return out
}

// request is one to the REST API; whoever makes it has the right token unless it says otherwise.
type request struct {
	method, path, body string
	ifMatch            uint64
	key                string
	token              string
}

// post sends a request and returns the number by which its answer will be known.
func (w *world) post(to *host, r request) uint64 {
	w.asked++
	token := r.token
	if token == "" {
		token = testToken
	}
	w.queue = append(w.queue, packet{clientIP, to.cfg.Address, wire.Encode(&wire.Envelope_HttpRequest{HttpRequest: &wire.HTTPRequest{
		Id: w.asked, Method: r.method, Path: r.path, Body: []byte(r.body), IfMatch: r.ifMatch, IdempotencyKey: r.key, Token: token,
	}})})
	return w.asked
}

// answer is what came for a request so far; nil if nothing did. More than one answer is a mistake of the controller.
func (w *world) answer(id uint64) *wire.HTTPResponse {
	var out *wire.HTTPResponse
	for _, p := range w.mail {
		if body, err := wire.Decode(p.data); err == nil && p.to == clientIP {
			if r, ok := body.(*wire.Envelope_HttpResponse); ok && r.HttpResponse.Id == id {
				if out != nil {
					w.Errorf("request %d was answered twice", id)
				}
				out = r.HttpResponse
			}
		}
	}
	return out
}

// ask sends a request and waits for its answer.
func (w *world) ask(to *host, r request) *wire.HTTPResponse {
	w.Helper()
	id := w.post(to, r)
	w.until(r.method+" "+r.path+" is answered", func() bool { return w.answer(id) != nil })
	return w.answer(id)
}

// must asks the leader for what has to succeed.
func (w *world) must(r request) *wire.HTTPResponse {
	w.Helper()
	out := w.ask(w.leader(), r)
	if out.Status >= 300 {
		w.Fatalf("%s %s: %d %s", r.method, r.path, out.Status, out.Body)
	}
	return out
}

// happened counts the events of a kind about a unit, on any machine.
func (w *world) happened(kind model.EventKind, unit string) int {
	n := 0
	for _, h := range w.hosts {
		for _, e := range h.events {
			if e.Kind == kind && e.Unit == unit {
				n++
			}
		}
	}
	return n
}

func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
