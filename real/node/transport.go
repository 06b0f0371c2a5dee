package node

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Port is where nodes listen for each other. Who dials sends messages, who listens only receives: so a link that is cut in
// one direction can be cut for messages in that direction alone (see [Cut]).
const Port = 7000

// Transport carries messages between nodes, at most once and without a promise, over TCP and TLS 1.3.
//
// It differs from the simulator's network in what TCP does by itself: a lost packet delays the messages behind it for as
// long as its repetition takes, messages on one connection do not overtake each other, and none arrives twice unless a fault wants that.
type Transport struct {
	identity *Identity
	source   func(to netip.Addr) netip.Addr
	faults   *Faults
	receive  func(from netip.Addr, msg []byte)
	port     uint16

	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup

	mu    sync.Mutex
	peers map[netip.Addr]*peer
}

// NewTransport returns the transport of one node. Source is the node's own address on the way to another, from which it
// calls; receive takes messages with the address that they came from, and may wait.
func NewTransport(i *Identity, port uint16, source func(to netip.Addr) netip.Addr, f *Faults, receive func(from netip.Addr, msg []byte)) *Transport {
	t := &Transport{identity: i, port: port, source: source, faults: f, receive: receive, peers: make(map[netip.Addr]*peer)}
	t.ctx, t.stop = context.WithCancel(context.Background())
	return t
}

// Send hands a message over and returns at once.
func (t *Transport) Send(to netip.Addr, msg []byte) {
	t.faults.outbound(to, func() { t.enqueue(to, msg) })
}

func (t *Transport) enqueue(to netip.Addr, msg []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx.Err() != nil {
		return
	}
	p := t.peers[to]
	if p == nil {
		p = newPeer(t, to)
		t.peers[to] = p
		t.work.Go(p.run)
	}
	p.offer(msg)
}

// Listen takes connections at an address of this node; the invalid address stands for all of them.
func (t *Transport) Listen(at netip.Addr) error {
	if !at.IsValid() {
		at = netip.IPv4Unspecified()
	}
	lc := net.ListenConfig{Control: userTimeout(lostAfter), KeepAliveConfig: idleProbes}
	l, err := lc.Listen(t.ctx, "tcp4", netip.AddrPortFrom(at, t.port).String())
	if err != nil {
		return fmt.Errorf("listening for other nodes: %w", err)
	}
	context.AfterFunc(t.ctx, func() { _ = l.Close() })
	t.work.Go(func() { t.accept(l) })
	return nil
}

// Close ends all connections and waits until nothing runs any more.
func (t *Transport) Close() {
	t.mu.Lock()
	t.stop()
	t.mu.Unlock()
	t.work.Wait()
}

func (t *Transport) accept(l net.Listener) {
	config := t.identity.answers()
	for t.ctx.Err() == nil {
		c, err := l.Accept()
		if err != nil {
			_ = sleep(t.ctx, acceptPause)
			continue
		}
		t.work.Go(func() { t.hear(tls.Server(c, config), c) })
	}
}

// acceptPause keeps a listener from spinning when it cannot accept, for want of file descriptors for example.
const acceptPause = 10 * time.Millisecond

// hear receives what comes on one connection until it ends.
func (t *Transport) hear(c *tls.Conn, tcp net.Conn) {
	defer context.AfterFunc(t.ctx, func() { _ = tcp.Close() })()
	defer tcp.Close()
	handshake, cancel := context.WithTimeout(t.ctx, handshakePatience)
	err := c.HandshakeContext(handshake)
	cancel()
	if err != nil {
		return
	}
	_, remote := ends(tcp)
	in := bufio.NewReaderSize(c, 64<<10)
	for {
		msg, err := readFrame(in)
		if err != nil {
			return
		}
		t.deliver(remote.Addr(), msg)
	}
}

// deliver hands a message to the node, later, twice or never if a fault wants that.
func (t *Transport) deliver(from netip.Addr, msg []byte) {
	t.faults.inbound(from, func() { t.receive(from, msg) })
}
