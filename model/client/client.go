// Package client is a client of the configuration API: it finds the leader, repeats what was not answered,
// and knows when the outcome of an operation is beyond knowing.
package client

import (
	"fmt"
	"math"
	"net/netip"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/wire"
)

// Config is what a client needs to know.
type Config struct {
	Name        string
	Controllers func() []netip.Addr // the members of the cluster, as far as this client's operator knows
	Attempt     time.Duration       // patience with one controller
	Timeout     time.Duration       // patience with the whole operation
}

// Operation is one thing a caller wants done. Of an update or a delete the version is the one that this
// client last saw of the key.
type Operation struct {
	ID      uint64
	Do      wire.Operation
	Key     config.Key
	Version uint64
	Body    []byte
	// Via, of a read, a list and a request, is the one controller to ask: its refusal is final. Unset: whoever leads.
	Via netip.Addr
	// Request, if set, is a request to the REST API, and all that counts besides ID and Via. It is repeated with one
	// idempotency key until it is answered by something else than that nobody can serve it now.
	Request *wire.HTTPRequest
}

// Outcome is what became of an operation. Unknown says that it may have been done, or may yet be.
type Outcome struct {
	Unknown    bool
	Status     wire.Status
	Error      string
	Version    uint64
	Body       []byte
	Items      []*wire.Item
	Controller string
	HTTP       *wire.HTTPResponse // of a request
}

// Recorder learns of calls and returns at the moment they happen.
type Recorder interface {
	Called(Operation)
	Returned(Operation, Outcome)
}

// Client is a [model.Node] that does one operation at a time, in the order asked. Its writes carry a
// session and a sequence number, so that a repeated write is done once (Ongaro's thesis, section 6.3).
type Client struct {
	cfg   Config
	rec   Recorder
	env   model.Env
	queue []Operation
	seen  map[config.Key]uint64

	session  int    // how many sessions this client has had
	opened   bool   // the session is known to the cluster
	sequence uint64 // of the last write
	echo     uint64 // numbers attempts of reads, so that a late answer is not taken for another's

	leader   netip.Addr // whom a controller named as the leader; invalid: nobody
	busy     bool
	opening  bool // the request under way opens the session; the operation waits behind it
	current  Operation
	request  *wire.Request
	attempts int
	turned   bool // the present attempt was refused, and the next waits: a refusal that comes twice says nothing new
	deadline time.Duration
	at       int // counts up with every controller that was tried
}

const (
	timerAttempt model.TimerID = iota + 1
	timerRetry
)

// New returns a client that reports to rec.
func New(cfg Config, rec Recorder) *Client {
	return &Client{cfg: cfg, rec: rec, seen: make(map[config.Key]uint64)}
}

// Do asks for an operation; it starts when those before it have returned.
func (c *Client) Do(op Operation) {
	c.queue = append(c.queue, op)
	if !c.busy && c.env != nil {
		c.begin()
	}
}

// Start implements [model.Node].
func (c *Client) Start(env model.Env) {
	c.env = env
	c.at = env.Rand().IntN(1 << 10)
	if len(c.queue) > 0 {
		c.begin()
	}
}

// Checked implements [model.Node]; a client checks nothing.
func (c *Client) Checked(model.CheckID, bool) {}

// begin takes the next operation.
func (c *Client) begin() {
	c.current, c.queue = c.queue[0], c.queue[1:]
	op := &c.current
	if op.Do == wire.Operation_UPDATE || op.Do == wire.Operation_DELETE {
		op.Version = c.seen[op.Key]
		if op.Version == 0 {
			op.Version = math.MaxInt64 // never seen: a version that no object has
		}
	}
	c.busy = true
	c.deadline = c.env.Now() + c.cfg.Timeout
	c.rec.Called(*op)
	c.submit()
}

// submit makes the request of the current operation, or first the one that opens the session.
func (c *Client) submit() {
	op := &c.current
	c.attempts = 0
	c.opening = writes(op.Do) && !c.opened
	if op.Request != nil {
		c.echo++
		op.Request.Id = c.echo
		if op.Request.IdempotencyKey == "" && op.Request.Method != "GET" {
			op.Request.IdempotencyKey = fmt.Sprintf("%s-%d", c.cfg.Name, op.ID)
		}
		c.attempt()
		return
	}
	switch {
	case c.opening:
		c.session++
		c.sequence = 1
		c.request = &wire.Request{Client: c.sessionName(), Sequence: c.sequence, Operation: wire.Operation_OPEN}
	case writes(op.Do):
		c.sequence++
		c.request = &wire.Request{Client: c.sessionName(), Sequence: c.sequence}
	default:
		c.echo++
		c.request = &wire.Request{Client: c.cfg.Name, Sequence: c.echo}
	}
	if !c.opening {
		c.request.Operation, c.request.Version, c.request.Body = op.Do, op.Version, op.Body
		c.request.Kind, c.request.Name = string(op.Key.Kind), op.Key.Name
	}
	c.attempt()
}

func (c *Client) sessionName() string { return fmt.Sprintf("%s#%d", c.cfg.Name, c.session) }

