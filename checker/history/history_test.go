package history

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firedrill/model/config"
)

const head = `{"format":"firedrill.history","version":1}` + "\n"

// text draws the strings that hurt: quotes, control characters, what HTML would escape, line separators.
func text(min int) *rapid.Generator[string] {
	return rapid.StringOfN(rapid.RuneFrom([]rune("ab/\"\\<&\n\x00\x7f\u2028é漢")), min, 8, -1)
}

// histories draws any history that the format allows.
func histories(t *rapid.T) *History {
	h := &History{Header: Header{Format: Format, Version: Version, Scenario: text(0).Draw(t, "scenario"), Seed: rapid.Uint64().Draw(t, "seed")}}
	if rapid.Bool().Draw(t, "demanding") {
		h.Header.Expect.Outages = []OutageBound{{Service: "*", Max: config.Duration(rapid.Int64Min(0).Draw(t, "bound"))}}
		h.Header.Nodes = []Node{{Name: text(1).Draw(t, "node"), Role: "engine"}}
	}
	busy := map[string]uint64{}
	now := int64(0)
	for range rapid.IntRange(0, 20).Draw(t, "events") {
		now += rapid.Int64Range(0, 1e9).Draw(t, "dt")
		e := Event{Time: now}
		client := text(1).Draw(t, "client")
		switch op, open := busy[client]; rapid.IntRange(0, 3).Draw(t, "type") {
		case 0:
			e.Type, e.Client, e.Op = Call, client, op
			if open {
				delete(busy, client)
				e.Type, e.Outcome = Return, rapid.SampledFrom(outcomes).Draw(t, "outcome")
				e.Value, e.Index = text(0).Draw(t, "value"), rapid.Uint64().Draw(t, "index")
				e.Items = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Item {
					return Item{Key: text(0).Draw(t, "key"), Value: text(0).Draw(t, "value"), Version: rapid.Uint64().Draw(t, "version")}
				}), 0, 3).Draw(t, "items")
				break
			}
			e.Op = rapid.Uint64Min(1).Draw(t, "op")
			busy[client] = e.Op
			e.Operation, e.Key = rapid.SampledFrom(operations).Draw(t, "operation"), text(0).Draw(t, "key")
			e.Value, e.Expected = text(0).Draw(t, "value"), text(0).Draw(t, "expected")
			e.Version = rapid.Uint64().Draw(t, "version")
		case 1:
			e.Type, e.Service, e.Client = Probe, text(1).Draw(t, "service"), client
			e.Sent, e.OK, e.By = rapid.Int64Range(0, now).Draw(t, "sent"), rapid.Bool().Draw(t, "ok"), text(0).Draw(t, "by")
		case 2:
			e.Type, e.Node, e.Event = NodeEv, text(1).Draw(t, "node"), text(1).Draw(t, "event")
			e.Unit, e.Peer, e.Detail = text(0).Draw(t, "unit"), text(0).Draw(t, "peer"), text(0).Draw(t, "detail")
			e.Term, e.Index = rapid.Uint64().Draw(t, "term"), rapid.Uint64().Draw(t, "index")
			e.Hash, e.State = rapid.Uint64().Draw(t, "hash"), rapid.Uint64().Draw(t, "state")
		case 3:
			e.Type, e.Fault, e.Phase = Fault, text(1).Draw(t, "fault"), rapid.SampledFrom(phases).Draw(t, "phase")
			e.Step, e.Target = rapid.Int().Draw(t, "step"), text(0).Draw(t, "target")
			e.Resolved, e.Reason = rapid.SliceOfN(text(0), 0, 3).Draw(t, "resolved"), text(0).Draw(t, "reason")
		}
		if len(e.Items) == 0 {
			e.Items = nil
		}
		if len(e.Resolved) == 0 {
			e.Resolved = nil
		}
		h.Events = append(h.Events, e)
	}
	return h
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories(t)
		var b bytes.Buffer
		if err := Write(&b, h); err != nil {
			t.Fatal(err)
		}
		got, err := Read("h", bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatalf("%v in\n%s", err, b.Bytes())
		}
		if d := cmp.Diff(h, got); d != "" {
			t.Fatal(d)
		}
	})
}

