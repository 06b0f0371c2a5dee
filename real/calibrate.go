package real

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"firedrill/real/node"
	"firedrill/scenarios"
)

// How often each thing is measured.
const (
	measureOften = 300
	measureStart = 6
)

// Calibrate measures this machine while the cluster of a plan runs on it, without its faults: an idle machine would flatter.
// The plan has an engine, a server and a service that is watched from nearby.
func (d *Docker) Calibrate(ctx context.Context, plan *scenarios.Scenario) (p *scenarios.Profile, err error) {
	quiet := *plan
	quiet.Faults = nil
	c, err := d.newCluster(ctx, append(quiet.Nodes(), clientNodes...), false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.remove()) }()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	r := newRun(ctx, &quiet, c, fail)
	defer func() { r.hypervisor.close() }()
	r.forgetful = true
	if err := r.install(node.Spec{Seed: 1}); err != nil {
		return nil, err
	}
	if err := r.boot(ctx, nil); err != nil {
		return nil, r.cause(ctx, err)
	}
	if p, err = r.measure(ctx); err != nil {
		return nil, r.cause(ctx, err)
	}
	return p, nil
}

// measure takes one thing after the other, so that none disturbs another.
func (r *run) measure(ctx context.Context) (*scenarios.Profile, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return nil, err
	}
	p := &scenarios.Profile{Version: scenarios.ProfileVersion, Kernel: unix.ByteSliceToString(name.Release[:]), Processors: runtime.GOMAXPROCS(0)}
	service := r.plan.Config.Services[0]
	for _, m := range []struct {
		into       *scenarios.Measured
		at         string
		what, whom string
	}{
		{&p.Request, node.ClientNearby, node.MeasureRequest, fmt.Sprintf("%v:%d", service.VIP, service.Port)}, // first: it waits until all serve
		{&p.LinkRoundTrip, node.ClientNearby, node.MeasureLink, scenarios.EngineDataIP(1).String()},
		{&p.DiskSync, "controller-1", node.MeasureDisk, ""},
		{&p.TimerLateness, "engine-1", node.MeasureTimer, ""},
	} {
		all, err := r.byName[m.at].measure(ctx, m.what, m.whom)
		if err != nil {
			return nil, err
		}
		*m.into = scenarios.NewMeasured(all)
	}
	starts, err := r.starts(ctx, r.called([]string{"engine-1", "engine-2"}))
	if err != nil {
		return nil, err
	}
	p.ContainerStart = scenarios.NewMeasured(starts)
	return p, nil
}

// measure has a container measure something.
func (m *machine) measure(ctx context.Context, what, whom string) ([]time.Duration, error) {
	args := []string{"measure", what, strconv.Itoa(measureOften)}
	if whom != "" {
		args = append(args, whom)
	}
	said, err := m.command(ctx, args...)
	if err != nil {
		return nil, err
	}
	var all []time.Duration
	if err := json.Unmarshal([]byte(said), &all); err != nil || len(all) == 0 {
		return nil, fmt.Errorf("`node measure %s` in the container of %s says %q, which are no durations", what, m.Name, said)
	}
	return all, nil
}

// starts times how long machines that were killed take until their processes have begun. They are started at the same time, as
// a fault that strikes several does at its end: a container engine starts one after the other.
func (r *run) starts(ctx context.Context, ms []*machine) ([]time.Duration, error) {
	var mu sync.Mutex
	var all []time.Duration
	for range measureStart {
		if err := inParallel(ms, func(m *machine) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			_, err := m.kill(ctx)
			return err
		}); err != nil {
			return nil, err
		}
		began := time.Now()
		if err := inParallel(ms, func(m *machine) error {
			err := r.startAndHear(ctx, m)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, time.Since(began))
			return err
		}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// startAndHear starts a machine and returns when it says its first word.
func (r *run) startAndHear(ctx context.Context, m *machine) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	begun := make(chan struct{})
	speaks := sync.OnceFunc(func() { close(begun) })
	if err := m.start(ctx, func(*voice, []byte) { speaks() }); err != nil {
		return err
	}
	if err := m.tell(node.Message{Epoch: r.began}); err != nil {
		return err
	}
	select {
	case <-begun:
		return nil
	case <-m.voice.Load().fell:
		return fmt.Errorf("%s ended by itself:\n%s", m.Name, m.voice.Load().said.String())
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
