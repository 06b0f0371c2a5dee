package controller

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"firedrill/model"
	"firedrill/model/wire"
)

// Event is an entry of the event log, which is replicated and so survives every failover. Identifiers are the
// vendor's where it names them ("Cluster Changes Following Avi Controller Reboot").
type Event struct {
	Index  uint64    `json:"index"` // place in the replicated log: its order and its identity
	Time   time.Time `json:"time"`  // by the wall clock of the leader that wrote it
	ID     string    `json:"event_id"`
	Object string    `json:"obj_name"`
	Detail string    `json:"event_details,omitempty"`
	Build  string    `json:"build,omitempty"` // that wrote it; unknown of those written in the first format
}

// The events.
const (
	EventNodeLeft       = "CONTROLLER_NODE_LEFT"
	EventNodeJoined     = "CONTROLLER_NODE_JOINED"
	EventLeaderElected  = "CONTROLLER_LEADER_ELECTED"
	EventClusterChanged = "CONTROLLER_CLUSTER_CONFIG_CHANGED"
	EventRecovered      = "CONTROLLER_CLUSTER_MANUALLY_RECOVERED"
	EventLatencyHigh    = "CONTROLLER_LATENCY_HIGH"
	EventLatencyNormal  = "CONTROLLER_LATENCY_NORMAL"
	EventSEDown         = "SE_DOWN"
	EventSEUp           = "SE_UP"
	EventVSWaits        = "VS_WAITS_FOR_SE"
	EventVSPlaced       = "VS_PLACED"
	EventVSScaleOut     = "VS_SCALEOUT"
	EventVSScaleIn      = "VS_SCALEIN"
	EventVSMigrate      = "VS_MIGRATE"
	EventGroupWarning   = "SE_GROUP_WARNING"
	EventBackup         = "CONFIG_BACKUP_DONE"
	EventBackupFailed   = "CONFIG_BACKUP_FAILED"
	EventRestore        = "CONFIG_RESTORED"

	EventUpgradeStarted    = "UPGRADE_STARTED"
	EventUpgradeEngines    = "UPGRADE_CONTROLLERS_DONE"
	EventUpgradeDisrupts   = "UPGRADE_DISRUPTS_VS"
	EventUpgradeSuspended  = "UPGRADE_SUSPENDED"
	EventUpgradeRollback   = "UPGRADE_ROLLBACK_STARTED"
	EventUpgradeCompleted  = "UPGRADE_COMPLETED"
	EventUpgradeRolledBack = "UPGRADE_ROLLED_BACK"
	EventUpgradeAborted    = "UPGRADE_ABORTED"
)

// eventsKept bounds the event log.
const eventsKept = 1000

// eventLog is part of the replicated state.
type eventLog struct {
	list []Event         // oldest first
	gone map[string]bool // controllers whose last event says that they left
	hash uint64

	named bool // it says of some event which build wrote it, as the first format cannot
}

func (l *eventLog) add(index uint64, body []byte, build string) error {
	var e Event
	if err := json.Unmarshal(body, &e); err != nil {
		return fmt.Errorf("event: %w", err)
	}
	e.Index, e.Build = index, build
	l.put(e)
	l.hash = l.hash*1099511628211 ^ xxhash.Sum64(body) ^ index
	return nil
}

func (l *eventLog) put(e Event) {
	if l.gone == nil {
		l.gone = make(map[string]bool)
	}
	switch e.ID {
	case EventNodeLeft:
		l.gone[e.Object] = true
	case EventNodeJoined:
		delete(l.gone, e.Object)
	}
	l.named = l.named || e.Build != ""
	if len(l.list) == eventsKept {
		l.list = append([]Event(nil), l.list[1:]...)
	}
	l.list = append(l.list, e)
}

type eventSnapshot struct {
	Hash uint64   `json:"hash"`
	Gone []string `json:"gone"` // in the order of their names, which the encoder sees to
	List []Event  `json:"list"`
}

func (l *eventLog) snapshot() []byte {
	b, err := json.Marshal(eventSnapshot{Hash: l.hash, Gone: sortedKeys(l.gone), List: l.list})
	if err != nil {
		panic("controller: events that were read from JSON cannot be written: " + err.Error())
	}
	return b
}

func restoreEvents(data []byte) (eventLog, error) {
	var s eventSnapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return eventLog{}, fmt.Errorf("event log: %w", err)
	}
	l := eventLog{list: s.List, gone: make(map[string]bool), hash: s.Hash}
	l.named = slices.ContainsFunc(l.list, func(e Event) bool { return e.Build != "" })
	for _, name := range s.Gone {
		l.gone[name] = true
	}
	return l, nil
}

// log writes an event, if this controller leads. What cannot be written now is lost: events inform, and decide nothing.
func (c *Controller) log(id, object, detail string) {
	if !leads(c.status) {
		return
	}
	_ = c.propose(c.once(), encodeCommand(&wire.Request{Operation: wire.Operation_EVENT, Body: c.event(id, object, detail)}))
}

// tellLogged records, on the leader, that an event has come into the log at a place.
func (c *Controller) tellLogged(index uint64) {
	if list := c.machine.events.list; len(list) > 0 && list[len(list)-1].Index == index {
		e := &list[len(list)-1]
		c.env.Emit(model.Event{Kind: model.EventLogged, Unit: e.ID, Peer: e.Object, Term: c.status.Term, Index: index, Detail: e.Detail})
	}
}

// event is the body of one that happens now.
func (c *Controller) event(id, object, detail string) []byte {
	body, err := json.Marshal(Event{Time: c.env.Wall().UTC(), ID: id, Object: object, Detail: detail})
	if err != nil {
		panic("controller: an event cannot be written: " + err.Error())
	}
	return body
}
