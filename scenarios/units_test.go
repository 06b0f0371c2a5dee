package scenarios

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSpanRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64Range(0, int64(longestRun)).Draw(t, "a")
		b := rapid.Int64Range(a, int64(longestRun)).Draw(t, "b")
		want := Span{time.Duration(a), time.Duration(b)}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Span
		if err := json.Unmarshal(text, &got); err != nil || got != want {
			t.Fatalf("%v came back from %s as %v, %v", want, text, got, err)
		}
	})
}

func TestRatioRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Ratio(rapid.Uint32Range(0, uint32(Whole)).Draw(t, "ratio"))
		text, err := want.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var got Ratio
		if err := got.UnmarshalText(text); err != nil || got != want {
			t.Fatalf("%d came back from %s as %d, %v", want, text, got, err)
		}
	})
}

func TestUnitsAsText(t *testing.T) {
	for text, want := range map[string]Ratio{"0%": 0, "5%": 50_000, "0.25%": 2_500, "0.0001%": 1, "007%": 70_000, "100%": Whole, "100.0%": Whole} {
		var got Ratio
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "%", "5", "-5%", ".5%", "5.%", "0.00001%", "100.0001%", "101%", "1e1%", "5 %"} {
		if err := new(Ratio).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q passes for a ratio", text)
		}
	}
	for text, want := range map[string]Span{"10s": {10 * time.Second, 10 * time.Second}, "0": {}, "1.5s..1m": {1500 * time.Millisecond, time.Minute}} {
		var got Span
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "..", "1s..", "..1s", "1s...2s", "2s..1s", "-1s", "1s..2s..3s", "10", "1s .. 2s"} {
		if err := new(Span).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q passes for a span", text)
		}
	}
}
