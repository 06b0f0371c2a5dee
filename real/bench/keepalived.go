package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"firedrill/checker"
	"firedrill/checker/history"
)

const service = "web"

// All addresses are from the range that is set aside for tests (RFC 2544).
var vip = netip.MustParseAddr("198.19.200.100")

// prefix begins the names of the namespaces.
const prefix = "fdbench-"

// lab is a bridge with two routers and a client, each in a network namespace. The bridge is in one too: there, no rule that a
// container engine has laid for the machine's own bridges drops its frames.
type lab struct{ dir string }

func (l *lab) ip(ctx context.Context, command string) error {
	out, err := exec.CommandContext(ctx, "ip", strings.Fields(command)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: `ip %s` says: %s", errUnavailable, command, bytes.TrimSpace(out))
	}
	return nil
}

// build lays the network out.
func (l *lab) build(ctx context.Context) error {
	l.remove()
	commands := []string{"netns add " + prefix + "hub", "-n " + prefix + "hub link add br0 type bridge", "-n " + prefix + "hub link set br0 up"}
	for i, name := range []string{"a", "b", "client"} {
		ns := prefix + name
		commands = append(commands,
			"netns add "+ns,
			fmt.Sprintf("-n %shub link add name port-%s type veth peer name eth0 netns %s", prefix, name, ns),
			fmt.Sprintf("-n %shub link set port-%s master br0 up", prefix, name),
			fmt.Sprintf("-n %s addr add 198.19.200.%d/24 dev eth0", ns, i+1),
			"-n "+ns+" link set lo up",
			"-n "+ns+" link set eth0 up",
		)
	}
	for _, c := range commands {
		if err := l.ip(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) remove() {
	for _, name := range []string{"a", "b", "client", "hub"} {
		_ = exec.Command("ip", "netns", "del", prefix+name).Run() // which need not be there
	}
}

// in starts a program in a namespace; the result ends it, and waits for that.
func (l *lab) in(ctx context.Context, ns string, out *bytes.Buffer, args ...string) (end func(os.Signal), err error) {
	c := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", prefix + ns}, args...)...) // which becomes the program
	if out != nil {
		c.Stdout = out
	}
	c.WaitDelay = time.Second
	if err := c.Start(); err != nil {
		return nil, err
	}
	return func(s os.Signal) {
		_ = c.Process.Signal(s)
		_ = c.Wait() // ended by a signal
	}, nil
}

// router is what keepalived is told: no preemption, because a takeover is measured and not the way back; version 3 of VRRP
// (RFC 5798), because version 2 knows whole seconds only.
const router = `global_defs {
  vrrp_version 3
  vrrp_garp_master_refresh 1
}
vrrp_instance bench {
  state BACKUP
  nopreempt
  interface eth0
  virtual_router_id 51
  priority %d
  advert_int 0.1
  virtual_ipaddress {
    %v/24
  }
}
`

// takeovers kills the master so many times and returns how long the service was dark.
func takeovers(ctx context.Context, n int) ([]time.Duration, error) {
	var all []time.Duration
	for unseen := 0; len(all) < n; {
		dark, err := inLab(ctx)
		if errors.Is(err, errUnseen) && unseen < unseenMost {
			unseen++
			fmt.Println("played again:", err)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("takeover %d of keepalived: %w", len(all)+1, err)
		}
		all = append(all, dark)
		fmt.Printf("keepalived %d of %d: %v\n", len(all), n, round(dark))
	}
	return all, nil
}

// errUnseen is a kill that no client noticed: on a busy machine the two may both hold the address for a moment.
var errUnseen = fmt.Errorf("%w: no client noticed the kill", errUnavailable)

const (
	unseenMost = 5 // of those that are played again

	settles = 2 * time.Second // until one is the master, and has served for a while
	after   = 5 * time.Second // in which the other must have taken over
)

// inLab plays one takeover in a lab of its own: keepalived does not start where the file of an earlier one names a process.
func inLab(ctx context.Context) (time.Duration, error) {
	dir, err := os.MkdirTemp("", "firedrill-bench")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	l := &lab{dir}
	defer l.remove()
	return l.takeover(ctx)
}

func (l *lab) takeover(ctx context.Context) (time.Duration, error) {
	if err := l.build(ctx); err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	var record bytes.Buffer
	var ends []func(os.Signal)
	defer func() {
		for _, end := range ends {
			end(unix.SIGTERM) // keepalived ends its child, too
		}
	}()
	start := func(ns string, out *bytes.Buffer, args ...string) error {
		end, err := l.in(ctx, ns, out, args...)
		if err == nil {
			ends = append(ends, end)
		}
		return err
	}
	for i, ns := range []string{"a", "b"} {
		conf := filepath.Join(l.dir, ns+".conf")
		if err := os.WriteFile(conf, fmt.Appendf(nil, router, 200-50*i, vip), 0o600); err != nil {
			return 0, err
		}
		pid := l.pid(ns)
		err := errors.Join(start(ns, nil, self, "serve"), start(ns, nil, "keepalived", "--dont-fork", "--vrrp", "--use-file="+conf,
			"--pid="+pid+".pid", "--vrrp_pid="+pid+"-vrrp.pid"))
		if err != nil {
			return 0, err
		}
	}
	watching, err := l.in(ctx, "client", &record, self, "watch")
	if err != nil {
		return 0, err
	}
	wait(ctx, settles+rand.N(100*time.Millisecond)) // at any moment of the interval
	master, err := l.master(ctx)
	if err != nil {
		return 0, err
	}
	killed := monotonic()
	if err := l.kill(ctx, master); err != nil {
		return 0, err
	}
	wait(ctx, after)
	heir := l.whoHolds(ctx)
	watching(unix.SIGTERM)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	dark, err := judge(&record, killed)
	if err == nil && dark >= after { // it counts, as no less than this, and is told
		fmt.Printf("the service was still dark after %v; the address is held by %q\n", after, heir)
	}
	return dark, err
}

// pid begins the names of the files in which keepalived tells its processes.
func (l *lab) pid(ns string) string { return filepath.Join(l.dir, ns) }

// master tells who holds the address at present: on a busy machine that may change without anybody being killed.
func (l *lab) master(ctx context.Context) (string, error) {
	if ns := l.whoHolds(ctx); ns != "" {
		return ns, nil
	}
	return "", fmt.Errorf("%w: nobody has taken the address within %v", errUnavailable, settles)
}

// whoHolds names the one that is up and holds the address, or nobody.
func (l *lab) whoHolds(ctx context.Context) string {
	for _, ns := range []string{"a", "b"} {
		out, err := exec.CommandContext(ctx, "ip", "-n", prefix+ns, "-brief", "address", "show", "dev", "eth0", "up").Output()
		if err == nil && strings.Contains(string(out), vip.String()+"/") {
			return ns
		}
	}
	return ""
}

// kill ends the master as the end of a container does: its processes and its network at once.
func (l *lab) kill(ctx context.Context, ns string) error {
	for _, file := range []string{l.pid(ns) + ".pid", l.pid(ns) + "-vrrp.pid"} {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("%w: it has not started: %v", errUnavailable, err)
		}
		var process int
		if _, err := fmt.Sscan(string(text), &process); err != nil {
			return err
		}
		if err := unix.Kill(process, unix.SIGKILL); err != nil {
			return err
		}
	}
	return l.ip(ctx, "-n "+prefix+ns+" link set eth0 down")
}

// judge finds the outage in a record of probes, as it does in every run.
func judge(record *bytes.Buffer, killed int64) (time.Duration, error) {
	h := &history.History{Header: history.Header{
		Format: history.Format, Version: history.Version, Scenario: "keepalived", World: "bench", Services: []history.Service{{Name: service}},
		Nodes: []history.Node{{Name: "router", Role: "engine"}},
	}}
	var first int64
	for d := json.NewDecoder(record); d.More(); {
		var e history.Event
		if err := d.Decode(&e); err != nil {
			return 0, err
		}
		if first == 0 {
			first = e.Sent
		}
		h.Events = append(h.Events, e)
	}
	fault := history.Event{Time: killed, Type: history.Fault, Step: 1, Fault: "crash", Target: "router", Resolved: []string{"router"}, Phase: history.Begin}
	i, _ := slices.BinarySearchFunc(h.Events, killed, func(e history.Event, at int64) int { return int(e.Time - at) })
	h.Events = slices.Insert(h.Events, i, fault)
	for i := range h.Events { // the format counts from the beginning of the run
		h.Events[i].Time -= first
		if h.Events[i].Type == history.Probe {
			h.Events[i].Sent -= first
		}
	}
	h.Events = append(h.Events, history.Event{Time: h.Events[len(h.Events)-1].Time, Type: history.End})
	result := checker.Judge(h)
	dark := longest(result.Outages, func(o *checker.Outage) bool { return o.Fault == "crash" })
	if dark == 0 {
		return 0, fmt.Errorf("%w (%d probes, %d outages)", errUnseen, result.Probes, len(result.Outages))
	}
	return dark, nil
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func monotonic() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // there is one since Linux 2.6
	return t.Nano()
}
