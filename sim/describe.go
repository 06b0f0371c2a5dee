package sim

import (
	"fmt"
	"strings"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"firedrill/checker/history"
	"firedrill/model/wire"
)

// describe writes an entry of the history as a line of the trace.
func describe(e *history.Event) string {
	switch e.Type {
	case history.NodeEv:
		return words("%-14s %s %s %s term=%d index=%d %s", e.Node, e.Event, e.Unit, e.Peer, e.Term, e.Index, e.Detail)
	case history.Probe:
		return words("%-14s probe of %s ok=%v %s %s", e.Client, e.Service, e.OK, e.By, e.Reason)
	case history.Flow:
		return words("%-14s flow %d to %s %s %s %s", e.Client, e.Op, e.Service, e.Phase, e.By, e.Reason)
	case history.Fault:
		return words("%-14s %s %s at %s = %s %s", "world", e.Fault, e.Phase, e.Target, strings.Join(e.Resolved, ","), e.Reason)
	case history.Call:
		return words("%-14s calls %d %s %s version=%d", e.Client, e.Op, e.Operation, e.Key, e.Version)
	case history.Return:
		return words("%-14s returns %d %s version=%d %s %s", e.Client, e.Op, e.Outcome, e.Version, e.Reason, e.By)
	}
	return string(e.Type)
}

// words formats, and drops the blanks that empty values leave behind.
func words(format string, args ...any) string {
	name, rest, _ := strings.Cut(fmt.Sprintf(format, args...), " ")
	return fmt.Sprintf("%-14s %s", name, strings.Join(strings.Fields(rest), " "))
}

// describeMessage names what bytes between two nodes say.
func describeMessage(msg []byte) string {
	body, err := wire.Decode(msg)
	if err != nil {
		return err.Error()
	}
	switch b := body.(type) {
	case *wire.Envelope_Raft:
		var m raftpb.Message
		if err := proto.Unmarshal(b.Raft, &m); err != nil {
			return err.Error()
		}
		text := fmt.Sprintf("%v term=%d index=%d commit=%d", m.GetType(), m.GetTerm(), m.GetIndex(), m.GetCommit())
		if n := len(m.Entries); n > 0 {
			text += fmt.Sprintf(" entries=%d", n)
		}
		if m.GetReject() {
			text += " reject"
		}
		return text
	case *wire.Envelope_Request:
		return fmt.Sprintf("request %s#%d %v %s/%s", b.Request.Client, b.Request.Sequence, b.Request.Operation, b.Request.Kind, b.Request.Name)
	case *wire.Envelope_Response:
		return fmt.Sprintf("response %s#%d %v version=%d", b.Response.Client, b.Response.Sequence, b.Response.Status, b.Response.Version)
	case *wire.Envelope_EngineReport:
		return fmt.Sprintf("report config=%d units=%v", b.EngineReport.ConfigIndex, b.EngineReport.Units)
	case *wire.Envelope_EngineDirective:
		return fmt.Sprintf("directive term=%d config=%d bytes=%d", b.EngineDirective.Term, b.EngineDirective.ConfigIndex, len(b.EngineDirective.Config))
	case *wire.Envelope_PeerHeartbeat:
		return fmt.Sprintf("heartbeat %d units=%v", b.PeerHeartbeat.Sequence, b.PeerHeartbeat.Units)
	case *wire.Envelope_Metrics:
		m := b.Metrics
		return fmt.Sprintf("metrics life=%x %d after %d services=%d logs=%d", m.Incarnation, m.Sequence, m.Base, len(m.Services), len(m.Logs))
	case *wire.Envelope_MetricsAck:
		a := b.MetricsAck
		return fmt.Sprintf("metrics ack life=%x %d unknown=%v", a.Incarnation, a.Sequence, a.Unknown)
	}
	return fmt.Sprintf("%T", body)
}
