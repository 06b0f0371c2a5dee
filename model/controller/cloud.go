package controller

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"firedrill/model"
	"firedrill/model/config"
	"firedrill/model/wire"
)

// clouds are the clouds that the configuration lets the controller write to. What must survive, which engines there are
// to be, is in the replicated configuration; this is soft, and made anew by every leader.
type clouds struct {
	c          *Controller
	connectors []*connector // by name of their cloud
	due        bool         // something has changed, or time has passed
}

// connector speaks with the management of one cloud.
type connector struct {
	c     *Controller
	cloud *config.Cloud
	// inventory is what the cloud has told this leader last; nil: nothing yet, so that nothing can be decided.
	inventory *wire.CloudInventory
	lastID    uint64
	listID    uint64 // of the list under way; 0: none
	since     time.Duration
	listed    time.Duration // when the last list was asked for
	answered  time.Duration
	refused   string // why the cloud does not take this controller's requests; "": it does
	away      bool   // the event log says that it does not answer
	errands   []*errand
	births    []birth
	proposals []proposal
	known     string // as last told by EventEnginesKnown
}

// errand is a request that is repeated until it is answered.
type errand struct {
	engine    string
	operation wire.CloudOperation
	id        uint64
	sent      time.Duration
	attempts  int
	wanted    bool // mark and sweep
}

// birth is when this leader first saw that an engine is being made.
type birth struct {
	engine string
	since  time.Duration
}

// proposal is a change of an engine's object that is under way.
type proposal struct {
	engine  string
	version uint64 // of the object that it changes
	at      time.Duration
}

// The events.
const (
	EventSECreating       = "SE_CREATING"
	EventSECreateFailed   = "SE_CREATE_FAILED"
	EventSEDeleting       = "SE_DELETING"
	EventSEDeleted        = "SE_DELETED"
	EventSEOrphan         = "SE_ORPHAN_FOUND"
	EventSERebooted       = "SE_REBOOTED"
	EventCloudRefused     = "CLOUD_ACCESS_REFUSED"
	EventCloudUnreachable = "CLOUD_UNREACHABLE"
	EventCloudReachable   = "CLOUD_REACHABLE"
	EventHostDown         = "CLOUD_HOST_DOWN"
	EventHostUp           = "CLOUD_HOST_UP"
	EventHostMaintenance  = "CLOUD_HOST_MAINTENANCE"
	EventHostReturned     = "CLOUD_HOST_MAINTENANCE_OVER"
)

// step does what is to be done about all clouds.
func (cs *clouds) step() {
	if !cs.due || !cs.c.ready {
		return
	}
	cs.due = false
	cs.meet()
	for _, k := range cs.connectors {
		k.ask()
		if k.inventory != nil {
			k.settle()
			k.nurse()
		}
		k.tellKnown()
	}
	cs.c.fleet.forget()
}

// meet makes a connector for every cloud that may be written to.
func (cs *clouds) meet() {
	var out []*connector
	for _, entry := range cs.c.machine.List(config.KindCloud) {
		cloud := entry.Object.(*config.Cloud)
		if cloud.Access != config.WriteAccess || !cloud.Management.IsValid() {
			continue
		}
		k := cs.connector(cloud.Name)
		if k == nil || k.cloud.Management != cloud.Management || k.cloud.Username != cloud.Username || k.cloud.Password != cloud.Password {
			now := cs.c.env.Now()
			k = &connector{c: cs.c, lastID: cs.c.env.Rand().Uint64() >> 16, since: now, answered: now}
		}
		k.cloud = cloud
		out = append(out, k)
	}
	cs.connectors = out
}

func (cs *clouds) connector(cloud string) *connector {
	for _, k := range cs.connectors {
		if k.cloud.Name == cloud {
			return k
		}
	}
	return nil
}

// at finds who speaks with the cloud at an address.
func (cs *clouds) at(from netip.Addr) *connector {
	for _, k := range cs.connectors {
		if k.cloud.Management == from {
			return k
		}
	}
	return nil
}

// answered takes a cloud's answer.
func (cs *clouds) answered(from netip.Addr, r *wire.CloudResponse) {
	k := cs.at(from)
	if k == nil || !cs.c.ready {
		return
	}
	i := slices.IndexFunc(k.errands, func(e *errand) bool { return e.id == r.Id })
	if i < 0 && r.Id != k.listID {
		return // an answer that was overtaken
	}
	k.answered, cs.due = cs.c.env.Now(), true
	if k.away {
		k.away = false
		cs.c.log(EventCloudReachable, k.cloud.Name, "")
	}
	switch r.Status {
	case wire.CloudStatus_CLOUD_REFUSED:
		k.deny(r.Error)
		return
	case wire.CloudStatus_CLOUD_DEPOSED:
		return // another controller leads, which this one is about to learn
	}
	k.refused = ""
	k.take(r.Inventory)
	if r.Id == k.listID {
		k.listID = 0
		return
	}
	e := k.errands[i]
	k.errands = slices.Delete(k.errands, i, i+1)
	k.done(e, r)
}

