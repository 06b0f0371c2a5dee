package node

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"go.uber.org/goleak"

	"firedrill/checker/history"
	"firedrill/scenarios"
)

// specVariable makes the test binary a container's process instead: it names the spec.
const specVariable = "FIREDRILL_TEST_SPEC"

func TestMain(m *testing.M) {
	if path := os.Getenv(specVariable); path != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := Run(ctx, Start{Spec: path}, bufio.NewReader(os.Stdin), os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// authority signs the containers of a test.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
}

func newAuthority(t testing.TB) *authority {
	a := &authority{}
	var der []byte
	der, a.key = a.sign(t, "firedrill test", true)
	a.cert, _ = x509.ParseCertificate(der)
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

func (a *authority) sign(t testing.TB, name string, self bool) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: self, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent, signer := a.cert, a.key
	if self {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

// spec is one of a container, signed.
func (a *authority) spec(t testing.TB, name, plan string) *Spec {
	t.Helper()
	der, key := a.sign(t, name, false)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &Spec{
		Name: name, Plan: plan, Token: "open sesame", Authority: a.pem,
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
	}
}

func newIdentity(t testing.TB, a *authority, name string) *Identity {
	t.Helper()
	i, err := NewIdentity(a.spec(t, name, ""))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// needNamespaces skips a test, loudly, where network namespaces cannot be made.
func needNamespaces(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root, for network namespaces: nothing here has been tested")
	}
	// A namespace is the thread's; a container engine has one process in each, and so has this test.
	probe := exec.Command("true")
	probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := probe.Run(); err != nil {
		t.Skipf("SKIPPED: no network namespaces here: %v", err)
	}
}

// lab is machines in network namespaces, plugged into bridges in a namespace of its own.
type lab struct {
	t        *testing.T
	dir      string
	bridges  netns.NsHandle
	machines map[string]*labMachine
	running  map[string]*labMachine
}

type labMachine struct {
	lab  *lab
	spec *Spec
	dir  string
	ns   netns.NsHandle
	cmd  *exec.Cmd
	out  *os.File
	log  bytes.Buffer
}

// inside runs f with this thread in a namespace.
func inside(t *testing.T, ns netns.NsHandle, f func()) {
	t.Helper()
	var failed error
	var wait sync.WaitGroup
	wait.Go(func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if failed = netns.Set(ns); failed == nil {
			f()
		}
	})
	wait.Wait()
	if failed != nil {
		t.Fatal(failed)
	}
}

func newNamespace(t *testing.T) netns.NsHandle {
	t.Helper()
	var ns netns.NsHandle
	var err error
	var wait sync.WaitGroup
	wait.Go(func() {
		runtime.LockOSThread()
		ns, err = netns.New()
	})
	wait.Wait()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	return ns
}

func newLab(t *testing.T) *lab {
	l := &lab{t: t, dir: t.TempDir(), bridges: newNamespace(t), machines: make(map[string]*labMachine), running: make(map[string]*labMachine)}
	inside(t, l.bridges, func() {
		for _, name := range []string{scenarios.NetworkManagement, scenarios.NetworkData, scenarios.NetworkEdge} {
			b := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name}}
			if err := netlink.LinkAdd(b); err != nil {
				t.Errorf("bridge: %v", err)
				return
			}
			if err := netlink.LinkSetUp(b); err != nil {
				t.Errorf("bridge: %v", err)
			}
		}
	})
	return l
}

// machine makes a namespace with an interface on each network that the addresses lie in, as a container engine would.
func (l *lab) machine(name string, own []netip.Addr) *labMachine {
	t := l.t
	t.Helper()
	m := &labMachine{lab: l, ns: newNamespace(t), dir: filepath.Join(l.dir, name), spec: &Spec{Name: name}}
	number := len(l.machines) + 1
	l.machines[name] = m
	for i, network := range networksOf(own) {
		handed := netip.MustParsePrefix(fmt.Sprintf("100.64.%d.%d/24", slices.Index([]string{"management", "data", "edge"}, network.name), number))
		m.spec.Networks = append(m.spec.Networks, Network{Name: network.name, Handed: handed.Masked()})
		device := fmt.Sprintf("eth%d", i)
		inside(t, l.bridges, func() {
			bridge, err := netlink.LinkByName(network.name)
			if err != nil {
				t.Error(err)
				return
			}
			veth := &netlink.Veth{
				LinkAttrs: netlink.LinkAttrs{Name: fmt.Sprintf("m%d-%d", number, i), MasterIndex: bridge.Attrs().Index},
				PeerName:  device, PeerNamespace: netlink.NsFd(m.ns),
			}
			if err := netlink.LinkAdd(veth); err != nil {
				t.Errorf("veth: %v", err)
				return
			}
			if err := netlink.LinkSetUp(veth); err != nil {
				t.Error(err)
			}
		})
		inside(t, m.ns, func() {
			link, err := netlink.LinkByName(device)
			if err == nil {
				err = netlink.AddrAdd(link, address(handed))
			}
			if err == nil {
				err = netlink.LinkSetUp(link)
			}
			if err != nil {
				t.Errorf("interface of %s: %v", name, err)
			}
		})
	}
	return m
}

