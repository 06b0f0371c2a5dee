package node

import (
	"net/netip"
	"time"

	"firedrill/checker/history"
	"firedrill/model"
	"firedrill/scenarios"
	"firedrill/scenarios/clients"
)

// apiWatch is a [model.Node] that probes the configuration API by a linearizable read, at the controller that answered
// last. While the API is dark every controller is asked at once, because a client does not know which will lead next.
type apiWatch struct {
	client  string
	probes  scenarios.Probes
	members func() []netip.Addr
	clock   *Clock
	record  *Recorder

	env     model.Env
	pace    clients.Pace
	leader  netip.Addr
	number  uint64
	pending map[uint64]*pendingProbe
}

type pendingProbe struct {
	sent  int64
	asked int // how many were asked and have not refused
}

// timerProbe plans the next probe; the timer of probe n, which ends its patience, is timerProbe+n.
const timerProbe model.TimerID = 1

// Start implements [model.Node].
func (a *apiWatch) Start(env model.Env) {
	a.env, a.pace, a.pending = env, clients.NewPace(a.probes), make(map[uint64]*pendingProbe)
	env.SetTimer(timerProbe, a.pace.First(0))
}

// Timer implements [model.Node].
func (a *apiWatch) Timer(id model.TimerID) {
	if id == timerProbe {
		a.probe()
		return
	}
	a.finish(uint64(id-timerProbe), false, "", "silence")
}

// Checked implements [model.Node]; nothing is checked.
func (a *apiWatch) Checked(model.CheckID, bool) {}

func (a *apiWatch) probe() {
	a.number++
	ask := []netip.Addr{a.leader}
	if a.pace.Dark() || !a.leader.IsValid() {
		ask = a.members()
	}
	a.pending[a.number] = &pendingProbe{int64(a.clock.Run()), len(ask)}
	for _, c := range ask {
		a.env.Send(c, clients.APIProbe(a.number))
	}
	a.env.SetTimer(timerProbe+model.TimerID(a.number), a.probes.Timeout.Std())
	a.next(a.pace.Next())
}

func (a *apiWatch) next(after time.Duration) { a.env.SetTimer(timerProbe, after) }

// Receive implements [model.Node]. A probe has failed when all who were asked said no.
func (a *apiWatch) Receive(from netip.Addr, msg []byte) {
	answer, ok := clients.ReadAPIAnswer(msg)
	p := a.pending[answer.Number]
	switch {
	case !ok || p == nil:
		if ok && answer.Refusal == "" {
			a.leader = from
		}
	case answer.Refusal == "":
		a.leader = from
		a.finish(answer.Number, true, answer.Controller, "")
	default:
		if p.asked--; p.asked == 0 {
			a.finish(answer.Number, false, answer.Controller, answer.Refusal)
		}
	}
}

// finish records the fate of a probe and adapts the pace.
func (a *apiWatch) finish(number uint64, ok bool, by, reason string) {
	p := a.pending[number]
	if p == nil {
		return
	}
	delete(a.pending, number)
	a.env.StopTimer(timerProbe + model.TimerID(number))
	a.record.Record(history.Event{Type: history.Probe, Service: "api", Client: a.client, Sent: p.sent, OK: ok, By: by, Reason: reason})
	switch a.pace.Finished(p.sent, ok) {
	case clients.Slower:
		a.next(a.probes.Every.Std())
	case clients.AtOnce:
		a.probe()
	}
}
