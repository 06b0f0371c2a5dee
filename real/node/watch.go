package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"firedrill/checker/history"
	"firedrill/scenarios"
	"firedrill/scenarios/clients"
)

// watch probes one service as its clients see it, until the context ends: a connection of its own each time, one request,
// and a patience for both together.
type watch struct {
	client  string
	service string
	address netip.AddrPort
	first   time.Duration // after the beginning
	probes  scenarios.Probes
	clock   *Clock
	record  *Recorder
}

// fate is what became of a probe.
type fate struct {
	sent   int64
	ok     bool
	by     answerer
	reason string
}

func (w *watch) run(ctx context.Context) {
	var probes sync.WaitGroup
	defer probes.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	pace := clients.NewPace(w.probes)
	fates := make(chan fate)
	due := time.NewTimer(w.first)
	defer due.Stop()
	probe := func() {
		probes.Go(func() {
			f := w.probe(ctx)
			select {
			case fates <- f:
			case <-ctx.Done():
			}
		})
		due.Reset(pace.Next())
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-due.C:
			probe()
		case f := <-fates:
			w.record.Record(history.Event{Type: history.Probe, Service: w.service, Client: w.client, Sent: f.sent, OK: f.ok, By: f.by.engine, Server: f.by.server, Reason: f.reason})
			switch pace.Finished(f.sent, f.ok) {
			case clients.Slower:
				due.Reset(w.probes.Every.Std())
			case clients.AtOnce:
				probe()
			}
		}
	}
}

func (w *watch) probe(ctx context.Context) fate {
	f := fate{sent: int64(w.clock.Run())}
	ctx, cancel := context.WithTimeout(ctx, w.probes.Timeout.Std())
	defer cancel()
	c, err := openSession(ctx, w.address)
	if err == nil {
		defer c.close()
		f.by, err = c.ask(ctx)
	}
	if err != nil {
		f.reason = reasonOf(err)
		return f
	}
	f.ok = true
	return f
}

// session is one connection of a client to a service.
type session struct {
	net.Conn
	in *bufio.Reader
}

func openSession(ctx context.Context, service netip.AddrPort) (*session, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp4", service.String())
	if err != nil {
		return nil, err
	}
	return &session{c, bufio.NewReader(c)}, nil
}

// close ends the session without leaving its port in TIME_WAIT: a client that probes every few milliseconds would run out.
func (s *session) close() { resetConn(s.Conn) }

// answerer is who answered: the engine, as it says in Via, and the back-end server behind it, as it says in its answer.
type answerer struct{ engine, server string }

// longestName is more than the name of any server.
const longestName = 256

// ask sends a request and reads the answer to its end. It tells who answered.
func (s *session) ask(ctx context.Context) (by answerer, err error) {
	defer context.AfterFunc(ctx, func() { _ = s.SetDeadline(time.Unix(1, 0)) })()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.RemoteAddr().String()+"/", nil)
	if err != nil {
		return by, err
	}
	if err := r.Write(s.Conn); err != nil {
		return by, err
	}
	answer, err := http.ReadResponse(s.in, r)
	if err != nil {
		return by, err
	}
	defer answer.Body.Close()
	_, by.engine, _ = strings.Cut(answer.Header.Get("Via"), " ")
	name, err := io.ReadAll(io.LimitReader(answer.Body, longestName))
	if err == nil {
		_, err = io.Copy(io.Discard, answer.Body)
	}
	switch {
	case err != nil:
		return by, err
	case answer.StatusCode >= http.StatusBadRequest:
		return by, statusError(answer.StatusCode)
	}
	by.server = strings.TrimSpace(string(name))
	return by, nil
}

type statusError int

func (s statusError) Error() string { return fmt.Sprintf("status %d", int(s)) }

// reasonOf puts why a request failed in the terms of the history.
func reasonOf(err error) string {
	var status statusError
	switch {
	case errors.As(err, &status):
		return status.Error()
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "reset"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT),
		errors.Is(err, syscall.EHOSTUNREACH): // nobody has answered the kernel's ARP questions
		return "silence"
	}
	return err.Error()
}
