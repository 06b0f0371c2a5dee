package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"firedrill/model"
	"firedrill/scenarios"
)

// TestFlowsStayWhileTheAddressMoves has three engines in network namespaces that share a service, and a client whose flows must stay where they are
// while the address moves. The test plays the data path: it says where segments belong that the kernel does not know.
func TestFlowsStayWhileTheAddressMoves(t *testing.T) {
	needNamespaces(t)
	at := netip.MustParseAddrPort("198.19.2.1:80")
	l := newLab(t)
	client := l.machine(ClientNearby, []netip.Addr{scenarios.NearbyClientIP(1)})
	inside(t, client.ns, func() { settleForTest(t, client, scenarios.NearbyClientIP(1)) })
	var engines [4]*frameEngine // by number
	for i := 1; i <= 3; i++ {
		engines[i] = newFrameEngine(t, l, i, at)
	}
	if t.Failed() {
		return
	}
	// begin opens a flow that the engine with the address leads to another one.
	begin := func(holder, to int) *frameFlow {
		t.Helper()
		engines[holder].leadsTo(to)
		f := &frameFlow{t: t}
		inside(t, client.ns, func() {
			var err error
			if f.Conn, err = net.DialTimeout("tcp4", at.String(), 3*time.Second); err != nil {
				t.Fatalf("flow led to engine-%d: %v", to, err)
			}
		})
		t.Cleanup(func() { f.Close() })
		f.r = bufio.NewReader(f.Conn)
		return f
	}

	engines[1].take(at.Addr())
	two, one := begin(1, 2), begin(1, 1)
	for range 3 {
		two.want("engine-2", 10)
		one.want("engine-1", 10)
	}
	two.want("engine-2", 3<<20) // in frames that are larger than those of a wire
	engines[1].wantShown(2, 0)
	engines[1].share(at, 1, 2, 3, 4) // who comes changes nothing
	two.want("engine-2", 10)
	engines[1].wantShown(0, 0)
	engines[1].leadsTo(2)
	engines[1].share(at, 1, 2, 3) // but who leaves may take flows along
	two.want("engine-2", 10)
	engines[1].wantShown(0, 1)
	time.Sleep(100 * time.Millisecond) // until the client has acknowledged everything

	inside(t, engines[1].ns, func() { // engine-1 dies
		for _, name := range []string{"eth0", "eth1"} {
			link, err := netlink.LinkByName(name)
			if err == nil {
				err = netlink.LinkSetDown(link)
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	engines[3].leadsTo(2)
	engines[3].take(at.Addr())
	two.want("engine-2", 10)
	two.want("engine-2", 3<<20)
	engines[3].wantShown(0, 1)
	engines[3].leadsTo(3)
	if _, err := one.ask(10); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the flow of the engine that died: %v, want a reset", err)
	}
	three := begin(3, 3)
	three.want("engine-3", 10)

	engines[2].leadsTo(3)
	engines[2].take(at.Addr())
	engines[3].giveUp(at.Addr())
	two.want("engine-2", 10)
	engines[2].wantShown(0, 0) // it answered on this flow, and knows it
	three.want("engine-3", 10)
	engines[2].wantShown(0, 1)

	inside(t, client.ns, func() { // the client's ARP cache goes stale
		link, err := netlink.LinkByName("eth0")
		if err == nil {
			err = netlink.NeighSet(&netlink.Neigh{LinkIndex: link.Attrs().Index, IP: at.Addr().AsSlice(),
				HardwareAddr: HardwareAddr(scenarios.EngineDataIP(3)), State: netlink.NUD_PERMANENT})
		}
		if err != nil {
			t.Error(err)
		}
		if c, err := net.DialTimeout("tcp4", at.String(), 300*time.Millisecond); err == nil || reasonOf(err) != "silence" {
			t.Errorf("an engine that has given the address up: %v, %v; want silence", c, err)
		}
	})
	_ = three.SetDeadline(time.Now().Add(300 * time.Millisecond))
	if by, err := three.ask(10); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("an engine that has given the address up answers on a flow as %q, %v; want silence", by, err)
	}
}

func TestSegment(t *testing.T) {
	ip := func(rt *rapid.T, name string) []byte { return rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(rt, name) }
	rapid.Check(t, func(rt *rapid.T) {
		client, service, data := ip(rt, "client"), ip(rt, "service"), rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(rt, "data")
		flags := rapid.SampledFrom([]byte{flagSYN, flagSYN | flagACK, flagACK, flagRST}).Draw(rt, "flags")
		packet := slices.Concat([]byte{0x45, 0, 0, byte(40 + len(data)), 0, 0, 0, 0, 64, unix.IPPROTO_TCP, 0, 0}, client, service,
			[]byte{1, 2, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 0, 0, 0xab, 0xcd, 0, 0}, data)
		want := model.Flow{
			Client:  netip.AddrPortFrom(netip.AddrFrom4([4]byte(client)), 0x102),
			Service: netip.AddrPortFrom(netip.AddrFrom4([4]byte(service)), 80),
		}
		padded := append(slices.Clone(packet), 0, 0)
		if s := parseSegment(padded); s == nil || s.flow != want || s.begins != (flags == flagSYN) || len(s.packet) != len(packet) {
			rt.Fatalf("%x was read as %+v", packet, s)
		}
		if s := parseSegment(slices.Clone(packet[:rapid.IntRange(0, len(packet)-1).Draw(rt, "cut")])); s != nil {
			rt.Fatalf("a part of %x was read as %+v", packet, s)
		}
		parseSegment(rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(rt, "noise"))
	})
}

func TestSoughtFlows(t *testing.T) {
	var f soughtFlows
	s := &segment{flow: model.Flow{Client: netip.MustParseAddrPort("198.19.4.1:1")}}
	if first, second := f.wait(s), f.wait(s); !first || second {
		t.Errorf("a flow is sought anew by its segments: %v, %v; want by the first alone", first, second)
	}
	for range 2 * mostWaiting {
		f.wait(s)
	}
	if got := len(f.end(s.flow)); got != mostWaiting {
		t.Errorf("%d segments have waited, want %d", got, mostWaiting)
	}
	if !f.wait(s) {
		t.Error("a flow that is sought no more is not sought again")
	}
}

func settleForTest(t *testing.T, m *labMachine, own ...netip.Addr) *Addresses {
	a, err := Settle(m.spec.Networks, own, quiet)
	if err != nil {
		t.Error(err)
		return nil
	}
	t.Cleanup(a.Close)
	return a
}

// frameEngine is an engine that answers each question of so many bytes with its name.
type frameEngine struct {
	*labMachine
	t         *testing.T
	number    int
	name      string
	addresses *Addresses
	frames    *frames

	mu              sync.Mutex
	to              netip.Addr // where segments are led; invalid: nowhere else
	begins, unknown int        // segments that were shown since the last look
}

func newFrameEngine(t *testing.T, l *lab, number int, at netip.AddrPort) *frameEngine {
	e := &frameEngine{t: t, number: number, name: fmt.Sprintf("engine-%d", number)}
	own := []netip.Addr{scenarios.EngineManagementIP(number), scenarios.EngineDataIP(number)}
	e.labMachine = l.machine(e.name, own)
	inside(t, e.ns, func() {
		writeFile(t, forwardSetting, "0")
		if e.addresses = settleForTest(t, e.labMachine, own...); e.addresses == nil {
			return
		}
		var err error
		if e.frames, err = newFrames(own[1]); err != nil {
			t.Error(err)
			return
		}
		p := &DataPath{frames: e.frames}
		lc := net.ListenConfig{Control: p.serviceSocket}
		e.share(at, 1, 2, 3)
		listener, err := lc.Listen(t.Context(), "tcp4", at.String())
		if err != nil {
			t.Error(err)
			return
		}
		var work sync.WaitGroup
		work.Go(func() { e.serve(listener, &work) })
		work.Go(e.lead)
		t.Cleanup(func() {
			listener.Close()
			_ = e.frames.shown.SetReadDeadline(time.Now())
			work.Wait()
			e.frames.close()
		})
	})
	return e
}

// share shares a service between engines, by their numbers.
func (e *frameEngine) share(at netip.AddrPort, engines ...int) {
	e.t.Helper()
	var others []netip.Addr
	for _, n := range engines {
		if n != e.number {
			others = append(others, scenarios.EngineDataIP(n))
		}
	}
	if err := e.frames.share(map[netip.AddrPort][]netip.Addr{at: others}); err != nil {
		e.t.Error(err)
	}
}

func (e *frameEngine) serve(l net.Listener, work *sync.WaitGroup) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		work.Go(func() {
			defer c.Close()
			stop := context.AfterFunc(e.t.Context(), func() { c.Close() })
			defer stop()
			for r := bufio.NewReader(c); ; {
				if _, err := r.ReadSlice('\n'); err != nil && !errors.Is(err, bufio.ErrBufferFull) {
					return
				} else if err == nil {
					fmt.Fprintln(c, e.name)
				}
			}
		})
	}
}

