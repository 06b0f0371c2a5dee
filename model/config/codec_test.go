package config

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := anyObject().Draw(t, "object")
		body := Encode(o)
		again, err := Decode(o.Kind(), body)
		if err != nil || string(Encode(again)) != string(body) {
			t.Fatalf("%s came back as %v, %v", body, again, err)
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct {
		kind       Kind
		body, says string
	}{
		{"Pond", `{}`, `unknown kind "Pond"; use one of Cluster, Cloud,`},
		{KindPool, ``, "Pool: EOF"},
		{KindPool, `{"name": "a"`, "Pool: unexpected EOF"},
		{KindPool, `{"servants": []}`, `Pool: unknown field "servants"`},
		{KindPool, `{"name": 1}`, "cannot unmarshal number"},
		{KindPool, `{"servers": [{"port": 65536}]}`, "65536"},
		{KindPool, `{"servers": [{"ip": "x"}]}`, "x"},
		{KindPool, `{} {}`, "data after the object"},
		{KindHealthMonitor, `{"send_interval": "-1s"}`, "negative"},
		{KindHealthMonitor, `{"send_interval": 5}`, "cannot unmarshal number"},
	} {
		if o, err := Decode(c.kind, []byte(c.body)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %s: %v, %v", c.kind, c.body, o, err)
		}
	}
}

// TestEncodeForPeople: what HTML would escape stays as it is.
func TestEncodeForPeople(t *testing.T) {
	o := &HealthMonitor{Name: "a", Type: MonitorHTTP, HTTPPath: "/?a<b&c>d"}
	if got, want := string(Encode(o)), `{"name":"a","type":"HEALTH_MONITOR_HTTP","http_path":"/?a<b&c>d"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestKeys(t *testing.T) {
	for _, kind := range Kinds() {
		if key, err := ParseKey(Key{kind, "a/b"}.String()); err != nil || key != (Key{kind, "a/b"}) {
			t.Errorf("%s: %v, %v", kind, key, err)
		}
	}
	for text, says := range map[string]string{"": "is not a key", "Pool": "is not a key", "Pool/": "is not a key", "Pond/a": "unknown kind"} {
		if key, err := ParseKey(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, %v", text, key, err)
		}
	}
}

// FuzzDecode: whatever decodes encodes to something that decodes to the same, and validates without a panic.
func FuzzDecode(f *testing.F) {
	for _, c := range invalidObjects {
		f.Add(string(c.object.Kind()), Encode(c.object))
	}
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		o, err := Decode(Kind(kind), body)
		if err != nil {
			return
		}
		again, err := Decode(Kind(kind), Encode(o))
		if err != nil || string(Encode(again)) != string(Encode(o)) {
			t.Fatalf("%s came back as %v, %v", Encode(o), again, err)
		}
		var field *FieldError
		if err := o.Validate(); err != nil && (!errors.As(err, &field) || field.Field == "" || field.Problem == "") {
			t.Fatalf("%v names no field", err)
		}
		_ = o.References()
	})
}

// FuzzRestore: a damaged snapshot is an error that changes nothing; any other is restored whole.
func FuzzRestore(f *testing.F) {
	whole := full(f).Snapshot()
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(strings.Replace(string(whole), `"version":1`, `"version":2`, 1)))
	f.Add([]byte(strings.Replace(string(whole), `"name":"engine-2"`, `"name":"engine-1"`, 1)))
	f.Add([]byte(`{"version":1,"objects":[{"kind":"Pond"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := full(t)
		before := s.Snapshot()
		if err := s.Restore(data); err != nil {
			if string(s.Snapshot()) != string(before) || s.Index() != 7 {
				t.Fatalf("%v, but the state became %s", err, s.Snapshot())
			}
			return
		}
		again := NewState()
		if err := again.Restore(s.Snapshot()); err != nil || again.Hash() != s.Hash() || !reflect.DeepEqual(again.users, s.users) {
			t.Fatalf("%s came back with error %v", s.Snapshot(), err)
		}
	})
}

func TestRestoreRefuses(t *testing.T) {
	whole := string(full(t).Snapshot())
	first, _, _ := strings.Cut(strings.SplitAfter(whole, `"objects":[`)[1], "},")
	for _, c := range []struct{ old, new, says string }{
		{`"version":1,"index"`, `"version":2,"index"`, "of version 2; this build reads 1"},
		{`"name":"engine-2"`, `"name":"engine-1"`, "twice or under another name"},
		{`"objects":[`, `"objects":[` + first + "},", "twice or under another name"},
		{`"kind":"Cloud"`, `"kind":"Pool"`, "unknown field"},
		{`"kind":"Cloud"`, `"kind":"Pond"`, `unknown kind "Pond"`},
		{`{"version"`, `["version"`, "configuration snapshot: invalid character"},
	} {
		s := full(t)
		damaged := strings.Replace(whole, c.old, c.new, 1)
		if err := s.Restore([]byte(damaged)); err == nil || !strings.Contains(err.Error(), c.says) || string(s.Snapshot()) != whole {
			t.Errorf("with %s spoiled: %v, want %q; the state is %s", c.old, err, c.says, s.Snapshot())
		}
	}
}
