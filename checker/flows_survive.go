package checker

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/checker/words"
	"firedrill/model"
)

// defaultDrain is [history.Expect].Drain where a scenario says nothing, the vendor's vs_scalein_timeout.
const defaultDrain = 30 * time.Second

// drainSlack is how much later than planned a drain may be seen to end: clocks drift, and a flow that is idle learns it
// with its next request.
const drainSlack = 2 * time.Second

// checkFlowsSurvive follows the long flows of clients. A flow dies with its engine, or when one of a legacy pair gives its
// load up; it must not die with another engine: the primary's successor finds it where it is ("Virtual Service Scaling": flows on surviving engines survive). From an engine
// that a service is taken from it is moved when the time to drain is over, not before, and not much later.
func checkFlowsSurvive(h *evidence) []Violation {
	var out []Violation
	drains := h.drains()
	for _, f := range h.longFlows() {
		drained := slices.IndexFunc(drains, func(d drain) bool { return d.moves(f) })
		switch {
		case f.end == 0 && drained >= 0 && !drains[drained].struck && h.Events[len(h.Events)-1].Time-drains[drained].end > int64(drainSlack) &&
			!h.carriesAgain(f, drains[drained]):
			out = append(out, violation(drains[drained].end, nil, "flow %d to %s is still at %s, which has drained", f.op, f.service.Name, f.by))
		case f.end == 0 || f.by == "" || drained >= 0 || h.interrupted(f.by, f.begin, f.end) || h.hurt(f) || f.reason == "silence" && h.vacant(f.service.Address, f.end-int64(time.Second), f.end):
		default:
			out = append(out, violation(f.end, nil, "flow %d to %s broke at %s, which lived on and felt no fault (%s)", f.op, f.service.Name, f.by, f.reason))
		}
	}
	limit := cmp.Or(h.Header.Expect.Drain.Std(), defaultDrain)
	for _, d := range drains {
		took := time.Duration(d.end - d.begin)
		if d.struck {
			continue
		}
		if d.open && took > limit+drainSlack || d.over && (took < limit-limit/100 || took > limit+drainSlack) {
			out = append(out, violation(d.end, nil, "%s drained %s for %s; its time is %s", d.engine, d.address, words.Duration(took), words.Duration(limit)))
		}
	}
	return out
}

// longFlow is a flow of a client; end is 0 while it lasts.
type longFlow struct {
	op                 uint64
	service            history.Service
	by, server, reason string
	sent, begin, end   int64
}

func (h *evidence) longFlows() []*longFlow {
	if h.flows == nil {
		h.flows = h.findFlows()
	}
	return h.flows
}

func (h *evidence) findFlows() (out []*longFlow) {
	type key struct {
		client string
		op     uint64
	}
	flows := make(map[key]*longFlow)
	for i := range h.Events {
		e := &h.Events[i]
		if e.Type != history.Flow {
			continue
		}
		at := key{e.Client, e.Op}
		if f := flows[at]; f != nil && e.Phase == history.Begin {
			f.by, f.server = e.By, e.Server // two engines let it in, and this one has it
		} else if e.Phase == history.Begin {
			flows[at] = &longFlow{op: e.Op, service: h.service(e.Service), by: e.By, server: e.Server, sent: e.Sent, begin: e.Time}
			out = append(out, flows[at])
		} else if f != nil {
			f.by, f.reason, f.end = e.By, e.Reason, e.Time
		}
	}
	return out
}

func (h *evidence) service(name string) history.Service {
	for _, s := range h.Header.Services {
		if s.Name == name {
			return s
		}
	}
	return history.Service{Name: name}
}

// drain is the time in which an engine went on with flows to an address that it carried no more.
type drain struct {
	engine, address string
	begin, end      int64
	over            bool // its time has passed; it was not called off, because the engine carries the address again
	open            bool // it lasts until the end of the record
	struck          bool // a fault touched the engine meanwhile: one that is frozen ends a drain late
}

