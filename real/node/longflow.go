package node

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"time"

	"firedrill/checker/history"
	"firedrill/scenarios"
)

// flowPatience is how long a client waits for an answer before it gives the flow up. It is far longer than a takeover
// takes: TCP sends again.
const flowPatience = 3 * time.Second

// longFlow is one place for a flow that a client keeps open, a request on it every so often; when the flow has broken, the
// next one takes the place.
type longFlow struct {
	client  string
	service string
	address netip.AddrPort
	first   time.Duration // after the beginning
	every   time.Duration
	clock   *Clock
	record  *Recorder
	opened  *atomic.Uint64 // numbers the flows of a client
}

// longFlows are those of a plan.
func longFlows(plan *scenarios.Scenario, client string, clock *Clock, record *Recorder) []*longFlow {
	var out []*longFlow
	opened := new(atomic.Uint64)
	w := plan.Workload.Flows
	for _, vs := range plan.Config.Services {
		for range w.PerService {
			out = append(out, &longFlow{
				client: client, service: vs.Name, address: netip.AddrPortFrom(vs.VIP, vs.Port),
				every: w.Every.Std(), clock: clock, record: record, opened: opened,
			})
		}
	}
	for i, l := range out {
		l.first = w.From.Std() + time.Duration(i)*l.every/time.Duration(len(out))
	}
	return out
}

func (l *longFlow) run(ctx context.Context) {
	turn := time.NewTicker(l.every)
	defer turn.Stop()
	if sleep(ctx, l.first) != nil {
		return
	}
	turn.Reset(l.every)
	for ctx.Err() == nil {
		l.live(ctx, turn.C)
		select {
		case <-ctx.Done():
		case <-turn.C:
		}
	}
}

// live opens a flow and keeps it until it breaks. That it has begun is known from its first answer, which also tells where.
func (l *longFlow) live(ctx context.Context, turn <-chan time.Time) {
	sent := int64(l.clock.Run())
	opening, cancel := context.WithTimeout(ctx, flowPatience)
	s, err := openSession(opening, l.address)
	cancel()
	if err != nil {
		return
	}
	defer s.close()
	var number uint64
	var by answerer
	for {
		asking, cancel := context.WithTimeout(ctx, flowPatience)
		who, err := s.ask(asking)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !errors.As(err, new(statusError)): // an engine that says that a server is gone still keeps the flow
			if number > 0 {
				l.tell(history.Event{Op: number, Phase: history.Finish, By: by.engine, Reason: brokenBy(by.engine, reasonOf(err))})
			}
			return
		case number == 0:
			number = l.opened.Add(1)
			l.tell(history.Event{Op: number, Phase: history.Begin, Sent: sent, By: who.engine, Server: who.server})
		}
		by = who
		select {
		case <-ctx.Done():
			return
		case <-turn:
		}
	}
}

func brokenBy(engine, reason string) string {
	if reason == "reset" {
		return "reset by " + engine
	}
	return reason
}

func (l *longFlow) tell(e history.Event) {
	e.Type, e.Client, e.Service = history.Flow, l.client, l.service
	l.record.Record(e)
}
