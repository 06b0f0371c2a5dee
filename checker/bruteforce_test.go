package checker

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"firedrill/checker/history"
)

// plain is a key without the shortcuts of [register]: its version is a number, and where nobody was told which,
// every number is tried.
type plain struct {
	exists  bool
	value   string
	version uint64 // the last one, also of what is gone
}

// most is the greatest version that is tried; it leaves room above every version that a history tells.
const most = 9

// after lists what the key can be after an operation that succeeded, or failed for the reason seen.
func (p plain) after(o *operation) []plain {
	if o.outcome == history.Fail {
		right := map[string]bool{
			notFound:        !p.exists,
			alreadyExists:   p.exists,
			versionMismatch: p.exists && o.version != 0 && o.version != p.version,
			"":              p.value != o.expected,
		}
		mine := o.gotVersion == 0 || o.gotVersion == p.version || o.reason == "" || o.reason == notFound
		if right[o.reason] && mine {
			return []plain{p}
		}
		return nil
	}
	set := func() []plain {
		var out []plain
		for v := p.version + 1; v <= most; v++ {
			if o.gotVersion == 0 || o.gotVersion == v {
				out = append(out, plain{true, o.value, v})
			}
		}
		return out
	}
	wanted := o.version == 0 || o.version == p.version
	switch o.kind {
	case history.OpRead:
		if p.value == o.got && (o.gotVersion == 0 || p.exists && o.gotVersion == p.version) {
			return []plain{p}
		}
	case history.OpWrite:
		return set()
	case history.OpCAS:
		if p.value == o.expected {
			return set()
		}
	case history.OpCreate:
		if !p.exists {
			return set()
		}
	case history.OpUpdate:
		if p.exists && wanted {
			return set()
		}
	case history.OpDelete:
		if p.exists && wanted && (o.gotVersion == 0 || o.gotVersion >= p.version) {
			return []plain{{version: max(p.version, o.gotVersion)}}
		}
	}
	return nil
}

// explains tries every order of the operations that real time allows, with and without each one of unknown
// outcome. The bits of used are the operations that have happened.
func explains(all []*operation, p plain, used int) bool {
	done := true
	for i, o := range all {
		done = done && (used&(1<<i) != 0 || o.outcome == history.Unknown)
	}
	if done {
		return true
	}
	for i, o := range all {
		if used&(1<<i) != 0 {
			continue
		}
		first := true
		for j, other := range all {
			first = first && (used&(1<<j) != 0 || other.ret > o.call)
		}
		if !first {
			continue
		}
		for _, next := range p.after(o) {
			if explains(all, next, used|1<<i) {
				return true
			}
		}
	}
	return false
}

// TestAgainstBruteForce: of any short history, Porcupine with our register says what trying everything says.
func TestAgainstBruteForce(t *testing.T) {
	verdicts := make(map[bool]int)
	rapid.Check(t, func(t *rapid.T) {
		h := &history.History{Events: drawAny(t)}
		want := true
		for _, s := range searches(h) {
			want = want && explains(s.operations, plain{}, 0)
		}
		verdicts[want]++
		if got := linearizable(h); got != want {
			t.Fatalf("linearizable: %v, by trying everything: %v\n%s", got, want, text(h))
		}
	})
	if verdicts[true] == 0 || verdicts[false] == 0 {
		t.Errorf("a test of one side only: %v", verdicts)
	}
}

