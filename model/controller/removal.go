package controller

import (
	"fmt"

	"firedrill/model/config"
	"firedrill/model/wire"
)

// removeEngine takes an engine out of the configuration for good, so that another may take its place: the second of a
// legacy pair, one that an operator has replaced under another name. One that still reports would only come back, so it is
// refused. One that a cloud has made is ended there first.
func (a *call) removeEngine() {
	a.fresh(func() {
		entry, ok := a.c.machine.Get(engineKey(a.name))
		r := &wire.Request{Operation: wire.Operation_DELETE, Kind: string(config.KindServiceEngine), Name: a.name, Version: a.r.IfMatch}
		if !ok {
			if a.r.IdempotencyKey != "" && a.c.replica.Remembers(a.session().client) { // the answer was lost; the session knows it
				a.remove(r, 204)
				return
			}
			a.fail(404, fmt.Sprintf("%s does not exist", a.name))
			return
		}
		object := *entry.Object.(*config.ServiceEngine)
		managed := object.CloudRef != ""
		if e := a.c.fleet.engine(a.name); !managed && e != nil && !e.down {
			a.fail(409, a.name+" reports to the controllers; switch it off first")
			return
		}
		if !managed {
			a.remove(r, 204)
			return
		}
		object.State = config.EngineDeleting
		r.Operation, r.Body = wire.Operation_UPDATE, config.Encode(&object)
		a.remove(r, 202)
	})
}

func (a *call) remove(r *wire.Request, status uint32) {
	event := a.c.event(EventSEDeleting, a.name, "as an operator wants")
	a.c.write(a.session(), encodeNoted(r, event), func(response *wire.Response) {
		if !a.refused(response) {
			a.send(status, "", 0, nil)
		}
	})
}
