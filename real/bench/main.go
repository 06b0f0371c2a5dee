// Command bench sets a takeover of ours beside one of keepalived (VRRP), on this machine and in the same minutes: who stands
// in for a dead machine sooner? `make bench-real` runs it, as root.
//
// Keepalived runs in two network namespaces on a bridge, with advert_int 0.1, which lets a dead master be missed after three
// advertisements and the skew; ours is the scenario real-legacy-active-killed on containers, where three heartbeats of
// 100 ms are missed. Both are killed at any moment of their interval, with SIGKILL, and their network ends with them. Both
// are watched by the same code, that of package node: a probe every 100 ms, and every 5 ms once one has failed; the outage counts from the kill.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"firedrill/checker"
	"firedrill/real/node"
	"firedrill/reports"
	"firedrill/scenarios"
)

// scenario is ours.
const scenario = "real-legacy-active-killed"

// unavailable is the exit status where keepalived cannot run.
const unavailable = 3

var errUnavailable = errors.New("keepalived cannot run here")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch n := flag.Int("n", 20, "how many takeovers of each"); {
	case len(os.Args) > 1 && os.Args[1] == "serve":
		err = serve(ctx)
	case len(os.Args) > 1 && os.Args[1] == "watch":
		err = node.Watch(ctx, service, netip.AddrPortFrom(vip, 80), probes, os.Stdout)
	default:
		flag.Parse()
		err = bench(ctx, *n)
	}
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	if errors.Is(err, errUnavailable) {
		os.Exit(unavailable)
	}
	os.Exit(1)
}

// bench measures both and prints what came of it.
func bench(ctx context.Context, n int) error {
	if n < 1 {
		return fmt.Errorf("-n %d: at least one takeover is needed", n)
	}
	if err := install(ctx); err != nil {
		return err
	}
	theirs, err := takeovers(ctx, n)
	if err != nil {
		return err
	}
	show("keepalived", theirs)
	ours, err := play(ctx, n)
	if err != nil {
		return err
	}
	show("firedrill", ours)
	fmt.Printf("ratio of the medians, ours to theirs: %.2f\n", float64(at(ours, 50))/float64(at(theirs, 50)))
	return nil
}

// install sees to it that keepalived is there.
func install(ctx context.Context) error {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return fmt.Errorf("%w: it takes Linux, and root for network namespaces", errUnavailable)
	}
	if _, err := exec.LookPath("keepalived"); err == nil {
		return nil
	}
	fmt.Println("installing Debian's package keepalived")
	if out, err := exec.CommandContext(ctx, "sh", "-c", "apt-get update -q && apt-get install -qy --no-install-recommends keepalived").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: the package keepalived cannot be installed (%v): %s", errUnavailable, err, out[max(0, len(out)-300):])
	}
	return nil
}

// play is the same on containers. The runs leave their report in a folder that is printed if one fails.
func play(ctx context.Context, n int) ([]time.Duration, error) {
	dir, err := os.MkdirTemp("", "firedrill-bench")
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, "go", "run", ".", "run", "--world", "real", scenario, "--seeds", fmt.Sprintf("1..%d", n), "--jobs", "1", "--out", dir)
	c.Stdout, c.Stderr = io.Discard, os.Stderr
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	problem := c.Run()
	r, err := reports.ReadResults(filepath.Join(dir, reports.ResultsFile))
	if err != nil {
		return nil, errors.Join(problem, err)
	}
	if problem == nil {
		defer os.RemoveAll(dir)
	} else {
		fmt.Printf("some runs failed, see %s; they count all the same\n", filepath.Join(dir, reports.HTMLFile))
	}
	var all []time.Duration
	for _, run := range r.Runs {
		if worst := longest(run.Outages, func(o *checker.Outage) bool { return o.Service != "api" && o.Fault != "none" }); worst > 0 {
			all = append(all, worst)
		}
	}
	if len(all) == 0 {
		return nil, errors.Join(problem, errors.New("no run on containers had an outage"))
	}
	return all, nil
}

// longest is the longest of some outages: one number a takeover, because what goes dark by one fault is not independent.
func longest(all []checker.Outage, counts func(*checker.Outage) bool) (worst time.Duration) {
	for i := range all {
		if counts(&all[i]) {
			worst = max(worst, all[i].Duration)
		}
	}
	return worst
}

func show(who string, all []time.Duration) {
	fmt.Printf("%-10s n = %-3d median %-8v p99 %-8v max %v\n", who, len(all), round(at(all, 50)), round(at(all, 99)), round(at(all, 100)))
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// at is the least value that so many percent are not above.
func at(all []time.Duration, percent int) time.Duration {
	return slices.Sorted(slices.Values(all))[(len(all)*percent+99)/100-1]
}

// serve answers at every address of the namespace it runs in.
func serve(ctx context.Context) error {
	s := &http.Server{Addr: ":80", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "here") })}
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	return s.ListenAndServe()
}

// probes are those that a scenario has by default.
var probes = func() scenarios.Probes {
	s, err := scenarios.Find(scenario)
	if err != nil {
		panic(err) // it is part of this program
	}
	return s.Workload.Probes
}()
