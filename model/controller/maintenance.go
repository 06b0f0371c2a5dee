package controller

import (
	"firedrill/model/config"
	"firedrill/model/wire"
)

// A host that is to be maintained is left before it is shut down, so that nobody notices. The services of elastic groups
// are placed elsewhere, and who stands by is made anew there (package placement); here is what a legacy pair does, whose
// engines settle who serves.

// evacuate lets engines of legacy pairs hand over what they serve to the other one, while that one is well. It is said
// again with every beat, so that nothing goes back meanwhile.
func (f *fleet) evacuate() {
	for _, e := range f.engines {
		if !e.met || e.down || f.elastic(e.group) || !f.controller.clouds.leaves(e.name) {
			continue
		}
		for _, other := range f.view(e.group).engines {
			if other != e && f.well(other.name) && !f.controller.clouds.leaves(other.name) {
				f.relieve(e, other)
			}
		}
	}
}

// relieve orders one engine to hand over to another. An order names a life, which the engine tells when it is asked.
func (f *fleet) relieve(e, by *engineView) {
	u := &f.controller.upgrade
	if a := u.answer(e.name); a != nil {
		u.order(e.name, &wire.UpgradeOrder{Life: a.life, Yield: by.name})
		return
	}
	u.ask(e.name)
}

// leaves tells whether an engine is to leave its host, as its cloud says.
func (cs *clouds) leaves(engine string) bool {
	entry, ok := cs.c.machine.Get(engineKey(engine))
	if !ok {
		return false
	}
	object := entry.Object.(*config.ServiceEngine)
	k := cs.connector(object.CloudRef)
	return k != nil && hostOf(k.inventory, object.Host).GetMaintenance()
}
