package controller

import (
	"cmp"
	"slices"
	"time"

	"firedrill/model/config"
	"firedrill/model/release"
	"firedrill/model/wire"
)

// settle brings the cloud towards what the configuration says, and says in the configuration what has come of it. The
// intent is always there first: an engine is created under the name of an object that says so, and the object of one
// that is deleted goes when the cloud has confirmed. So whoever leads next finds what was begun, goes on under the same
// name, and knows that an engine without an object is nobody's.
func (k *connector) settle() {
	for _, e := range k.errands {
		e.wanted = false
	}
	for _, e := range k.engines() {
		if k.proposed(e.Name) {
			continue // the cloud has answered, which is about to be written: it is not asked again meanwhile
		}
		switch e.State {
		case config.EngineCreating:
			k.create(e)
		case config.EngineDeleting:
			k.run(wire.CloudOperation_CLOUD_DELETE, &wire.CloudInstance{Name: e.Name})
		}
	}
	for _, x := range k.inventory.Instances {
		if _, ok := k.c.machine.Get(engineKey(x.Name)); !ok {
			if k.run(wire.CloudOperation_CLOUD_DELETE, &wire.CloudInstance{Name: x.Name}) {
				k.c.log(EventSEOrphan, x.Name, "the configuration does not know it; "+k.cloud.Name+" is asked to delete it")
			}
		}
	}
	k.errands = slices.DeleteFunc(k.errands, func(e *errand) bool {
		return !e.wanted && (e.operation != wire.CloudOperation_CLOUD_REBOOT || !k.c.fleet.lost(e.engine))
	})
	k.births = slices.DeleteFunc(k.births, func(b birth) bool {
		entry, ok := k.c.machine.Get(engineKey(b.engine))
		if !ok {
			return true
		}
		e := entry.Object.(*config.ServiceEngine)
		if e.State == "" {
			k.c.fleet.placedGroup(e.GroupRef).staffing.failures = 0 // this attempt has succeeded
		}
		return e.State != config.EngineCreating
	})
}

func engineKey(name string) config.Key {
	return config.Key{Kind: config.KindServiceEngine, Name: name}
}

// create sees to an engine that is to be made: it is asked for until the cloud shows it, and then has its time to boot.
func (k *connector) create(e *config.ServiceEngine) {
	x, limit := k.instance(e.Name), k.c.cfg.Timers.SECreateTimeout.Std()
	switch {
	case x == nil:
		k.run(wire.CloudOperation_CLOUD_CREATE, &wire.CloudInstance{Name: e.Name, Group: e.GroupRef, Host: e.Host, Image: k.image(e.GroupRef)})
	case x.State == "failed":
		k.failed(e, "it did not boot")
	case k.c.env.Now()-k.born(e.Name) > limit:
		k.failed(e, "it has not reported within "+limit.String())
	}
}

// image is the version of the build that a new engine of a group boots. A cloud that reads the first format boots what it
// was set up with.
func (k *connector) image(group string) string {
	if k.c.voice.For(k.cloud.Management) < release.FormatBuilds {
		return ""
	}
	if u := k.c.machine.upgrade; u != nil {
		return u.VersionOf(group)
	}
	return k.c.cfg.Version
}

func (k *connector) born(engine string) time.Duration {
	for _, b := range k.births {
		if b.engine == engine {
			return b.since
		}
	}
	k.births = append(k.births, birth{engine, k.c.env.Now()})
	return k.c.env.Now()
}

// run sends a request, or sends it again when it has not been answered for a while. It tells whether the request is new.
func (k *connector) run(do wire.CloudOperation, x *wire.CloudInstance) (fresh bool) {
	i := slices.IndexFunc(k.errands, func(e *errand) bool { return e.engine == x.Name && e.operation == do })
	if i < 0 {
		i, fresh = len(k.errands), true
		k.errands = append(k.errands, &errand{engine: x.Name, operation: do})
	}
	e, now := k.errands[i], k.c.env.Now()
	e.wanted = true
	wait := min(k.c.cfg.Timers.APIAttempt.Std()<<min(e.attempts, 6), k.c.cfg.Timers.QueryHostFail.Std())
	if !fresh && now-e.sent < wait {
		return false
	}
	if !fresh {
		e.attempts++
	}
	r := &wire.CloudRequest{Operation: do, Instance: x}
	if do == wire.CloudOperation_CLOUD_CREATE {
		for _, m := range k.c.members() {
			r.Controllers = append(r.Controllers, m.Address.String())
		}
	}
	e.sent = now
	e.id = k.send(r)
	return fresh
}