func (e *frameEngine) lead() {
	for {
		segments, err := e.frames.receive()
		if err != nil {
			return
		}
		e.mu.Lock()
		for _, s := range segments {
			if s.begins {
				e.begins++
			} else {
				e.unknown++
			}
			if e.to.IsValid() {
				err = e.frames.passOn(s, e.to)
			} else {
				err = e.frames.take(s)
			}
			if err != nil && !errors.Is(err, unix.EMSGSIZE) {
				e.t.Errorf("%s: %v", e.name, err)
			}
		}
		e.mu.Unlock()
	}
}

func (e *frameEngine) leadsTo(engine int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.to = scenarios.EngineDataIP(engine); engine == e.number {
		e.to = netip.Addr{}
	}
}

func (e *frameEngine) take(ip netip.Addr) {
	e.t.Helper()
	inside(e.t, e.ns, func() {
		if err := e.frames.hold(ip, true); err != nil || !e.addresses.add(ip) || !e.addresses.announce(ip) {
			e.t.Errorf("%s does not take the address: %v", e.name, err)
		}
	})
	time.Sleep(20 * time.Millisecond)
}

func (e *frameEngine) giveUp(ip netip.Addr) {
	e.t.Helper()
	inside(e.t, e.ns, func() {
		if !e.addresses.remove(ip) {
			e.t.Errorf("%s does not give the address up", e.name)
		}
		if err := e.frames.hold(ip, false); err != nil {
			e.t.Error(err)
		}
	})
}

// wantShown wants that so many segments were shown since the last time.
func (e *frameEngine) wantShown(begins, unknown int) {
	e.t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.begins != begins || e.unknown != unknown {
		e.t.Errorf("%s was shown %d segments that begin a flow and %d of flows that it does not know, want %d and %d",
			e.name, e.begins, e.unknown, begins, unknown)
	}
	e.begins, e.unknown = 0, 0
}

// frameFlow is a flow of the client.
type frameFlow struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

// ask sends so many bytes, and returns who has them.
func (f *frameFlow) ask(size int) (by string, err error) {
	if _, err := io.WriteString(f, strings.Repeat("?", size-1)+"\n"); err != nil {
		return "", err
	}
	line, err := f.r.ReadString('\n')
	return strings.TrimSpace(line), err
}

func (f *frameFlow) want(by string, size int) {
	f.t.Helper()
	_ = f.SetDeadline(time.Now().Add(5 * time.Second))
	if got, err := f.ask(size); err != nil || got != by {
		f.t.Errorf("%d bytes were answered by %q, %v; want %s", size, got, err, by)
	}
}