// start runs the machine's process in its namespace, with what the spec says now.
func (m *labMachine) start() {
	t := m.lab.t
	t.Helper()
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(m.spec)
	if err == nil {
		err = os.WriteFile(m.file(SpecFile), data, 0o644)
	}
	if err == nil {
		m.out, err = os.OpenFile(m.dir+".jsonl", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	m.cmd = m.command(m.out)
	inside(t, m.ns, func() { err = m.cmd.Start() })
	if err != nil {
		t.Fatal(err)
	}
	m.lab.running[m.spec.Name] = m
	t.Cleanup(func() { _ = m.cmd.Process.Kill() }) // where the test ended early
}

func (m *labMachine) command(out *os.File) *exec.Cmd {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), specVariable+"="+m.file(SpecFile), "GOMAXPROCS=1")
	c.Stdout, c.Stderr = out, &m.log
	return c
}

func (m *labMachine) file(path string) string { return filepath.Join(m.dir, filepath.Base(path)) }

// kill ends the process at once, and its addresses with it, as the end of a container does.
func (m *labMachine) kill() {
	delete(m.lab.running, m.spec.Name)
	_ = m.cmd.Process.Kill()
	_ = m.cmd.Wait()
	_ = m.out.Close()
	inside(m.lab.t, m.ns, func() {
		links, _ := netlink.LinkList()
		for _, l := range links {
			old, _ := netlink.AddrList(l, netlink.FAMILY_V4)
			for i := range old {
				if ones, _ := old[i].Mask.Size(); ones == 32 {
					_ = netlink.AddrDel(l, &old[i])
				}
			}
		}
	})
}

// end ends what runs, clients first: they must not see the others go.
func (l *lab) end() {
	for _, clients := range []bool{true, false} {
		var all sync.WaitGroup
		for name, m := range l.running {
			if strings.HasPrefix(name, "client") == clients {
				all.Go(m.end)
			}
		}
		all.Wait()
	}
}

// end asks the process to end, and wants it to do so cleanly.
func (m *labMachine) end() {
	_ = m.cmd.Process.Signal(syscall.SIGTERM)
	if err := m.cmd.Wait(); err != nil {
		m.lab.t.Errorf("%s: %v\n%s", m.spec.Name, err, m.log.String())
	}
	_ = m.out.Close()
}

func monotonic(t *testing.T) time.Duration {
	t.Helper()
	c, err := NewClock()
	if err != nil {
		t.Fatal(err)
	}
	return c.Now()
}

// begin lets all machines begin, a moment from now.
func (l *lab) begin() time.Duration {
	at := monotonic(l.t) + 200*time.Millisecond
	for _, m := range l.machines {
		if err := os.WriteFile(m.file(EpochFile), []byte(strconv.FormatInt(int64(at), 10)), 0o644); err != nil {
			l.t.Fatal(err)
		}
	}
	return at
}

// history is what all machines and the test itself have recorded.
func (l *lab) history(plan *scenarios.Scenario, own ...history.Event) *history.History {
	l.t.Helper()
	h := &history.History{
		Header: history.Header{Scenario: plan.Name, World: scenarios.WorldReal, Expect: plan.Expect},
		Events: append(l.events(), own...),
	}
	slices.SortStableFunc(h.Events, func(a, b history.Event) int { return int(a.Time - b.Time) })
	h.Header.Services = append(h.Header.Services, history.Service{Name: "api"})
	for _, vs := range plan.Config.Services {
		h.Header.Services = append(h.Header.Services, history.Service{Name: vs.Name, Address: vs.VIP.String(), Group: vs.SEGroupRef})
	}
	for _, n := range plan.Nodes() {
		h.Header.Nodes = append(h.Header.Nodes, history.Node{Name: n.Name, Role: n.Role, Group: n.Group, Host: n.Host})
	}
	if path := os.Getenv("FIREDRILL_KEEP"); path != "" {
		defer func() { _ = h.WriteFile(path) }()
	}
	var file bytes.Buffer
	if err := history.Write(&file, h); err != nil {
		l.t.Fatal(err)
	}
	if _, err := history.Read("merged", &file); err != nil { // it is a history by the letter
		l.t.Fatal(err)
	}
	return h
}

// events are what all machines have recorded, in order.
func (l *lab) events() []history.Event {
	l.t.Helper()
	var out []history.Event
	for name, m := range l.machines {
		data, err := os.ReadFile(m.dir + ".jsonl")
		if err != nil {
			l.t.Fatal(err)
		}
		for line := range bytes.Lines(data) {
			var e history.Event
			if err := json.Unmarshal(line, &e); err != nil {
				l.t.Errorf("%s: %v: %s", name, err, line)
				continue
			}
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b history.Event) int { return int(a.Time - b.Time) })
	return out
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Error(err)
	}
}
