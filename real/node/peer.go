package node

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"time"
)

const (
	queueSize = 256 // messages that may wait for one address

	// staleAfter is how old a message may be when it is sent. A network that is cut loses what is sent meanwhile; TCP would
	// keep it and, when the cut heals, deliver heartbeats of a past in which nodes believed other things.
	staleAfter = time.Second

	dialPatience      = 100 * time.Millisecond // for an answer of the other kernel; a lost SYN is sent again by dialling again
	handshakePatience = 500 * time.Millisecond
	dialPause         = 20 * time.Millisecond // after a call that failed; what is to be sent meanwhile is dropped
)

// peer is the way to one address: a queue, and a goroutine that dials when there is something to send.
type peer struct {
	t     *Transport
	to    netip.Addr
	queue chan outgoing
	conn  *tls.Conn
	gone  chan struct{} // closed when the other side ended conn
	retry time.Time     // no call before
	frame []byte
}

type outgoing struct {
	msg []byte
	at  time.Time
}

func newPeer(t *Transport, to netip.Addr) *peer {
	return &peer{t: t, to: to, queue: make(chan outgoing, queueSize)}
}

// offer queues a message, or drops it when there is no room.
func (p *peer) offer(msg []byte) {
	select {
	case p.queue <- outgoing{msg, time.Now()}:
	default:
	}
}

func (p *peer) run() {
	defer p.hangUp()
	for {
		select {
		case <-p.t.ctx.Done():
			return
		case m := <-p.queue:
			p.send(m)
		}
	}
}

// send tries once.
func (p *peer) send(m outgoing) {
	if time.Since(m.at) > staleAfter || !p.connected() {
		return
	}
	p.frame = appendFrame(p.frame[:0], m.msg)
	_ = p.conn.SetWriteDeadline(time.Now().Add(lostAfter))
	if _, err := p.conn.Write(p.frame); err != nil {
		p.hangUp()
	}
}

// connected makes sure of a connection, if it can be had now.
func (p *peer) connected() bool {
	if p.conn != nil {
		select {
		case <-p.gone:
			p.hangUp()
		default:
			return true
		}
	}
	if time.Now().Before(p.retry) {
		return false
	}
	if err := p.dial(); err != nil {
		p.retry = time.Now().Add(dialPause)
		return false
	}
	return true
}

func (p *peer) dial() error {
	d := net.Dialer{
		Timeout: dialPatience, LocalAddr: tcpAddr(p.t.source(p.to)), KeepAliveConfig: idleProbes, Control: userTimeout(lostAfter),
	}
	tcp, err := d.DialContext(p.t.ctx, "tcp4", netip.AddrPortFrom(p.to, p.t.port).String())
	if err != nil {
		return err
	}
	c := tls.Client(tcp, p.t.identity.calls())
	ctx, cancel := context.WithTimeout(p.t.ctx, handshakePatience)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		_ = tcp.Close()
		return err
	}
	p.conn, p.gone = c, make(chan struct{})
	gone := p.gone
	p.t.work.Go(func() {
		_, _ = io.Copy(io.Discard, c) // nothing comes but the end
		close(gone)
	})
	return nil
}

func (p *peer) hangUp() {
	if p.conn != nil {
		_ = p.conn.NetConn().Close() // at once, without TLS's farewell, which may block
		p.conn = nil
	}
}