// done takes the answer to an errand.
func (k *connector) done(e *errand, r *wire.CloudResponse) {
	entry, ok := k.c.machine.Get(engineKey(e.engine))
	if !ok {
		return
	}
	object := entry.Object.(*config.ServiceEngine)
	switch view := k.c.fleet.engine(e.engine); {
	case e.operation == wire.CloudOperation_CLOUD_REBOOT && view != nil:
		view.rebooted = true
	case e.operation == wire.CloudOperation_CLOUD_CREATE && object.State == config.EngineCreating && r.Status != wire.CloudStatus_CLOUD_OK:
		k.failed(object, r.Error)
	case e.operation == wire.CloudOperation_CLOUD_DELETE && object.State == config.EngineDeleting && r.Status == wire.CloudStatus_CLOUD_OK:
		k.propose(object.Name, nil, k.c.event(EventSEDeleted, object.Name, ""))
	}
}

// lost tells whether a cloud knows that an engine which it has made does not run: its host is down, or it is not there.
func (cs *clouds) lost(engine string) bool {
	entry, ok := cs.c.machine.Get(engineKey(engine))
	if !ok {
		return false
	}
	object := entry.Object.(*config.ServiceEngine)
	k := cs.connector(object.CloudRef)
	if k == nil || k.inventory == nil {
		return false
	}
	host, x := hostOf(k.inventory, object.Host), k.instance(engine)
	return host != nil && host.Down || x == nil || x.State == "missing"
}

// failed gives an attempt up. Whatever is there of it is deleted under its name, which is not used again; the next
// attempt waits a while, longer each time.
func (k *connector) failed(e *config.ServiceEngine, why string) {
	if k.doom(e, k.c.event(EventSECreateFailed, e.Name, why)) {
		k.c.fleet.placedGroup(e.GroupRef).slowDown(k.c)
	}
}

// doom writes that an engine is to be ended.
func (k *connector) doom(e *config.ServiceEngine, event []byte) bool {
	gone := *e
	gone.State = config.EngineDeleting
	return k.propose(e.Name, &gone, event)
}

// proposed tells whether a change of an engine's object is under way.
func (k *connector) proposed(name string) bool {
	entry, ok := k.c.machine.Get(engineKey(name))
	now := k.c.env.Now()
	return ok && slices.ContainsFunc(k.proposals, func(p proposal) bool {
		return p.engine == name && p.version == entry.Version && now-p.at < k.c.patience()
	})
}

// propose changes the object of an engine, or deletes it. It tells whether it did: one change of a version is proposed
// once, or again when it must have got lost.
func (k *connector) propose(name string, object *config.ServiceEngine, event []byte) bool {
	entry, ok := k.c.machine.Get(engineKey(name))
	if !ok || k.proposed(name) {
		return false
	}
	now := k.c.env.Now()
	k.proposals = slices.DeleteFunc(k.proposals, func(p proposal) bool { return now-p.at >= k.c.patience() })
	k.proposals = append(k.proposals, proposal{name, entry.Version, now})
	r := &wire.Request{Operation: wire.Operation_DELETE, Kind: string(entry.Key.Kind), Name: name, Version: entry.Version}
	if object != nil {
		r.Operation, r.Body = wire.Operation_UPDATE, config.Encode(object)
	}
	_ = k.c.propose(session{}, encodeNoted(r, event)) // what cannot be proposed now is tried again
	return true
}

// nurse looks after engines that are down: the cloud starts them anew after a while, and in the end too many dead ones are
// deleted, the longest dead first. One that the cloud has lost is of no use to anybody. None is kept while the platform is
// upgraded, which waits for all engines.
func (k *connector) nurse() {
	now, t := k.c.env.Now(), k.c.cfg.Timers
	if k.c.machine.upgrade.Active() {
		t.MaxDeadSE = 0
	}
	dead := make(map[string][]*engineView) // by group
	for _, object := range k.engines() {
		e, x := k.c.fleet.engine(object.Name), k.instance(object.Name)
		if object.State != "" || e == nil || !e.down {
			continue
		}
		switch host := hostOf(k.inventory, object.Host); {
		case x == nil || x.State == "missing":
			k.doom(object, k.c.event(EventSEDeleting, object.Name, k.cloud.Name+" does not have it any more"))
		case now-e.failed >= t.DeadSEDetection.Std():
			dead[object.GroupRef] = append(dead[object.GroupRef], e)
		case now-e.failed >= t.UnresponsiveSEReboot.Std() && !e.rebooted && host != nil && !host.Down:
			if k.run(wire.CloudOperation_CLOUD_REBOOT, &wire.CloudInstance{Name: object.Name}) {
				k.c.log(EventSERebooted, object.Name, "it has been down for "+t.UnresponsiveSEReboot.String())
			}
		}
	}
	for _, group := range sortedKeys(dead) {
		list := dead[group]
		slices.SortStableFunc(list, func(a, b *engineView) int { return cmp.Compare(a.failed, b.failed) })
		for _, e := range list[:max(0, len(list)-t.MaxDeadSE)] {
			entry, _ := k.c.machine.Get(engineKey(e.name))
			k.doom(entry.Object.(*config.ServiceEngine), k.c.event(EventSEDeleting, e.name, "it has been dead for "+t.DeadSEDetection.String()))
		}
	}
}
