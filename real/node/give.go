package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"firedrill/model"
)

// AskPort is where an engine answers, on the data network, whether it has a flow: a line with the addresses of client and
// service, and one that says yes or no.
const AskPort = 7001

const (
	askPatience = 300 * time.Millisecond // for the other engine to answer. Its kernel does so at once, or it is gone
	longestAsk  = 64                     // a question in bytes
	yes, no     = "yes\n", "no\n"
)

// share lets the engine share flows with the others of its group, in the network namespace of this process. Without it
// every flow that arrives stays.
func (p *DataPath) share() error {
	if err := p.answerAt(AskPort); err != nil {
		return err
	}
	var err error
	if p.frames, err = newFrames(p.own); err != nil {
		return err
	}
	p.work.Go(p.direct)
	return nil
}

// answerAt answers the questions of other engines at a port, which is also theirs.
func (p *DataPath) answerAt(port uint16) error {
	lc := net.ListenConfig{KeepAliveConfig: idleProbes, Control: userTimeout(askPatience)}
	l, err := lc.Listen(p.ctx, "tcp4", netip.AddrPortFrom(p.own, port).String())
	if err != nil {
		return fmt.Errorf("listening for other engines: %w", err)
	}
	context.AfterFunc(p.ctx, func() { _ = l.Close() })
	p.askPort = port
	p.work.Go(func() { p.answer(l) })
	return nil
}

// direct decides where segments belong whose flows the kernel does not know.
func (p *DataPath) direct() {
	stop := context.AfterFunc(p.ctx, func() { _ = p.frames.shown.SetReadDeadline(time.Now()) })
	defer stop()
	for p.ctx.Err() == nil {
		segments, err := p.frames.receive()
		if err != nil && p.ctx.Err() == nil {
			p.log.Debug("segments were lost", "error", err)
			_ = sleep(p.ctx, acceptPause)
		}
		for _, s := range segments {
			p.place(s)
		}
	}
}

// place sends a segment where its flow is, or where a new one shall be.
func (p *DataPath) place(s *segment) {
	switch {
	case p.has(s.flow):
		p.send(s, netip.Addr{})
	case s.begins:
		p.send(s, p.table.Load().Lookup(s.flow, model.Load{}).Engine)
	default:
		if p.sought.wait(s) {
			p.work.Go(func() {
				engine, known := p.seek(s.flow)
				for _, s := range p.sought.end(s.flow) {
					if known {
						p.send(s, engine)
					}
				}
			})
		}
	}
}

// has tells whether a flow is at this engine.
func (p *DataPath) has(f model.Flow) bool {
	has, err := kernelHas(f)
	if err != nil {
		p.log.Error("flow not looked up", "client", f.Client, "service", f.Service, "error", err)
	}
	return has
}

// send passes a segment on to an engine, or takes it here.
func (p *DataPath) send(s *segment, engine netip.Addr) {
	var err error
	if engine.IsValid() {
		err = p.frames.passOn(s, engine)
	} else {
		err = p.frames.take(s)
	}
	if err != nil && !errors.Is(err, unix.EMSGSIZE) {
		p.log.Debug("segment not sent", "client", s.flow.Client, "service", s.flow.Service, "engine", engine, "error", err)
	}
}

// seek finds the engine that has a flow, one after the other. Where all say that they do not, it is nowhere, and this engine's
// kernel resets it; as long as one says nothing, who knows.
func (p *DataPath) seek(f model.Flow) (engine netip.Addr, known bool) {
	known = true
	var asked []netip.Addr
	for {
		engine := p.table.Load().Holder(f, asked)
		if !engine.IsValid() {
			return engine, known
		}
		has, err := p.ask(engine, f)
		if has {
			return engine, true
		}
		known = known && err == nil
		asked = append(asked, engine)
	}
}

// ask asks another engine whether it has a flow.
func (p *DataPath) ask(engine netip.Addr, f model.Flow) (bool, error) {
	d := net.Dialer{Timeout: askPatience, LocalAddr: tcpAddr(p.own)}
	c, err := d.DialContext(p.ctx, "tcp4", netip.AddrPortFrom(engine, p.askPort).String())
	if err != nil {
		return false, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(askPatience))
	if _, err := fmt.Fprintf(c, "%v %v\n", f.Client, f.Service); err != nil {
		return false, err
	}
	reply, err := io.ReadAll(c)
	if err == nil && string(reply) != yes && string(reply) != no {
		err = fmt.Errorf("%q is no answer", reply)
	}
	return string(reply) == yes, err
}

// answer tells other engines what this one has.
func (p *DataPath) answer(l net.Listener) {
	for p.ctx.Err() == nil {
		c, err := l.Accept()
		if err != nil {
			_ = sleep(p.ctx, acceptPause)
			continue
		}
		p.work.Go(func() {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(askPatience))
			f, err := readAsk(c)
			if err != nil {
				p.log.Debug("question not understood", "error", err)
				return
			}
			reply := no
			if p.has(f) {
				reply = yes
			}
			_, _ = io.WriteString(c, reply)
		})
	}
}

func readAsk(r io.Reader) (model.Flow, error) {
	line, err := bufio.NewReader(io.LimitReader(r, longestAsk)).ReadString('\n')
	if err != nil {
		return model.Flow{}, err
	}
	client, service, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	c, err1 := netip.ParseAddrPort(client)
	s, err2 := netip.ParseAddrPort(service)
	return model.Flow{Client: c, Service: s}, errors.Join(err1, err2)
}