// moves tells whether a flow was at the engine, or on its way to it, and had to leave it at the end of the drain. One that a
// fault slows down may let in flows when it has begun to drain.
func (d drain) moves(f *longFlow) bool {
	const slack = int64(drainSlack) / 10
	return d.over && d.engine == f.by && d.address == f.service.Address && (f.begin <= d.begin+slack || d.struck && f.begin <= d.end) &&
		(f.end == 0 || f.end >= d.end-slack)
}

// carriesAgain tells whether the service came back to the engine at the end of the drain, before the flow had to learn of
// that.
func (h *evidence) carriesAgain(f *longFlow, d drain) bool {
	return slices.ContainsFunc(h.told, func(e *history.Event) bool {
		return is(e, model.EventPlaced) && e.Unit == f.service.Name && e.Time >= d.end && e.Time <= d.end+int64(drainSlack) &&
			slices.Contains(strings.Fields(e.Peer), d.engine)
	})
}

func (h *evidence) drains() (out []drain) {
	for _, e := range h.told {
		_, address, _ := strings.Cut(e.Unit, "/")
		switch model.EventKind(e.Event) {
		case model.EventDraining:
			out = append(out, drain{engine: e.Node, address: address, begin: e.Time})
		case model.EventDrained:
			for i := range out {
				if d := &out[i]; d.engine == e.Node && d.address == address && d.end == 0 {
					d.end, d.over = e.Time, e.Detail == ""
				}
			}
		}
	}
	for i := range out {
		d := &out[i]
		if d.end == 0 {
			d.open, d.end = true, h.Events[len(h.Events)-1].Time
		}
		d.struck = h.struck(d.engine, d.begin, d.end)
	}
	return slices.DeleteFunc(out, func(d drain) bool { return h.interrupted(d.engine, d.begin, d.end) })
}

// interrupted tells whether a node has stopped or started in between, or stands by for a legacy pair since.
func (h *evidence) interrupted(node string, from, until int64) bool {
	return slices.ContainsFunc(h.told, func(e *history.Event) bool {
		if e.Node != node || e.Time < from || e.Time > until {
			return false
		}
		switch model.EventKind(e.Event) {
		case model.EventStopped, model.EventStarted:
			return true
		case model.EventStandby:
			_, unit, _ := strings.Cut(e.Unit, "/")
			_, err := netip.ParseAddr(unit)
			return err != nil // the units of an elastic group are addresses
		}
		return false
	})
}

// vacant tells whether nobody held an address at some moment in between, because its holder had let it go: nothing that
// clients send there finds its way, and how long that may be is for the bounds of outages. Who dies is to be succeeded.
func (h *evidence) vacant(address string, from, until int64) bool {
	holders := make(map[string]bool)
	for _, e := range h.told {
		if e.Time > until {
			break
		}
		if e.Time >= from && len(holders) == 0 {
			return true
		}
		switch kind := model.EventKind(e.Event); {
		case kind == model.EventAddressAdded && e.Unit == address:
			holders[e.Node] = true
		case kind == model.EventAddressRemoved && e.Unit == address, kind == model.EventStarted:
			delete(holders, e.Node)
		}
	}
	return len(holders) == 0
}

// struck tells whether a fault touches a node in between.
func (h *evidence) struck(node string, from, until int64) bool {
	return slices.ContainsFunc(h.faults, func(f fault) bool {
		return f.begin <= until && f.end >= from && f.reaches(func(n history.Node) bool { return n.Name == node })
	})
}

// hurt tells whether a fault is felt by what a flow depends on, other engines left out; or by who reset it, which may be
// one that was frozen and now answers what has piled up.
func (h *evidence) hurt(flow *longFlow) bool {
	reset, _ := strings.CutPrefix(flow.reason, "reset by ")
	return slices.ContainsFunc(h.faults, func(f fault) bool {
		return f.felt(flow.end) && f.reaches(func(n history.Node) bool {
			return n.Name == flow.by || n.Name == reset || n.Role == "server" || n.Role == "gateway" || n.Role == "client"
		})
	})
}
