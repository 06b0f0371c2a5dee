package reports

import (
	"io"
	"testing"
)

func BenchmarkHTML(b *testing.B) {
	in := sample(1000)
	for _, s := range in.Scenarios {
		in.Results.Scenarios = append(in.Results.Scenarios, Describe(s, ""))
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := WriteHTML(io.Discard, &in.Results, Options{Prefix: "firedrill"}); err != nil {
			b.Fatal(err)
		}
	}
}