// drawAny draws calls and returns that fit no system in particular.
func drawAny(t *rapid.T) []history.Event {
	var out []history.Event
	open := make(map[string]history.Event)
	for i := range rapid.IntRange(0, 12).Draw(t, "lines") {
		client := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "client")
		call, busy := open[client]
		e := history.Event{Time: int64(i), Type: history.Call, Client: client, Op: uint64(i + 1), Key: "k"}
		if !busy {
			e.Operation = rapid.SampledFrom([]string{history.OpRead, history.OpWrite, history.OpCAS, history.OpCreate, history.OpUpdate, history.OpDelete}).Draw(t, "operation")
			switch e.Operation {
			case history.OpCAS:
				e.Expected = rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "expected")
			case history.OpUpdate, history.OpDelete:
				e.Version = rapid.Uint64Range(0, 3).Draw(t, "version")
			}
			if e.Operation != history.OpRead && e.Operation != history.OpDelete {
				e.Value = rapid.SampledFrom([]string{"1", "2"}).Draw(t, "value")
			}
			open[client] = e
			out = append(out, e)
			continue
		}
		delete(open, client)
		e = history.Event{Time: int64(i), Type: history.Return, Client: client, Op: call.Op}
		e.Outcome = rapid.SampledFrom([]string{history.OK, history.OK, history.Fail, history.Unknown}).Draw(t, "outcome")
		switch e.Outcome {
		case history.OK:
			e.Version = rapid.Uint64Range(0, 3).Draw(t, "got version")
			if call.Operation == history.OpRead {
				e.Value = rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "got")
			}
		case history.Fail:
			var reasons []string
			switch call.Operation {
			case history.OpRead:
				reasons = []string{notFound}
			case history.OpCAS:
				reasons = []string{"", notFound}
			case history.OpCreate:
				reasons = []string{alreadyExists}
			case history.OpUpdate, history.OpDelete:
				reasons = []string{notFound, versionMismatch}
			default:
				reasons = []string{"unavailable"}
			}
			e.Reason = rapid.SampledFrom(reasons).Draw(t, "reason")
			if e.Reason == alreadyExists || e.Reason == versionMismatch {
				e.Version = rapid.Uint64Range(0, 3).Draw(t, "version found")
			}
		}
		out = append(out, e)
	}
	return out
}

// TestJudgeAnything: no event that the format allows, in whatever company, breaks the judgement.
func TestJudgeAnything(t *testing.T) {
	words := []string{"", "a", "web", "web/1", "198.18.0.1", "api", "shop", "engine-1", "controller-1", "ServiceEngine/x"}
	header := readFrom(t, oneLine(pairHeader), "").Header
	rapid.Check(t, func(t *rapid.T) {
		h := &history.History{Header: header, Events: drawAny(t)}
		now := int64(len(h.Events))
		word := func(what string) string { return rapid.SampledFrom(words).Draw(t, what) }
		for range rapid.IntRange(0, 40).Draw(t, "events") {
			now += rapid.SampledFrom([]int64{0, 1, 1e6, 1e9, 1e12}).Draw(t, "dt")
			number := rapid.SampledFrom([]uint64{0, 1, 2, math.MaxUint64}).Draw(t, "number")
			e := history.Event{Time: now}
			switch rapid.IntRange(0, 3).Draw(t, "type") {
			case 0:
				e.Type, e.Service, e.Client, e.OK = history.Probe, word("service"), word("client"), rapid.Bool().Draw(t, "ok")
				e.Sent = rapid.Int64Range(0, now).Draw(t, "sent")
			case 1:
				e.Type, e.Node, e.Unit, e.Peer = history.NodeEv, word("node"), word("unit"), word("peer")
				e.Event = rapid.SampledFrom([]string{"started", "stopped", "suspected", "leader", "ready", "applied", "restored", "active",
					"standby", "address_added", "address_removed", "announced", "configured", "other"}).Draw(t, "event")
				e.Term, e.Index, e.Hash, e.State = number, number, number, number
			case 2:
				e.Type, e.Fault, e.Target, e.Resolved = history.Fault, word("fault"), word("target"), []string{word("resolved")}
				e.Phase = rapid.SampledFrom([]string{history.Begin, history.Finish}).Draw(t, "phase")
			case 3:
				client := fmt.Sprint("lister-", len(h.Events))
				h.Events = append(h.Events, history.Event{Time: now, Type: history.Call, Client: client, Op: 1, Operation: history.OpList, Key: word("prefix")})
				e.Type, e.Client, e.Op, e.Outcome = history.Return, client, 1, history.OK
				e.Items = []history.Item{{Key: word("key"), Value: word("value"), Version: number}}
			}
			h.Events = append(h.Events, e)
		}
		before := text(h)
		first, again := Judge(h), Judge(h)
		if a, b := fmt.Sprintf("%+v", first), fmt.Sprintf("%+v", again); a != b {
			t.Errorf("%s\nthen\n%s", a, b)
		}
		if text(h) != before {
			t.Error("the judgement changed the history")
		}
	})
}
