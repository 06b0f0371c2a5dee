package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"firedrill/model"
)

var quiet = slog.New(slog.DiscardHandler)

// newBackend is a back-end server.
func newBackend(t testing.TB, name string) netip.AddrPort {
	t.Helper()
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), freePort(t))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- serveBackend(ctx, name, []netip.AddrPort{at}, quiet) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for !answersTCP(t.Context(), at) {
		time.Sleep(time.Millisecond)
	}
	return at
}

// silentServer takes connections and says nothing.
func silentServer(t testing.TB) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return addrPort(l.Addr())
}

func newTestPath(t testing.TB, name, own string) *DataPath {
	t.Helper()
	p := NewDataPath(name, netip.MustParseAddr(own), quiet)
	t.Cleanup(p.Close)
	return p
}

// get asks on a session, and returns who answered.
func get(t testing.TB, s *session) string {
	t.Helper()
	by, err := s.ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return by.engine
}

func dial(t testing.TB, at netip.AddrPort) *session {
	t.Helper()
	s, err := openSession(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

// body is what the server says on a connection of its own.
func body(t testing.TB, at netip.AddrPort) (string, error) {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	r, err := c.Get("http://" + at.String())
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	var b strings.Builder
	_, err = fmt.Fprintf(&b, "%s by %s", readAll(t, r), strings.TrimPrefix(r.Header.Get("Via"), "1.1 "))
	return b.String(), err
}

func readAll(t testing.TB, r *http.Response) string {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Error(err)
	}
	_, text, _ := strings.Cut(b.String(), "\r\n\r\n")
	return strings.TrimSpace(text)
}

func TestDataPathBalances(t *testing.T) {
	one, two := newBackend(t, "server-1"), newBackend(t, "server-2")
	p := newTestPath(t, "engine-1", "127.0.1.1")
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.2.1"), freePort(t))
	p.publish(model.NewTable([]model.TableService{{Name: "web", Address: at, Servers: []netip.AddrPort{one, two}}}))
	for _, want := range []string{"server-1 by engine-1", "server-2 by engine-1", "server-1 by engine-1"} {
		if got, err := body(t, at); err != nil || got != want {
			t.Errorf("answered %q, %v; want %q", got, err, want)
		}
	}
	var sample model.TrafficSample
	p.traffic.samples(func(s *model.TrafficSample) { sample = *s })
	if want := (model.Counters{Flows: 3, Requests: 3, Responses: 3}); sample.Counters != want || len(sample.Records) != 3 {
		t.Errorf("carried %+v with %d records, want %+v with 3", sample.Counters, len(sample.Records), want)
	}
}

// TestFlowsStay keeps a flow open while the table changes under it, to other servers and to none at all.
func TestFlowsStay(t *testing.T) {
	one, two := newBackend(t, "server-1"), newBackend(t, "server-2")
	p := newTestPath(t, "engine-1", "127.0.1.1")
	service := model.TableService{Name: "web", Address: netip.AddrPortFrom(netip.MustParseAddr("127.0.2.1"), freePort(t)), Servers: []netip.AddrPort{one}}
	p.publish(model.NewTable([]model.TableService{service}))
	s := dial(t, service.Address)
	get(t, s)
	service.Servers = []netip.AddrPort{two}
	p.publish(model.NewTable([]model.TableService{service}))
	get(t, s)
	if got, err := body(t, service.Address); err != nil || got != "server-2 by engine-1" {
		t.Errorf("a new flow was answered %q, %v", got, err)
	}
	p.publish(model.NewTable(nil))
	get(t, s)
	if _, err := openSession(t.Context(), service.Address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a service that is gone: %v, want that the connection is refused", err)
	}
	p.traffic.samples(func(s *model.TrafficSample) {
		for _, r := range s.Records[:1] {
			if r.Server != one {
				t.Errorf("the flow went to %v, want %v", r.Server, one)
			}
		}
		if s.Requests != 4 {
			t.Errorf("%d requests, want 4", s.Requests)
		}
	})
}

func TestDataPathRefuses(t *testing.T) {
	p := newTestPath(t, "engine-1", "127.0.1.1")
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.2.1"), freePort(t))
	p.publish(model.NewTable([]model.TableService{{Name: "web", Address: at}}))
	s, err := openSession(t.Context(), at)
	if err == nil {
		defer s.close()
		_, err = s.ask(t.Context())
	}
	if err == nil || reasonOf(err) != "reset" {
		t.Errorf("a service without servers: %v, want a reset", err)
	}
	gone := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), freePort(t))
	p.publish(model.NewTable([]model.TableService{{Name: "web", Address: at, Servers: []netip.AddrPort{gone}}}))
	_, err = dial(t, at).ask(t.Context())
	if err == nil || reasonOf(err) != "status 502" {
		t.Errorf("a server that is gone: %v, want status 502", err)
	}
}

// TestFlowsAreFound has three engines, one of which is gone. Who looks for a flow finds it at the engine that has it open.
func TestFlowsAreFound(t *testing.T) {
	server := newBackend(t, "server-1")
	port, gone := freePort(t), netip.MustParseAddr("127.0.1.3")
	seeker, keeper := newTestPath(t, "engine-1", "127.0.1.1"), newTestPath(t, "engine-2", "127.0.1.2")
	service := model.TableService{Name: "web", Address: netip.AddrPortFrom(netip.MustParseAddr("127.0.2.1"), freePort(t)), Servers: []netip.AddrPort{server}}
	for _, p := range []*DataPath{seeker, keeper} {
		if err := p.answerAt(port); err != nil {
			t.Fatal(err)
		}
	}
	keeper.publish(model.NewTable([]model.TableService{service}))
	s := dial(t, service.Address)
	get(t, s)
	local, _ := ends(s.Conn)
	flow := model.Flow{Client: local, Service: service.Address}
	sought := func(engines ...netip.Addr) (netip.Addr, bool) {
		service.Self, service.Engines = seeker.own, engines
		seeker.table.Store(model.NewTable([]model.TableService{service}))
		return seeker.seek(flow)
	}
	for _, engines := range [][]netip.Addr{{seeker.own, keeper.own}, {seeker.own, keeper.own, gone}} {
		if at, known := sought(engines...); at != keeper.own || !known {
			t.Errorf("of %v, %v has the flow, known %v; want engine-2", engines, at, known)
		}
	}
	if at, known := sought(seeker.own, gone); at.IsValid() || known {
		t.Errorf("an engine that is gone: the flow is at %v, known %v; want that nothing is known", at, known)
	}
	s.close()
	for begin := time.Now(); keeper.has(flow); time.Sleep(time.Millisecond) {
		if time.Since(begin) > 5*time.Second {
			t.Fatal("a flow that is closed is still open")
		}
	}
	if at, known := sought(seeker.own, keeper.own); at.IsValid() || !known {
		t.Errorf("a flow that is over is at %v, known %v; want that it is nowhere", at, known)
	}
	for _, bad := range []string{"", "\n", "1.2.3.4:1 5.6.7.8:80", "1.2.3.4:1\n", "1.2.3.4:1 5.6.7.8:65536\n", strings.Repeat("1", 200) + "\n"} {
		if f, err := readAsk(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was taken for the flow %v", bad, f)
		}
	}
}
