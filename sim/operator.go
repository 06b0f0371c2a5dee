package sim

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"firedrill/checker/history"
	"firedrill/model/client"
	"firedrill/model/config"
	"firedrill/model/wire"
	"firedrill/scenarios"
)

// operator is a client of the configuration API that does what the plan says, and records its calls and
// returns with the world's clock.
type operator struct {
	w      *World
	m      *machine
	client *client.Client
	ids    uint64

	demands map[uint64]string // by operation: what its answer must be, as JSON
	answers map[uint64]string // by operation: what a request was answered, for later ones that use it
}

// Called implements [client.Recorder].
func (o *operator) Called(op client.Operation) {
	if op.Request != nil {
		o.w.record(history.Event{Type: history.Call, Client: o.m.Name, Op: op.ID, Operation: history.OpRequest,
			Key: op.Request.Method + " " + op.Request.Path, Value: string(op.Request.Body), Expected: o.demands[op.ID]})
		return
	}
	e := history.Event{Type: history.Call, Client: o.m.Name, Op: op.ID, Operation: operationName(op.Do), Key: keyText(op), Value: string(op.Body)}
	if op.Do == wire.Operation_UPDATE || op.Do == wire.Operation_DELETE {
		e.Version = op.Version
	}
	o.w.record(e)
}

// Returned implements [client.Recorder].
func (o *operator) Returned(op client.Operation, out client.Outcome) {
	e := history.Event{Type: history.Return, Client: o.m.Name, Op: op.ID, By: out.Controller}
	switch {
	case out.HTTP != nil:
		e.Outcome, e.Status, e.Value = history.OK, int(out.HTTP.Status), string(out.HTTP.Body)
		o.answers[op.ID] = e.Value
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
	o.w.record(e)
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

func operationName(op wire.Operation) string { return strings.ToLower(op.String()) }

// schedule plans one operation.
func (o *operator) schedule(op scenarios.Operation) error {
	o.ids++
	id := o.ids
	var via netip.Addr
	if m := o.w.byName[op.Via]; m != nil {
		via = m.nic(management).ip.addr()
	}
	if op.Do == history.OpRequest {
		return o.scheduleRequest(op, id, via)
	}
	do, ok := operations[op.Do]
	if !ok {
		return fmt.Errorf("operation %q of client %s: unknown", op.Do, op.Client)
	}
	kind, name, _ := strings.Cut(op.Key, "/")
	key := config.Key{Kind: config.Kind(kind), Name: name}
	o.w.at(int64(op.At.Min), func() {
		o.client.Do(client.Operation{ID: id, Do: do, Key: key, Body: []byte(op.Value), Via: via})
	})
	return nil
}

// scheduleRequest plans a request to the REST API.
func (o *operator) scheduleRequest(op scenarios.Operation, id uint64, via netip.Addr) error {
	method, path, _ := strings.Cut(op.Key, " ")
	if op.Answer != nil {
		demand, err := json.Marshal(op.Answer)
		if err != nil {
			return err
		}
		o.demands[id] = string(demand)
	}
	o.w.at(int64(op.At.Min), func() {
		body := scenarios.FillAnswers(op.Value, func(n int) string { return o.answers[uint64(n)] })
		o.client.Do(client.Operation{ID: id, Via: via, Request: &wire.HTTPRequest{Method: method, Path: path, Body: []byte(body)}})
	})
	return nil
}

// create plans the objects that the scenario starts with: they go through the API like everything else.
func (o *operator) create(objects []config.Object) {
	for _, object := range objects {
		o.ids++
		o.client.Do(client.Operation{
			ID: o.ids, Do: wire.Operation_CREATE,
			Key:  config.Key{Kind: object.Kind(), Name: object.ObjectName()},
			Body: config.Encode(object),
		})
	}
}
