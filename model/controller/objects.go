package controller

import (
	"encoding/json"
	"fmt"
	"strconv"

	"firedrill/model/config"
	"firedrill/model/wire"
)

// objectPaths are the kinds of object in the REST API.
var objectPaths = []struct {
	path     string
	kind     config.Kind
	readOnly bool
}{
	{path: "cloud", kind: config.KindCloud},
	{path: "serviceenginegroup", kind: config.KindServiceEngineGroup},
	{path: "serviceengine", kind: config.KindServiceEngine, readOnly: true}, // engines register themselves
	{path: "placement", kind: config.KindPlacement, readOnly: true},         // of elastic groups; the leader writes them
	{path: "healthmonitor", kind: config.KindHealthMonitor},
	{path: "pool", kind: config.KindPool},
	{path: "virtualservice", kind: config.KindVirtualService},
	{path: "backupconfiguration", kind: config.KindBackupConfiguration},
}

// listed is the answer to a list.
type listed struct {
	Count   int           `json:"count"`
	Results []listedEntry `json:"results"`
}

type listedEntry struct {
	Version uint64          `json:"version"`
	Object  json.RawMessage `json:"object"`
}

func (a *call) listObjects(kind config.Kind) {
	a.c.do(&wire.Request{Operation: wire.Operation_LIST, Kind: string(kind)}, func(r *wire.Response) {
		if a.refused(r) {
			return
		}
		out := listed{Count: len(r.Items), Results: []listedEntry{}}
		for _, i := range r.Items {
			out.Results = append(out.Results, listedEntry{i.Version, i.Body})
		}
		a.answer(200, 0, out)
	})
}

func (a *call) getObject(kind config.Kind) {
	a.c.do(&wire.Request{Operation: wire.Operation_READ, Kind: string(kind), Name: a.name}, func(r *wire.Response) {
		if !a.refused(r) {
			a.send(200, "application/json", r.Version, r.Body)
		}
	})
}

func (a *call) createObject(kind config.Kind) {
	object, err := config.Decode(kind, a.r.Body)
	if err != nil {
		a.fail(400, err.Error())
		return
	}
	a.name = object.ObjectName()
	a.change(wire.Operation_CREATE, kind, 201)
}

func (a *call) updateObject(kind config.Kind) { a.change(wire.Operation_UPDATE, kind, 200) }

func (a *call) deleteObject(kind config.Kind) { a.change(wire.Operation_DELETE, kind, 204) }

// change writes the object in the body of the request.
func (a *call) change(do wire.Operation, kind config.Kind, success uint32) {
	r := &wire.Request{Operation: do, Kind: string(kind), Name: a.name, Version: a.r.IfMatch, Body: a.r.Body}
	if refusal := a.c.refusal(); refusal != nil {
		a.refused(refusal)
		return
	}
	a.c.write(a.session(), encodeCommand(r), func(response *wire.Response) {
		if a.refused(response) {
			return
		}
		if do == wire.Operation_DELETE {
			a.send(success, "", 0, nil)
			return
		}
		a.send(success, "application/json", response.Version, withoutSecrets(kind, a.r.Body))
	})
}

// withoutSecrets is an object that was accepted, as a read would show it.
func withoutSecrets(kind config.Kind, body []byte) []byte {
	object, err := config.Decode(kind, body)
	if err != nil {
		return nil // it was accepted: cannot be
	}
	return config.Encode(config.Redact(object))
}

// fresh calls then when the applied state is at least as recent as the request, or refuses.
func (a *call) fresh(then func()) {
	if refusal := a.c.refusal(); refusal != nil {
		a.refused(refusal)
		return
	}
	a.c.linearize(func(ok bool) {
		if !ok {
			a.refused(a.c.unavailable("leadership was lost"))
			return
		}
		then()
	})
}

// getEvents answers with the event log, oldest first; ?since=INDEX leaves out what is not newer.
func (a *call) getEvents() {
	since := uint64(0)
	if text := a.query.Get("since"); text != "" {
		var err error
		if since, err = strconv.ParseUint(text, 10, 64); err != nil {
			a.fail(400, fmt.Sprintf("since: %q is not an index", text))
			return
		}
	}
	a.fresh(func() {
		events := []Event{}
		for _, e := range a.c.machine.events.list {
			if e.Index > since {
				events = append(events, e)
			}
		}
		a.answer(200, 0, map[string]any{"count": len(events), "results": events})
	})
}
