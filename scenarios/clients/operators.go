package clients

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/model/client"
	"firedrill/model/config"
	"firedrill/model/wire"
	"firedrill/scenarios"
)

// Admin is the operator who creates what the scenario starts with.
const Admin = "admin"

// Operators are the clients of the configuration API in a plan.
type Operators struct {
	All   []*Operator // in the order of their numbers, from 1; the first is [Admin]
	Calls []Call      // in the order of the plan
}

// Names are those of the operators of a plan, in the order of their numbers.
func Names(plan *scenarios.Scenario) []string {
	names := []string{Admin}
	for _, op := range plan.Workload.Operate {
		if !slices.Contains(names, op.Client) {
			names = append(names, op.Client)
		}
	}
	return names
}

// Call is one operation that is due.
type Call struct {
	At       time.Duration
	Operator *Operator
	Do       func() // called from where the operator's node is
}

// Operator does what the plan says, and records its calls and returns.
type Operator struct {
	Name string
	Node *client.Client

	record  func(history.Event)
	ids     uint64
	demands map[uint64]string // by operation: what its answer must be, as JSON
	answers map[uint64]string // by operation: what a request was answered, for later ones that use it
	etags   map[uint64]uint64 // and in which version the object was
}

// NewOperators makes the clients of a plan. Controllers tells the members of the cluster at present, as far as operators
// know; record takes what a client did, at the moment it does, and sets the time.
func NewOperators(plan *scenarios.Scenario, timers config.Timers, controllers func() []netip.Addr, record func(history.Event)) (*Operators, error) {
	os := &Operators{}
	byName := make(map[string]*Operator)
	for _, name := range Names(plan) {
		patience := timers.APITimeout.Std()
		if name == Admin {
			patience = plan.Duration.Std() // without what it creates there is nothing to rehearse
		}
		o := &Operator{Name: name, record: record, demands: make(map[uint64]string), answers: make(map[uint64]string), etags: make(map[uint64]uint64)}
		o.Node = client.New(client.Config{Name: name, Controllers: controllers, Attempt: timers.APIAttempt.Std(), Timeout: patience}, o)
		os.All = append(os.All, o)
		byName[name] = o
	}
	byName[Admin].create(plan.Config.Objects())
	via := make(map[string]netip.Addr)
	for _, n := range plan.Nodes() {
		if n.Role == scenarios.RoleController {
			via[n.Name] = scenarios.ControllerIP(n.Number)
		}
	}
	for _, op := range plan.Workload.Operate {
		o := byName[op.Client]
		do, err := o.operation(op, via[op.Via])
		if err != nil {
			return nil, err
		}
		os.Calls = append(os.Calls, Call{op.At.Min, o, do})
	}
	return os, nil
}

// Called implements [client.Recorder].
func (o *Operator) Called(op client.Operation) {
	if op.Request != nil {
		o.record(history.Event{Type: history.Call, Client: o.Name, Op: op.ID, Operation: history.OpRequest,
			Key: op.Request.Method + " " + op.Request.Path, Value: string(op.Request.Body), Expected: o.demands[op.ID]})
		return
	}
	e := history.Event{Type: history.Call, Client: o.Name, Op: op.ID, Operation: strings.ToLower(op.Do.String()), Key: keyText(op), Value: string(op.Body)}
	if op.Do == wire.Operation_UPDATE || op.Do == wire.Operation_DELETE {
		e.Version = op.Version
	}
	o.record(e)
}

