package placement

import (
	"strconv"
	"strings"
)

// Reason is why something was decided: a stable code, and the facts of the case. The text is only made when somebody
// reads it.
type Reason struct {
	Code    Code
	Engine  string
	Group   string
	Host    string
	Service string
	Have    int
	Want    int
}

// Code names a kind of reason; codes are part of the formats that carry them.
type Code string

// Why a service moves.
const (
	CodeNotPlaced      Code = "not_placed"
	CodeScaleOut       Code = "scale_out"
	CodeScaleIn        Code = "scale_in"
	CodeDisabled       Code = "disabled"
	CodeEngineDown     Code = "engine_down"
	CodeEngineBoots    Code = "engine_boots"
	CodeEngineUnknown  Code = "engine_unknown"
	CodeEngineDrains   Code = "engine_drains"
	CodeHostBarred     Code = "host_barred"
	CodeHostMaintained Code = "host_maintained"
	CodeOtherGroup     Code = "other_group"
	CodeOverCapacity   Code = "over_capacity"
	CodeMakesRoom      Code = "makes_room"
	CodeRebalanceLoad  Code = "rebalance_load"
	CodeRebalanceHost  Code = "rebalance_host"
)

// Why to that engine.
const (
	CodeLeastLoaded Code = "least_loaded"
	CodeOtherHost   Code = "other_host"
	CodeSameRack    Code = "same_rack"
	CodeSameHost    Code = "same_host"
	CodeRoomMade    Code = "room_made"
)

// Why an engine is created or deleted.
const (
	CodeBuffer   Code = "buffer"
	CodeFresh    Code = "fresh"
	CodeNoSlot   Code = "no_slot"
	CodePair     Code = "pair"
	CodeReplaced Code = "replaced"
	CodeSurplus  Code = "surplus"
	CodeOrphaned Code = "orphaned"
)

// Why a service waits.
const (
	CodeHeld           Code = "held"
	CodeWaitsNew       Code = "waits_new"
	CodeWaitsBoot      Code = "waits_boot"
	CodeWaitsSuspected Code = "waits_suspected"
	CodeWaitsDrained   Code = "waits_drained"
	CodeFailedLately   Code = "failed_lately"
	CodeMaxSE          Code = "max_se"
	CodeNoAccess       Code = "no_access"
	CodeNoHost         Code = "no_host"
	CodeNoGroup        Code = "no_group"
)

// What a warning says.
const (
	CodeShortMaxSE    Code = "short_max_se"
	CodeShortNoAccess Code = "short_no_access"
	CodeShortNoHost   Code = "short_no_host"
	CodePairNoHost    Code = "pair_no_host"
	CodeSharedHost    Code = "shared_host"
)

// texts holds a sentence for every code. In braces stand the fields of a [Reason].
var texts = map[Code]string{
	CodeNotPlaced:      "runs nowhere yet",
	CodeScaleOut:       "runs on {have} of {want} engines",
	CodeScaleIn:        "runs on {have} engines and should on {want}",
	CodeDisabled:       "the service is disabled",
	CodeEngineDown:     "{engine} is down",
	CodeEngineBoots:    "{engine} boots",
	CodeEngineUnknown:  "{engine} is not known",
	CodeEngineDrains:   "{engine} drains",
	CodeHostBarred:     "the group's lists bar {host}, the host of {engine}",
	CodeHostMaintained: "{host}, the host of {engine}, is to be maintained",
	CodeOtherGroup:     "{engine} belongs to group {group}",
	CodeOverCapacity:   "{engine} holds {have} services, more than max_vs_per_se {want}",
	CodeMakesRoom:      "makes room for {service}",
	CodeRebalanceLoad:  "{engine} holds {have} services, others {want}",
	CodeRebalanceHost:  "another engine of the service is on {host} too",

	CodeLeastLoaded: "least loaded, {have} of {want}",
	CodeOtherHost:   "least loaded on other hosts, {have} of {want}",
	CodeSameRack:    "least loaded, {have} of {want}; no free slot in another rack",
	CodeSameHost:    "least loaded, {have} of {want}; no free slot on another host",
	CodeRoomMade:    "the only way to a slot",

	CodeBuffer:   "{have} of {want} engines for N + M",
	CodeFresh:    "{have} of {want} engines, so that services get fresh ones",
	CodeNoSlot:   "placements without a slot: {have}",
	CodePair:     "{have} of {want} engines of a pair",
	CodeReplaced: "{engine} is down, and another takes its place in the pair",
	CodeSurplus:  "idle, and {want} of {have} engines are enough",
	CodeOrphaned: "its group {group} does not exist",

	CodeHeld:           "held back until the engines that are being made are up",
	CodeWaitsNew:       "no free slot; waits for a new engine",
	CodeWaitsBoot:      "no free slot; waits for {engine}, which boots",
	CodeWaitsSuspected: "no free slot; waits until {engine} is known to be up or down",
	CodeWaitsDrained:   "no free slot; waits until {engine} is back from draining",
	CodeFailedLately:   "no free slot but on {engine}, which failed lately",
	CodeMaxSE:          "no free slot; max_se is reached, {have} of {want}",
	CodeNoAccess:       "no free slot; no access to the cloud: an operator must add an engine",
	CodeNoHost:         "no free slot; no host with room is up and allowed",
	CodeNoGroup:        "its group {group} does not exist",

	CodeShortMaxSE:    "{have} of {want} engines for N + M; max_se is reached",
	CodeShortNoAccess: "{have} of {want} engines for N + M; no access to the cloud: an operator must add engines",
	CodeShortNoHost:   "{have} of {want} engines for N + M; no host with room is up and allowed",
	CodePairNoHost:    "{have} of {want} engines of a pair; no host with room is up and allowed",
	CodeSharedHost:    "its engines share hosts: {have} where {want} are possible",
}

// soon tells whether the engine that a service leaves for this reason is going to stop, so that it cannot stay.
func (r Reason) soon() bool { return r.Code == CodeEngineDrains || r.Code == CodeHostMaintained }

// String is the reason as a sentence for people.
func (r Reason) String() string {
	return strings.NewReplacer("{engine}", r.Engine, "{group}", r.Group, "{host}", r.Host, "{service}", r.Service,
		"{have}", strconv.Itoa(r.Have), "{want}", strconv.Itoa(r.Want)).Replace(texts[r.Code])
}
