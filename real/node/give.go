package node

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"firedrill/model"
)

// GivePort is where an engine takes the flows that others of its group hand to it, on the data network. Each is one
// connection: a line that says whose it is (the PROXY protocol, version 1), and then what the client and the engine say.
const GivePort = 7001

// givePatience is for the other engine to take a flow. Its kernel does so at once, or it is gone.
const givePatience = 300 * time.Millisecond

// longestProxyLine is the longest line that the protocol knows, its end included.
const longestProxyLine = 107

// give hands a client's connection to another engine and carries it there and back until one side ends it.
func (p *DataPath) give(c net.Conn, f model.Flow, engine netip.Addr) {
	d := net.Dialer{Timeout: givePatience, LocalAddr: tcpAddr(p.own), KeepAliveConfig: idleProbes, Control: userTimeout(clientPatience)}
	other, err := d.DialContext(p.ctx, "tcp4", netip.AddrPortFrom(engine, p.givePort).String())
	if err != nil {
		resetConn(c)
		return
	}
	stop := context.AfterFunc(p.ctx, func() {
		resetConn(c)
		resetConn(other)
	})
	defer stop()
	if _, err := io.WriteString(other, proxyLine(f)); err != nil {
		resetConn(c)
		resetConn(other)
		return
	}
	var both sync.WaitGroup
	both.Go(func() { pipe(other, c) })
	both.Go(func() { pipe(c, other) })
	both.Wait()
	_ = c.Close()
	_ = other.Close()
}

// pipe copies one direction. What ends it ends the other side in the same way: a farewell is passed on, a reset resets.
func pipe(to, from net.Conn) {
	if _, err := io.Copy(to, from); err != nil {
		resetConn(to)
		resetConn(from)
		return
	}
	_ = to.(*net.TCPConn).CloseWrite()
}

func (p *DataPath) listenGiven(port uint16) (net.Listener, error) {
	lc := net.ListenConfig{KeepAliveConfig: idleProbes, Control: userTimeout(clientPatience)}
	l, err := lc.Listen(p.ctx, "tcp4", netip.AddrPortFrom(p.own, port).String())
	if err != nil {
		return nil, fmt.Errorf("listening for flows of other engines: %w", err)
	}
	context.AfterFunc(p.ctx, func() { _ = l.Close() })
	p.givePort = port
	return l, nil
}

// acceptGiven takes flows from other engines.
func (p *DataPath) acceptGiven(l net.Listener) {
	for p.ctx.Err() == nil {
		c, err := l.Accept()
		if err != nil {
			_ = sleep(p.ctx, acceptPause)
			continue
		}
		p.work.Go(func() {
			_ = c.SetReadDeadline(time.Now().Add(givePatience))
			f, err := readProxyLine(c)
			if err != nil {
				resetConn(c)
				return
			}
			_ = c.SetReadDeadline(time.Time{})
			p.accept(c, f)
		})
	}
}

// proxyLine says whose flow follows.
func proxyLine(f model.Flow) string {
	return fmt.Sprintf("PROXY TCP4 %v %v %d %d\r\n", f.Client.Addr(), f.Service.Addr(), f.Client.Port(), f.Service.Port())
}

// readProxyLine reads what [proxyLine] wrote, and not a byte more.
func readProxyLine(r io.Reader) (model.Flow, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < longestProxyLine; {
		if _, err := io.ReadFull(r, b); err != nil {
			return model.Flow{}, err
		}
		line = append(line, b[0])
		if b[0] == '\n' {
			break
		}
	}
	text, ended := strings.CutSuffix(string(line), "\r\n")
	field := strings.Split(text, " ")
	if !ended || len(field) != 6 || field[0] != "PROXY" || field[1] != "TCP4" {
		return model.Flow{}, fmt.Errorf("%q does not begin a flow", line)
	}
	client, err1 := parseEnd(field[2], field[4])
	service, err2 := parseEnd(field[3], field[5])
	if err1 != nil || err2 != nil {
		return model.Flow{}, fmt.Errorf("%q names no addresses of a flow", line)
	}
	return model.Flow{Client: client, Service: service, Given: true}, nil
}

func parseEnd(address, port string) (netip.AddrPort, error) {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return netip.AddrPortFrom(ip, uint16(n)), err
}
