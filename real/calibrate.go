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
	measureStart = 8
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
	r := newRun(&quiet, c, fail)
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
	starts, err := r.starts(ctx, r.byName["engine-1"])
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

// starts times how long a machine that was killed takes until its process has begun.
func (r *run) starts(ctx context.Context, m *machine) ([]time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []time.Duration
	for range measureStart {
		if _, err := m.kill(ctx); err != nil {
			return nil, err
		}
		begun := make(chan struct{})
		speaks := sync.OnceFunc(func() { close(begun) })
		began := time.Now()
		if err := m.start(ctx, func([]byte) { speaks() }); err != nil {
			return nil, err
		}
		if err := m.tell(r.began); err != nil {
			return nil, err
		}
		select {
		case <-begun:
			all = append(all, time.Since(began))
		case <-m.voice.fell:
			return nil, fmt.Errorf("%s ended by itself:\n%s", m.Name, m.voice.said.String())
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return all, nil
}