// Returned implements [client.Recorder].
func (o *Operator) Returned(op client.Operation, out client.Outcome) {
	e := history.Event{Type: history.Return, Client: o.Name, Op: op.ID, By: out.Controller}
	switch {
	case out.HTTP != nil:
		e.Outcome, e.Status, e.Value, e.Version = history.OK, int(out.HTTP.Status), string(out.HTTP.Body), out.HTTP.Etag
		o.answers[op.ID], o.etags[op.ID] = e.Value, e.Version
		if e.Status >= 400 {
			e.Outcome, e.Reason = history.Fail, fmt.Sprintf("status %d", e.Status)
		}
	case out.Unknown:
		e.Outcome, e.Reason = history.Unknown, out.Error
	case out.Status == wire.Status_OK:
		e.Outcome, e.Version, e.Value = history.OK, out.Version, string(out.Body)
		if op.Do != wire.Operation_READ && op.Do != wire.Operation_LIST {
			e.Index = out.Version // a version is the log index of the change that made it
		}
		for _, i := range out.Items {
			e.Items = append(e.Items, history.Item{Key: i.Kind + "/" + i.Name, Value: string(i.Body), Version: i.Version})
		}
	default:
		e.Outcome, e.Reason, e.Detail = history.Fail, strings.ToLower(out.Status.String()), out.Error
		if out.Status == wire.Status_VERSION_MISMATCH || out.Status == wire.Status_ALREADY_EXISTS {
			e.Version = out.Version // what was there instead
		}
	}
	o.record(e)
}

func keyText(op client.Operation) string {
	if op.Do == wire.Operation_LIST {
		return string(op.Key.Kind) + "/"
	}
	return op.Key.String()
}

var operations = map[string]wire.Operation{
	history.OpRead:   wire.Operation_READ,
	history.OpList:   wire.Operation_LIST,
	history.OpCreate: wire.Operation_CREATE,
	history.OpUpdate: wire.Operation_UPDATE,
	history.OpDelete: wire.Operation_DELETE,
}

// operation plans one operation and returns what begins it.
func (o *Operator) operation(op scenarios.Operation, via netip.Addr) (func(), error) {
	o.ids++
	id := o.ids
	if op.Do == history.OpRequest {
		return o.request(op, id, via)
	}
	do, ok := operations[op.Do]
	if !ok {
		return nil, fmt.Errorf("operation %q of client %s: unknown", op.Do, op.Client)
	}
	kind, name, _ := strings.Cut(op.Key, "/")
	key := config.Key{Kind: config.Kind(kind), Name: name}
	return func() {
		o.Node.Do(client.Operation{ID: id, Do: do, Key: key, Body: []byte(op.Value), Via: via})
	}, nil
}

// request plans a request to the REST API.
func (o *Operator) request(op scenarios.Operation, id uint64, via netip.Addr) (func(), error) {
	method, path, _ := strings.Cut(op.Key, " ")
	answered := func(n int) string { return o.answers[uint64(n)] }
	return func() {
		if op.Answer != nil {
			o.demands[id] = demand(*op.Answer, answered)
		}
		body := scenarios.FillAnswers(op.Value, answered)
		o.Node.Do(client.Operation{ID: id, Via: via, Request: &wire.HTTPRequest{
			Method: method, Path: path, Body: []byte(body), IfMatch: o.etags[uint64(op.IfMatch)], IdempotencyKey: op.IdempotencyKey,
		}})
	}, nil
}

// demand writes what must be answered as JSON, with the earlier answers that it names.
func demand(a history.Answer, answered func(n int) string) string {
	fill := func(texts []string) []string {
		out := slices.Clone(texts)
		for i := range out {
			out[i] = scenarios.FillAnswers(out[i], answered)
		}
		return out
	}
	a.Contains, a.Lacks = fill(a.Contains), fill(a.Lacks)
	text, err := json.Marshal(a)
	if err != nil {
		panic("clients: a demand of texts and a number cannot be written: " + err.Error())
	}
	return string(text)
}

// create asks for the objects that the scenario starts with, once the node runs: they go through the API like
// everything else.
func (o *Operator) create(objects []config.Object) {
	for _, object := range objects {
		o.ids++
		o.Node.Do(client.Operation{
			ID: o.ids, Do: wire.Operation_CREATE,
			Key:  config.Key{Kind: object.Kind(), Name: object.ObjectName()},
			Body: config.Encode(object),
		})
	}
}