// reported takes what a cloud tells by itself.
func (cs *clouds) reported(from netip.Addr, r *wire.CloudReport) {
	if k := cs.at(from); k != nil && cs.c.ready && k.inventory != nil {
		k.take(r.Inventory)
		cs.due = true
	}
}

// deny notes that the cloud lets nobody in who shows these credentials: as if there were no access.
func (k *connector) deny(why string) {
	if k.refused == "" {
		k.c.log(EventCloudRefused, k.cloud.Name, why)
	}
	k.refused, k.listID, k.inventory = why, 0, nil
	k.c.fleet.markCloud(k.cloud.Name)
}

// take takes up an inventory, unless a newer one was there before.
func (k *connector) take(now *wire.CloudInventory) {
	if now == nil || k.inventory != nil && now.Version <= k.inventory.Version {
		return
	}
	before := k.inventory
	k.inventory = now
	k.c.fleet.markCloud(k.cloud.Name)
	for _, h := range now.Hosts {
		was := hostOf(before, h.Name)
		k.note(h.Name, was.GetDown(), h.Down, EventHostDown, EventHostUp)
		k.note(h.Name, was.GetMaintenance(), h.Maintenance, EventHostMaintenance, EventHostReturned)
	}
	k.c.fleet.suspect(k)
}

// lacking names a cloud that says which images it has, and has none of a version; "": there is none.
func (cs *clouds) lacking(version string) string {
	for _, k := range cs.connectors {
		if images := k.inventory.GetImages(); len(images) > 0 && !slices.Contains(images, version) {
			return k.cloud.Name
		}
	}
	return ""
}

// note logs what has changed about a host.
func (k *connector) note(host string, was, is bool, begins, ends string) {
	switch {
	case is && !was:
		k.c.log(begins, host, "as "+k.cloud.Name+" reports")
	case was && !is:
		k.c.log(ends, host, "as "+k.cloud.Name+" reports")
	}
}

func hostOf(i *wire.CloudInventory, name string) *wire.CloudHost {
	for _, h := range i.GetHosts() {
		if h.Name == name {
			return h
		}
	}
	return nil
}

func (k *connector) instance(name string) *wire.CloudInstance {
	for _, x := range k.inventory.GetInstances() {
		if x.Name == name {
			return x
		}
	}
	return nil
}

// ask asks for the inventory: at once when there is none, then now and then.
func (k *connector) ask() {
	now, t := k.c.env.Now(), k.c.cfg.Timers
	if now-k.answered > 2*t.QueryHostFail.Std() && !k.away {
		k.away = true
		k.c.log(EventCloudUnreachable, k.cloud.Name, "it has not answered for "+(2*t.QueryHostFail).String())
	}
	pace := t.QueryHostFail.Std()
	if k.listID != 0 || k.inventory == nil && k.refused == "" {
		pace = min(pace, t.APIAttempt.Std())
	}
	if k.listed == 0 || now-k.listed >= pace {
		k.listed = now
		k.listID = k.send(&wire.CloudRequest{Operation: wire.CloudOperation_CLOUD_LIST})
	}
}

func (k *connector) send(r *wire.CloudRequest) uint64 {
	k.lastID++
	r.Id, r.Cluster, r.Term = k.lastID, k.c.identity.Cluster, k.c.status.Term
	r.Username, r.Password = k.cloud.Username, k.cloud.Password
	k.c.env.Send(k.cloud.Management, k.c.voice.Encode(k.cloud.Management, &wire.Envelope_CloudRequest{CloudRequest: r}))
	return r.Id
}

// tellKnown says which engines of the cloud the configuration knows, when that has changed.
func (k *connector) tellKnown() {
	var all, unsettled []string
	for _, e := range k.engines() {
		all = append(all, e.Name)
		if e.State != "" {
			unsettled = append(unsettled, e.Name)
		}
	}
	text := strings.Join(all, " ") + "/" + strings.Join(unsettled, " ")
	if text == k.known {
		return
	}
	k.known = text
	k.c.env.Emit(model.Event{Kind: model.EventEnginesKnown, Unit: k.cloud.Name, Peer: strings.Join(all, " "), Term: k.c.status.Term,
		Index: k.c.machine.Index(), Detail: strings.Join(unsettled, " ")})
}

// engines lists the objects of the cloud's engines, by name.
func (k *connector) engines() []*config.ServiceEngine {
	var out []*config.ServiceEngine
	for _, entry := range k.c.machine.List(config.KindServiceEngine) {
		if e := entry.Object.(*config.ServiceEngine); e.CloudRef == k.cloud.Name {
			out = append(out, e)
		}
	}
	return out
}