// The hand-written encoder must write what encoding/json writes: every field, in order, equally escaped.
func TestEventsAreEncodedAsEncodingJSONDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, e := range histories(t).Events {
			want, err := plainJSON(e)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(AppendEvent(nil, &e)) + "\n"; got != string(want) {
				t.Fatalf("got  %s want %s", got, want)
			}
		}
	})
}

// A field that is added to Event must be added to the table of fields and to the encoder.
func TestEveryFieldIsKnown(t *testing.T) {
	full := Event{
		Time: 1, Type: "x", Client: "x", Op: 1, Operation: "x", Key: "x", Value: "x", Expected: "x", Version: 1, Outcome: "x",
		Items: []Item{{Key: "x"}}, Status: 1, Service: "x", Sent: 1, OK: true, By: "x", Server: "x", Node: "x", Event: "x", Unit: "x", Peer: "x", Term: 1,
		Index: 1, Hash: 1, State: 1, Detail: "x", Step: 1, Fault: "x", Target: "x", Resolved: []string{"x"}, Phase: "x", Optional: true, Reason: "x",
	}
	var m map[string]any
	if err := json.Unmarshal(AppendEvent(nil, &full), &m); err != nil {
		t.Fatal(err)
	}
	if all := fields(1<<len(fieldNames) - 1); full.used() != all || len(m) != len(fieldNames)+2 {
		t.Errorf("used %b of %b; %d written", full.used(), all, len(m))
	}
	for i, name := range fieldNames {
		var one Event
		if value, err := json.Marshal(map[string]any{name: m[name]}); err != nil || json.Unmarshal(value, &one) != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if one.used() != 1<<i {
			t.Errorf("%s is not bit %d", name, i)
		}
	}
}

