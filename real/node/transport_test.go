package node

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firedrill/scenarios"
)

type heard struct {
	from netip.Addr
	msg  string
}

// station is a transport at a loopback address.
type station struct {
	*Transport
	at     netip.Addr
	heard  chan heard
	faults *Faults
}

// freePort is one that nobody uses on any loopback address at present.
func freePort(t testing.TB) uint16 {
	t.Helper()
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return addrPort(l.Addr()).Port()
}

func newStation(t testing.TB, a *authority, address string, port uint16) *station {
	t.Helper()
	s := &station{at: netip.MustParseAddr(address), heard: make(chan heard, 10000), faults: new(Faults)}
	s.Transport = NewTransport(newIdentity(t, a, address), port, func(netip.Addr) netip.Addr { return s.at }, s.faults,
		func(from netip.Addr, msg []byte) { s.heard <- heard{from, string(msg)} })
	if err := s.Listen(s.at); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// persuade sends until something is heard, as nodes do that repeat themselves.
func persuade(t testing.TB, from, to *station, msg string) heard {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < 10*time.Second; {
		from.Send(to.at, []byte(msg))
		select {
		case h := <-to.heard:
			return h
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Fatalf("%q was never heard", msg)
	return heard{}
}

func TestTransportTellsWhoSends(t *testing.T) {
	a, port := newAuthority(t), freePort(t)
	one, two := newStation(t, a, "127.0.0.2", port), newStation(t, a, "127.0.0.3", port)
	one.Send(two.at, []byte("hello"))
	if h := <-two.heard; h != (heard{one.at, "hello"}) {
		t.Errorf("two heard %v", h)
	}
	two.Send(one.at, nil)
	if h := <-one.heard; h != (heard{two.at, ""}) {
		t.Errorf("one heard %v", h)
	}
}

// TestTransportKeepsOrder sends more than one record's worth; what is queued arrives as it was sent.
func TestTransportKeepsOrder(t *testing.T) {
	a, port := newAuthority(t), freePort(t)
	one, two := newStation(t, a, "127.0.0.2", port), newStation(t, a, "127.0.0.3", port)
	large := string(bytes.Repeat([]byte("x"), 1<<20))
	for _, msg := range []string{"first", large, "last"} {
		one.Send(two.at, []byte(msg))
	}
	for _, want := range []string{"first", large, "last"} {
		if h := <-two.heard; h.msg != want {
			t.Fatalf("heard %d bytes, want %d", len(h.msg), len(want))
		}
	}
}

// TestTransportNeverBlocks sends to an address where nobody listens, and far more than the queue holds.
func TestTransportNeverBlocks(t *testing.T) {
	a, port := newAuthority(t), freePort(t)
	one := newStation(t, a, "127.0.0.2", port)
	begin := time.Now()
	for range 100 * queueSize {
		one.Send(netip.MustParseAddr("127.0.0.99"), []byte("anybody?"))
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("sending took %v", took)
	}
}

func TestTransportComesBack(t *testing.T) {
	a, port := newAuthority(t), freePort(t)
	one, two := newStation(t, a, "127.0.0.2", port), newStation(t, a, "127.0.0.3", port)
	persuade(t, one, two, "before")
	two.Close()
	for range 5 {
		one.Send(two.at, []byte("to nobody"))
		time.Sleep(time.Millisecond)
	}
	again := newStation(t, a, "127.0.0.3", port)
	if h := persuade(t, one, again, "after"); h.msg != "after" {
		t.Errorf("heard %q, which was sent before", h.msg)
	}
}

// TestTransportRefusesStrangers: neither who dials nor who listens talks to a node of another run.
func TestTransportRefusesStrangers(t *testing.T) {
	a, port := newAuthority(t), freePort(t)
	one := newStation(t, a, "127.0.0.2", port)
	stranger := newStation(t, newAuthority(t), "127.0.0.3", port)
	for range 10 {
		one.Send(stranger.at, []byte("secret"))
		stranger.Send(one.at, []byte("trust me"))
		time.Sleep(10 * time.Millisecond)
	}
	if len(one.heard)+len(stranger.heard) > 0 {
		t.Error("strangers have talked")
	}
	c, err := tls.Dial("tcp4", netip.AddrPortFrom(one.at, port).String(), &tls.Config{InsecureSkipVerify: true})
	if err == nil { // in TLS 1.3 the client learns only later that its certificate was wanted
		_, err = c.Read(make([]byte, 1))
		c.Close()
	}
	if err == nil {
		t.Error("one without a certificate was let in")
	}
}

func TestFaultsOfMessages(t *testing.T) {
	a, port := newAuthority(t), freePort(t)
	one, two := newStation(t, a, "127.0.0.2", port), newStation(t, a, "127.0.0.3", port)
	persuade(t, one, two, "warm")
	const late = 150 * time.Millisecond
	for _, c := range []struct {
		name  string
		at    *station
		fault Fault
		wait  time.Duration
		lost  bool
	}{
		{"delay on the way out", one, Fault{Peers: []netip.Addr{two.at}, Out: true, Delay: scenarios.Span{Min: late, Max: late}}, late, false},
		{"delay on the way in", two, Fault{Peers: []netip.Addr{one.at}, In: true, Delay: scenarios.Span{Min: late, Max: late}}, late, false},
		{"delay of others", one, Fault{Peers: []netip.Addr{one.at}, In: true, Out: true, Delay: scenarios.Span{Min: late, Max: late}}, 0, false},
		{"all lost on the way out", one, Fault{Peers: []netip.Addr{two.at}, Out: true, Loss: scenarios.Whole}, 0, true},
		{"all lost on the way in", two, Fault{Peers: []netip.Addr{one.at}, In: true, Loss: scenarios.Whole}, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.fault.ID = 3
			c.at.faults.Strike(c.fault)
			begin := time.Now()
			one.Send(two.at, []byte("under a fault"))
			if c.lost {
				select {
				case h := <-two.heard:
					t.Errorf("heard %q", h.msg)
				case <-time.After(late):
				}
			} else {
				<-two.heard
				if took := time.Since(begin); took < c.wait || c.wait == 0 && took >= late {
					t.Errorf("it took %v, want %v", took, c.wait)
				}
			}
			c.at.faults.Mend(3)
			one.Send(two.at, []byte("mended"))
			if h := <-two.heard; h.msg != "mended" {
				t.Errorf("heard %q after the fault", h.msg)
			}
		})
	}
}

func TestMessagesArriveTwice(t *testing.T) {
	a, port := newAuthority(t), freePort(t)
	one, two := newStation(t, a, "127.0.0.2", port), newStation(t, a, "127.0.0.3", port)
	persuade(t, one, two, "warm")
	for _, c := range []struct {
		name string
		at   *station
		with Fault
		want int
	}{
		{"on the way out", one, Fault{Out: true, Twice: scenarios.Whole}, 2},
		{"on the way in", two, Fault{In: true, Twice: scenarios.Whole}, 2},
		{"with a delay", one, Fault{Out: true, Twice: scenarios.Whole, Delay: scenarios.Span{Max: 20 * time.Millisecond}}, 2},
		{"of the other direction", one, Fault{In: true, Twice: scenarios.Whole}, 1},
		{"of others", one, Fault{Peers: []netip.Addr{one.at}, In: true, Out: true, Twice: scenarios.Whole}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.with.ID = 3
			c.at.faults.Strike(c.with)
			defer c.at.faults.Mend(3)
			one.Send(two.at, []byte("again"))
			got := 0
			for over := time.After(150 * time.Millisecond); over != nil; {
				select {
				case <-two.heard:
					got++
				case <-over:
					over = nil
				}
			}
			if got != c.want {
				t.Errorf("it arrived %d times, want %d", got, c.want)
			}
		})
	}
}

func TestFrames(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		msgs := rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(rt, "messages")
		var wire []byte
		for _, m := range msgs {
			wire = appendFrame(wire, m)
		}
		r := bytes.NewReader(wire)
		for i, m := range msgs {
			got, err := readFrame(r)
			if err != nil || !bytes.Equal(got, m) {
				rt.Fatalf("message %d: %v, %v; want %v", i, got, err, m)
			}
		}
		if len(wire) > 0 {
			cut := rapid.IntRange(0, len(wire)-1).Draw(rt, "cut")
			r := bytes.NewReader(wire[:cut])
			for read := 0; ; read++ {
				if _, err := readFrame(r); err != nil {
					break
				}
				if read == len(msgs) {
					rt.Fatal("a stream that was cut gave every message")
				}
			}
		}
	})
	if _, err := readFrame(bytes.NewReader([]byte{0xff, 0xff, 0xff, 0xff})); err == nil {
		t.Error("a message of 4 GiB was taken")
	}
}