func writes(op wire.Operation) bool {
	return op == wire.Operation_CREATE || op == wire.Operation_UPDATE || op == wire.Operation_DELETE
}

// attempt sends the request to the controller believed to lead.
func (c *Client) attempt() {
	c.attempts++
	c.turned = false
	to := c.controller()
	if c.current.Via.IsValid() {
		to = c.current.Via
	}
	if r := c.current.Request; r != nil {
		c.env.Send(to, wire.Encode(&wire.Envelope_HttpRequest{HttpRequest: r}))
		c.env.SetTimer(timerAttempt, c.cfg.Timeout/4) // a change of the cluster takes a while
		return
	}
	c.env.Send(to, wire.Encode(&wire.Envelope_Request{Request: c.request}))
	c.env.SetTimer(timerAttempt, c.cfg.Attempt)
}

// controller is the one believed to lead, or else each in turn.
func (c *Client) controller() netip.Addr {
	if c.leader.IsValid() {
		return c.leader
	}
	all := c.cfg.Controllers()
	if len(all) == 0 {
		return netip.Addr{}
	}
	return all[c.at%len(all)]
}

// Timer implements [model.Node].
func (c *Client) Timer(id model.TimerID) {
	if !c.busy {
		return
	}
	if id == timerAttempt {
		c.leader = netip.Addr{}
		c.at++
	}
	c.again()
}

// again repeats the request, unless the operation has had its time: then nobody knows what became of it.
func (c *Client) again() {
	if c.env.Now() >= c.deadline {
		c.opened = c.opened && !c.opening
		c.finish(Outcome{Unknown: !c.opening, Status: wire.Status_UNAVAILABLE, Error: "no answer in time"})
		return
	}
	c.attempt()
}

// Receive implements [model.Node].
func (c *Client) Receive(_ netip.Addr, msg []byte) {
	body, err := wire.Decode(msg)
	if err != nil {
		return
	}
	if h, ok := body.(*wire.Envelope_HttpResponse); ok {
		c.httpAnswered(h.HttpResponse)
		return
	}
	envelope, ok := body.(*wire.Envelope_Response)
	if !ok || !c.busy || c.current.Request != nil {
		return
	}
	r := envelope.Response
	if r.Client != c.request.Client || r.Sequence != c.request.Sequence {
		return
	}
	switch r.Status {
	case wire.Status_NOT_LEADER, wire.Status_UNAVAILABLE:
		if c.current.Via.IsValid() {
			c.answered(r)
			return
		}
		c.follow(r.Leader)
	case wire.Status_SESSION_EXPIRED:
		c.sessionLost()
	default:
		c.answered(r)
	}
}

// httpAnswered takes the answer to a request. That nobody can serve it now is an answer only from the one controller
// that was to be asked.
func (c *Client) httpAnswered(r *wire.HTTPResponse) {
	if !c.busy || c.current.Request == nil || r.Id != c.current.Request.Id {
		return
	}
	const serviceUnavailable = 503
	if r.Status == serviceUnavailable && !c.current.Via.IsValid() {
		c.follow("")
		return
	}
	c.finish(Outcome{Status: wire.Status_OK, Controller: r.Controller, HTTP: r})
}

// follow turns to the leader named, or to the next controller, after a moment that keeps a leaderless
// cluster from being flooded.
func (c *Client) follow(leader string) {
	if c.turned {
		return
	}
	c.turned = true
	c.env.StopTimer(timerAttempt)
	was := c.controller()
	c.at++
	c.leader, _ = netip.ParseAddr(leader) // nobody, if it cannot be read
	if c.leader == was {
		c.leader = netip.Addr{}
	}
	c.env.SetTimer(timerRetry, c.cfg.Attempt/10)
}

// sessionLost opens a new session. A write that had been tried once was refused and may be done anew; one
// that had been tried before may have been done by an attempt whose answer was lost.
func (c *Client) sessionLost() {
	c.opened = false
	if !c.opening && c.attempts > 1 {
		c.finish(Outcome{Unknown: true, Status: wire.Status_SESSION_EXPIRED, Error: "the cluster has forgotten this client"})
		return
	}
	c.submit()
}

func (c *Client) answered(r *wire.Response) {
	if c.opening {
		c.opened = true
		c.submit()
		return
	}
	switch {
	case r.Status == wire.Status_OK && c.current.Do == wire.Operation_DELETE, r.Status == wire.Status_NOT_FOUND:
		delete(c.seen, c.current.Key)
	case r.Status == wire.Status_OK && c.current.Do != wire.Operation_LIST:
		c.seen[c.current.Key] = r.Version
	}
	c.finish(Outcome{Status: r.Status, Error: r.Error, Version: r.Version, Body: r.Body, Items: r.Items, Controller: r.Controller})
}

func (c *Client) finish(out Outcome) {
	c.busy = false
	c.env.StopTimer(timerAttempt)
	c.env.StopTimer(timerRetry)
	c.rec.Returned(c.current, out)
	if len(c.queue) > 0 {
		c.begin()
	}
}