func TestBadHistoriesAreRefused(t *testing.T) {
	call := `{"t":5,"type":"call","client":"a","op":1,"operation":"read","key":"x"}` + "\n"
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", `h:1: the file is empty; the first line is the header, at least {"format":"firedrill.history","version":1}`},
		{"not json", "hello\n", `h:1: this is no firedrill.history; the first line is the header`},
		{"other format", `{"format":"jepsen","version":1}`, `h:1: this is no firedrill.history;`},
		{"no version", `{"format":"firedrill.history"}`, `h:1: version is missing;`},
		{"newer", `{"format":"firedrill.history","version":2,"moon":1}`, `h:1: version 2 is newer than this program; it reads up to version 1`},
		{"unknown header field", `{"format":"firedrill.history","version":1,"moon":1}`, `h:1: unknown field "moon"; a header has format,`},
		{"bad duration", `{"format":"firedrill.history","version":1,"expect":{"dual_active":"5"}}`, `h:1: "5" is not a duration; write a number and a unit`},
		{"unknown type", head + `{"t":1,"type":"guess"}`, `h:2: the type "guess" is unknown; it is one of call, return, probe, flow, node, fault, end`},
		{"unknown field", head + `{"t":1,"type":"end","moon":1}`, `h:2: unknown field "moon"; the type end has t and type only`},
		{"wrong type of value", head + `{"t":"1","type":"end"}`, `h:2: t is string, but takes int64;`},
		{"missing field", head + `{"t":1,"type":"node","event":"leader"}`, `h:2: the node lacks node; the type node has t, type, node, event and may have unit,`},
		{"field of another type", head + `{"t":1,"type":"end","key":"x"}`, `h:2: the type end has no key;`},
		{"time goes back", head + call + `{"t":4,"type":"end"}`, `h:3: time goes back from 5 to 4;`},
		{"negative time", head + `{"t":-1,"type":"end"}`, `h:2: time goes back from 0 to -1;`},
		{"after the end", head + `{"t":1,"type":"end"}` + "\n" + `{"t":1,"type":"end"}`, `h:3: the run has ended above; nothing follows an end`},
		{"return without call", head + `{"t":1,"type":"return","client":"a","op":1,"outcome":"ok"}`, `h:2: client a returns from operation 1 without a call; the call comes first`},
		{"return of another call", head + call + `{"t":6,"type":"return","client":"a","op":2,"outcome":"ok"}`, `h:3: client a returns from operation 2, but its open call is operation 1`},
		{"two open calls", head + call + call, `h:3: client a calls operation 1 while its operation 1 is open; return that first, as unknown if need be`},
		{"operation", head + `{"t":1,"type":"call","client":"a","op":1,"operation":"put","key":"x"}`, `h:2: the operation "put" is unknown; it is one of read, write, cas,`},
		{"outcome", head + call + `{"t":6,"type":"return","client":"a","op":1,"outcome":"maybe"}`, `h:3: the outcome "maybe" is unknown; it is one of ok, fail, unknown`},
		{"phase", head + `{"t":6,"type":"fault","fault":"crash","phase":"start"}`, `h:2: the phase "start" is unknown; it is one of begin, end`},
		{"sent later", head + `{"t":6,"type":"probe","service":"s","sent":7}`, `h:2: the probe was sent at 7, but its fate was known at 6;`},
		{"empty line", head + "\n" + call, `h:2: the line is empty;`},
		{"torn line", head + call[:20], `h:2: the line breaks off inside a value;`},
		{"two values", head + `{"t":1,"type":"end"} {"t":1,"type":"end"}`, `h:2: more than one value on the line;`},
		{"long line", head + strings.Repeat("x", maxLine+1), `h:2: the line is longer than 16777216 bytes; write one event a line`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read("h", strings.NewReader(c.text))
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestFiles(t *testing.T) {
	h := &History{Header: Header{Scenario: "s"}, Events: []Event{{Time: 1, Type: End}}}
	want := head[:len(head)-2] + `,"scenario":"s"}` + "\n" + `{"t":1,"type":"end"}` + "\n"
	for _, name := range []string{"h.jsonl", "h.jsonl.zst"} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := h.WriteFile(path); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if plain := string(raw) == want; plain != (name == "h.jsonl") {
			t.Errorf("%s holds %q", name, raw)
		}
		got, err := ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		h.Header.Format, h.Header.Version = Format, Version
		if d := cmp.Diff(h, got); d != "" {
			t.Error(d)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
	if err := h.WriteFile(filepath.Join(t.TempDir(), "none", "h.jsonl")); err == nil {
		t.Error("wrote into a folder that is not there")
	}
}

func TestEveryTypeIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range types {
		s := shapes[Type(typ)]
		row := "| `" + typ + "` | " + orNone(s.required) + " | " + orNone(s.optional) + " |"
		if !strings.Contains(string(doc), row) {
			t.Errorf("FORMAT.md lacks the row\n%s", row)
		}
	}
}

func orNone(f fields) string {
	if f == 0 {
		return "none"
	}
	return f.names()
}

// FuzzRead: any input is either refused with its line named, or is read, written and read again unchanged.
func FuzzRead(f *testing.F) {
	f.Add([]byte(head + `{"t":1,"type":"probe","service":"s","ok":true}` + "\n" + `{"t":2,"type":"end"}`))
	f.Add([]byte(head + `{"t":5,"type":"call","client":"a","op":1,"operation":"read","key":"x"}` + "\n" +
		`{"t":5,"type":"return","client":"a","op":1,"outcome":"ok","value":"\"<\u2028","items":[{"key":"x"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := Read("h", bytes.NewReader(data))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "h:") {
				t.Fatalf("no line: %v", err)
			}
			return
		}
		var first, second bytes.Buffer
		if err := Write(&first, h); err != nil {
			t.Fatal(err)
		}
		again, err := Read("h", bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatalf("%v in\n%s", err, first.Bytes())
		}
		if err := Write(&second, again); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatalf("%s\nbecame\n%s", first.Bytes(), second.Bytes())
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	e := Event{Time: 123456789, Type: Probe, Service: "shop", Client: "client-1", Sent: 123400000, OK: true, By: "engine-1", Server: "server-1"}
	h := &History{Events: make([]Event, 10000)}
	for i := range h.Events {
		h.Events[i] = e
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := Write(new(bytes.Buffer), h); err != nil {
			b.Fatal(err)
		}
	}
}
