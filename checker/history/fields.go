package history

import (
	"slices"
	"strings"
)

// fields is a set of the fields of an [Event], one bit each in the order of fieldNames. Time and Type are
// part of every event and are not among them.
type fields uint32

// The fields of an event.
const (
	fClient fields = 1 << iota
	fOp
	fOperation
	fKey
	fValue
	fExpected
	fVersion
	fOutcome
	fItems
	fStatus
	fService
	fSent
	fOK
	fBy
	fServer
	fNode
	fEvent
	fUnit
	fPeer
	fTerm
	fIndex
	fHash
	fState
	fDetail
	fStep
	fFault
	fTarget
	fResolved
	fPhase
	fOptional
	fReason
)

var fieldNames = []string{
	"client", "op", "operation", "key", "value", "expected", "version", "outcome", "items", "status",
	"service", "sent", "ok", "by", "server",
	"node", "event", "unit", "peer", "term", "index", "hash", "state", "detail",
	"step", "fault", "target", "resolved", "phase", "optional", "reason",
}

// names lists the fields of a set.
func (f fields) names() string {
	var out []string
	for i, name := range fieldNames {
		if f&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}

// shape is which fields an event type must have and which it may have. A field that is empty, 0 or false
// may be left out, so only those whose zero value says nothing are required.
type shape struct{ required, optional fields }

var shapes = map[Type]shape{
	Call:   {fClient | fOp | fOperation, fKey | fValue | fExpected | fVersion},
	Return: {fClient | fOp | fOutcome, fValue | fVersion | fItems | fIndex | fBy | fReason | fDetail | fStatus},
	Probe:  {fService, fClient | fSent | fOK | fBy | fServer | fReason},
	Flow:   {fService | fOp | fPhase, fClient | fSent | fBy | fServer | fReason},
	NodeEv: {fNode | fEvent, fUnit | fPeer | fTerm | fIndex | fHash | fState | fDetail},
	Fault:  {fFault | fPhase, fStep | fTarget | fResolved | fOptional | fReason | fDetail},
	End:    {},
}

var (
	types      = []string{string(Call), string(Return), string(Probe), string(Flow), string(NodeEv), string(Fault), string(End)}
	operations = []string{OpRead, OpWrite, OpCAS, OpCreate, OpUpdate, OpDelete, OpList, OpRequest}
	outcomes   = []string{OK, Fail, Unknown}
	phases     = []string{Begin, Finish}
)

// oneOf lists choices for an error message.
func oneOf(choices []string) string { return strings.Join(choices, ", ") }

func known(choices []string, choice string) bool { return slices.Contains(choices, choice) }

// used tells which fields of the event are not zero.
func (e *Event) used() fields {
	var f fields
	for i, set := range [...]bool{
		e.Client != "", e.Op != 0, e.Operation != "", e.Key != "", e.Value != "", e.Expected != "", e.Version != 0,
		e.Outcome != "", len(e.Items) > 0, e.Status != 0,
		e.Service != "", e.Sent != 0, e.OK, e.By != "", e.Server != "",
		e.Node != "", e.Event != "", e.Unit != "", e.Peer != "", e.Term != 0, e.Index != 0, e.Hash != 0, e.State != 0,
		e.Detail != "",
		e.Step != 0, e.Fault != "", e.Target != "", len(e.Resolved) > 0, e.Phase != "", e.Optional, e.Reason != "",
	} {
		if set {
			f |= 1 << i
		}
	}
	return f
}
