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

	"pgregory.net/rapid"

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

func newTestPath(t testing.TB, name, own string, givePort uint16) *DataPath {
	t.Helper()
	p, err := NewDataPath(name, netip.MustParseAddr(own), givePort, quiet)
	if err != nil {
		t.Fatal(err)
	}
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
	p := newTestPath(t, "engine-1", "127.0.1.1", freePort(t))
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
	p := newTestPath(t, "engine-1", "127.0.1.1", freePort(t))
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
	p := newTestPath(t, "engine-1", "127.0.1.1", freePort(t))
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

// TestFlowsAreGiven has two engines that share a service. Each flow is answered by the engine that the table chooses,
// whichever is asked, and that engine sees the client itself.
func TestFlowsAreGiven(t *testing.T) {
	server := newBackend(t, "server-1")
	give := freePort(t)
	primary, other := newTestPath(t, "engine-1", "127.0.1.1", give), newTestPath(t, "engine-2", "127.0.1.2", give)
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.2.1"), freePort(t))
	table := func(p *DataPath) *model.Table {
		return model.NewTable([]model.TableService{{
			Name: "web", Address: at, Servers: []netip.AddrPort{server}, Engines: []netip.Addr{primary.own, other.own}, Self: p.own,
		}})
	}
	primary.publish(table(primary))
	other.table.Store(table(other)) // which does not hold the address
	answered := make(map[string]int)
	for range 40 {
		s := dial(t, at)
		local, _ := ends(s.Conn)
		want := "engine-1"
		if d := table(primary).Lookup(model.Flow{Client: local, Service: at}, model.Load{Taken: func(string) uint64 { return 0 }}); d.Action == model.ActionGive {
			want = "engine-2"
		}
		for range 2 {
			if by := get(t, s); by != want {
				t.Errorf("the flow of %v was answered by %s, want %s", local, by, want)
			}
		}
		answered[want]++
	}
	if len(answered) != 2 {
		t.Fatalf("all flows went to one engine: %v", answered)
	}
	other.traffic.samples(func(s *model.TrafficSample) {
		if int(s.Flows) != answered["engine-2"] || s.Records[0].Client.Addr() != netip.MustParseAddr("127.0.0.1") {
			t.Errorf("engine-2 counted %d flows, the first of %v", s.Flows, s.Records[0].Client)
		}
	})
}

func TestGivenFlowsBreakTogether(t *testing.T) {
	server := newBackend(t, "server-1")
	give := freePort(t)
	primary, other := newTestPath(t, "engine-1", "127.0.1.1", give), newTestPath(t, "engine-2", "127.0.1.2", give)
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.2.1"), freePort(t))
	service := model.TableService{Name: "web", Address: at, Servers: []netip.AddrPort{server}, Engines: []netip.Addr{other.own, primary.own}, Self: primary.own}
	primary.publish(model.NewTable([]model.TableService{service}))
	service.Self = other.own
	other.table.Store(model.NewTable([]model.TableService{service}))
	for {
		s := dial(t, at)
		if get(t, s) == "engine-2" {
			other.Close()
			if _, err := s.ask(t.Context()); err == nil || reasonOf(err) != "reset" {
				t.Errorf("the engine that carried the flow is gone: %v, want a reset", err)
			}
			return
		}
	}
}

func TestProxyLine(t *testing.T) {
	end := rapid.Custom(func(rt *rapid.T) netip.AddrPort {
		b := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(rt, "address")
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b)), rapid.Uint16().Draw(rt, "port"))
	})
	rapid.Check(t, func(rt *rapid.T) {
		f := model.Flow{Client: end.Draw(rt, "client"), Service: end.Draw(rt, "service"), Given: true}
		line := proxyLine(f)
		r := strings.NewReader(line + "GET / HTTP/1.1")
		got, err := readProxyLine(r)
		if err != nil || got != f || len(line) > longestProxyLine || r.Len() != len("GET / HTTP/1.1") {
			rt.Fatalf("%q was read as %v, %v, with %d bytes left", line, got, err, r.Len())
		}
	})
	for _, bad := range []string{
		"", "GET / HTTP/1.1\r\n", "PROXY UNKNOWN\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
		"PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", strings.Repeat("P", 200),
	} {
		if f, err := readProxyLine(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was taken for the flow %v", bad, f)
		}
	}
}
