package consensus

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestAdmission(t *testing.T) {
	s := newSessions(2)
	s.keep("a", 1, []byte("one"))
	s.keep("a", 3, []byte("three"))
	for _, c := range []struct {
		client   string
		sequence uint64
		want     admission
		result   string
	}{
		{"a", 3, duplicate, "three"},
		{"a", 4, fresh, ""},
		{"a", 9, fresh, ""},
		{"a", 2, expired, ""},
		{"a", 1, expired, ""},
		{"b", 1, fresh, ""},
		{"b", 2, expired, ""},
		{"", 0, fresh, ""},
		{"", 7, fresh, ""},
	} {
		if got, result := s.admit(c.client, c.sequence); got != c.want || string(result) != c.result {
			t.Errorf("%q/%d: %d, %q; want %d, %q", c.client, c.sequence, got, result, c.want, c.result)
		}
	}
}

// TestSessions compares sessions with a list that is searched from end to end.
func TestSessions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 4).Draw(t, "limit")
		s, want := newSessions(limit), []session(nil)
		t.Repeat(map[string]func(*rapid.T){
			"command": func(t *rapid.T) {
				client := rapid.SampledFrom([]string{"", "a", "b", "c", "d", "e"}).Draw(t, "client")
				sequence := rapid.Uint64Range(1, 4).Draw(t, "sequence")
				i := slices.IndexFunc(want, func(k session) bool { return k.client == client })
				verdict, result := s.admit(client, sequence)
				if naive, kept := admitNaively(want, i, client, sequence); verdict != naive || !bytes.Equal(result, kept) {
					t.Fatalf("%q/%d: %d, %q; want %d, %q", client, sequence, verdict, result, naive, kept)
				}
				if verdict != fresh || client == "" {
					return
				}
				result = fmt.Appendf(nil, "%s%d", client, sequence)
				s.keep(client, sequence, result)
				if i >= 0 {
					want = slices.Delete(want, i, i+1)
				}
				want = append(want, session{client, sequence, result})
				want = want[max(0, len(want)-limit):]
			},
			"snapshot": func(t *rapid.T) {
				encoded := s.encode(nil)
				d := decoder{b: append(encoded, "rest"...)}
				s = newSessions(limit)
				if s.decode(&d); d.err != nil || string(d.b) != "rest" {
					t.Fatalf("error %v, left %q", d.err, d.b)
				}
			},
			"": func(t *rapid.T) {
				i := 0
				for e := s.order.Front(); e != nil; e = e.Next() {
					if got := e.Value.(*session); i >= len(want) || got.client != want[i].client || s.byID[got.client] != e {
						t.Fatalf("%q is remembered at place %d; want %v", got.client, i, want)
					}
					i++
				}
				if i != len(want) || len(s.byID) != len(want) {
					t.Fatalf("%d and %d are remembered, want %d", i, len(s.byID), len(want))
				}
			},
		})
	})
}

func admitNaively(known []session, i int, client string, sequence uint64) (admission, []byte) {
	switch {
	case client == "" || i < 0 && sequence == 1:
		return fresh, nil
	case i < 0 || sequence < known[i].sequence:
		return expired, nil
	case sequence == known[i].sequence:
		return duplicate, known[i].result
	}
	return fresh, nil
}
