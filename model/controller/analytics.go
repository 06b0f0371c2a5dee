package controller

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"firedrill/model/analytics"
	"firedrill/model/config"
	"firedrill/model/wire"
)

// readings are the questions to all controllers that this leader has under way: what engines have counted lies with
// the collector of each service.
type readings struct {
	last    uint64
	pending map[uint64]*reading
	// settled is from when on the collectors have been the same for long enough that engines have streamed to them.
	settled    time.Duration
	collectors string // as of when that was last looked at, and under which leader
}

type reading struct {
	*analytics.Reading
	call     *call
	services []string
	single   bool // the answer is one service, not a list
	due      time.Duration
}

// metricsAnswer is the answer of GET /api/analytics/virtualservice.
type metricsAnswer struct {
	Complete bool                      `json:"complete"` // all controllers have answered, and engines know their collectors
	Missing  []string                  `json:"missing,omitempty"`
	Doubt    string                    `json:"doubt,omitempty"`
	Results  []analytics.ServiceTotals `json:"results"`
}

func (a *call) listAnalytics() {
	var services []string
	for _, e := range a.c.machine.List(config.KindVirtualService) {
		services = append(services, e.Key.Name)
	}
	a.readAnalytics("", services)
}

func (a *call) getAnalytics() {
	if refusal := a.c.refusal(); refusal != nil { // before it says that something is not there
		a.refused(refusal)
		return
	}
	if _, ok := a.c.machine.Get(config.Key{Kind: config.KindVirtualService, Name: a.name}); !ok {
		a.fail(404, fmt.Sprintf("virtual service %s does not exist", a.name))
		return
	}
	a.readAnalytics(a.name, []string{a.name})
}

// readAnalytics asks every controller; ?logs=N adds the last N records of each engine's log.
func (a *call) readAnalytics(service string, services []string) {
	c := a.c
	if refusal := c.refusal(); refusal != nil {
		a.refused(refusal)
		return
	}
	logs := 0
	if text := a.query.Get("logs"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > analytics.KeptRecords {
			a.fail(400, fmt.Sprintf("logs: %q is not a number from 0 to %d", text, analytics.KeptRecords))
			return
		}
		logs = n
	}
	c.readings.last++
	q := &wire.MetricsQuery{Id: c.readings.last, Service: service, Logs: uint32(logs)}
	var others []netip.Addr
	for _, m := range c.members() {
		if m.ID != c.id {
			others = append(others, m.Address)
			c.env.Send(m.Address, wire.Encode(&wire.Envelope_MetricsQuery{MetricsQuery: q}))
		}
	}
	r := &reading{Reading: analytics.NewReading(q, c.store.Answer(q), others), call: a, services: services, single: service != "", due: c.env.Now() + c.readPatience()}
	c.readings.pending[q.Id] = r
	if len(others) == 0 {
		c.readingDone(r)
	}
}

// readPatience is how long the leader waits for a controller that does not answer.
func (c *Controller) readPatience() time.Duration { return 3 * c.cfg.Timers.ControllerHeartbeat.Std() }

// metricsAnswered takes another controller's part.
func (c *Controller) metricsAnswered(m *wire.MetricsAnswer) {
	r := c.readings.pending[m.Id]
	if r == nil {
		return
	}
	for _, member := range c.members() {
		if member.Name == m.Controller && r.Heard(member.Address, m) {
			c.readingDone(r)
			return
		}
	}
}

// readingsDue answers with what there is when somebody does not answer.
func (c *Controller) readingsDue() {
	for _, id := range sortedKeys(c.readings.pending) {
		if r := c.readings.pending[id]; c.env.Now() >= r.due {
			c.readingDone(r)
		}
	}
}

func (c *Controller) readingDone(r *reading) {
	delete(c.readings.pending, r.Query.Id)
	out := metricsAnswer{Results: r.Totals(r.services...)}
	for _, address := range r.Missing() {
		out.Missing = append(out.Missing, c.nameAt(address))
	}
	if c.env.Now() < c.readings.settled {
		out.Doubt = "the collectors have just changed"
	}
	out.Complete = len(out.Missing) == 0 && out.Doubt == ""
	analytics.Tell(c.env, out.Results, out.Missing, out.Doubt)
	r.call.answer(200, 0, out)
}

func (c *Controller) nameAt(address netip.Addr) string {
	for _, m := range c.members() {
		if m.Address == address {
			return m.Name
		}
	}
	return address.String()
}

// collectors are the members that share the analytics at present: those that are heard.
func (c *Controller) collectors() []string {
	var out []string
	for _, m := range c.members() {
		if c.nodes.responsive(m.ID) {
			out = append(out, m.Address.String())
		}
	}
	return out
}

// noteCollectors doubts what is read until engines have had the time to stream to collectors that are new, or are so
// under a new leader.
func (c *Controller) noteCollectors() {
	now := fmt.Sprintf("%d %v", c.status.Term, c.collectors())
	if now != c.readings.collectors {
		c.readings.collectors = now
		c.readings.settled = c.env.Now() + 4*c.cfg.Timers.SEHeartbeat.Std()
	}
}
