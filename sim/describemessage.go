package sim

import (
	"fmt"
	"strings"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"firedrill/checker/history/scene"
	"firedrill/model/wire"
)

// said is what bytes between two nodes say.
type said struct {
	kind    string
	text    string
	routine bool // it is sent all the time, whatever happens
}

// describeMessage names what bytes between two nodes say.
func describeMessage(msg []byte) string { return read(msg).text }

// read tells what bytes between two nodes say.
func read(msg []byte) said {
	body, err := wire.Decode(msg)
	if err != nil {
		return said{kind: "unreadable", text: err.Error()}
	}
	switch b := body.(type) {
	case *wire.Envelope_Raft:
		return readRaft(b.Raft)
	case *wire.Envelope_Request:
		return said{"request", fmt.Sprintf("request %s#%d %v %s/%s", b.Request.Client, b.Request.Sequence, b.Request.Operation, b.Request.Kind, b.Request.Name),
			b.Request.Operation == wire.Operation_READ}
	case *wire.Envelope_Response:
		return said{"response", fmt.Sprintf("response %s#%d %v version=%d", b.Response.Client, b.Response.Sequence, b.Response.Status, b.Response.Version),
			b.Response.Status == wire.Status_OK}
	case *wire.Envelope_EngineReport:
		return said{"report", fmt.Sprintf("report config=%d units=%v", b.EngineReport.ConfigIndex, b.EngineReport.Units), true}
	case *wire.Envelope_EngineDirective:
		return said{"directive", fmt.Sprintf("directive term=%d config=%d bytes=%d", b.EngineDirective.Term, b.EngineDirective.ConfigIndex, len(b.EngineDirective.Config)),
			len(b.EngineDirective.Config) == 0}
	case *wire.Envelope_PeerHeartbeat:
		return said{"heartbeat", fmt.Sprintf("heartbeat %d units=%v", b.PeerHeartbeat.Sequence, b.PeerHeartbeat.Units), true}
	case *wire.Envelope_Metrics:
		m := b.Metrics
		return said{"metrics", fmt.Sprintf("metrics life=%x %d after %d services=%d logs=%d", m.Incarnation, m.Sequence, m.Base, len(m.Services), len(m.Logs)), true}
	case *wire.Envelope_MetricsAck:
		a := b.MetricsAck
		return said{"metrics", fmt.Sprintf("metrics ack life=%x %d unknown=%v", a.Incarnation, a.Sequence, a.Unknown), true}
	case *wire.Envelope_NodeReport:
		return said{"node report", fmt.Sprintf("%T", body), true}
	}
	kind := strings.TrimPrefix(fmt.Sprintf("%T", body), "*wire.Envelope_")
	return said{kind: kind, text: fmt.Sprintf("%T", body)}
}

// readRaft tells what a message of raft says. Of these the ones that carry nothing but the word that a leader lives, and
// the answers to what was accepted, are routine.
func readRaft(data []byte) said {
	var m raftpb.Message
	if err := proto.Unmarshal(data, &m); err != nil {
		return said{kind: "unreadable", text: err.Error()}
	}
	s := said{kind: "raft " + strings.TrimPrefix(m.GetType().String(), "Msg"),
		text: fmt.Sprintf("%v term=%d index=%d commit=%d", m.GetType(), m.GetTerm(), m.GetIndex(), m.GetCommit())}
	if n := len(m.Entries); n > 0 {
		s.text += fmt.Sprintf(" entries=%d", n)
	}
	if m.GetReject() {
		s.text += " reject"
	}
	switch m.GetType() {
	case raftpb.MsgHeartbeat, raftpb.MsgHeartbeatResp:
		s.routine = true
	case raftpb.MsgApp, raftpb.MsgAppResp:
		s.routine = !m.GetReject()
	}
	return s
}

// describeFrame tells what is on its way from a machine to another, or to an address.
func describeFrame(f *frame, from *machine, to string) scene.Message {
	m := scene.Message{From: from.Name, To: to, Sent: time.Duration(f.sent), Routine: true}
	say := func(kind, format string, args ...any) { m.Kind, m.Text = kind, fmt.Sprintf(format, args...) }
	switch f.kind {
	case message:
		s := read(f.payload)
		m.Kind, m.Text, m.Routine = s.kind, s.text, s.routine
	case arpRequest:
		say("ARP", "who has %v? tell %v", f.to.addr(), f.from.addr())
	case arpReply:
		say("ARP", "%v is at %s", f.from.addr(), from.Name)
		if f.from == f.to {
			say("announcement", "%v is at %s", f.from.addr(), from.Name)
			m.Routine = false
		}
	case checkRequest:
		say("check", "check of %v", f.to.addr())
	case checkResponse:
		say("check", "%v answers the check", f.from.addr())
	case reset:
		say("flow", "flow of %v to %v: reset", f.flow.client.addr(), f.flow.service.addr())
		m.Routine = false
	default:
		say("flow", "flow of %v to %v: %v", f.flow.client.addr(), f.flow.service.addr(), f.kind)
		m.Routine = !f.given
	}
	return m
}
