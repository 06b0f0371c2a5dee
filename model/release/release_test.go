package release

import (
	"strings"
	"testing"
)

func TestCheckUpgrade(t *testing.T) {
	for _, c := range []struct{ from, to, problem string }{
		{"16.2", "16.3", ""},
		{"16.2", "16.2.1", ""},
		{"16.2.7", "16.3", ""},
		{"16.2", "16.3.4", ""},
		{"16.2", "16.2", "no upgrade"},
		{"16.2.0", "16.2", "no upgrade"},
		{"16.3", "16.2", "no upgrade"},
		{"16.2", "16.4", "too far"},
		{"16.9", "17.1", "too far"},
		{"16.2", "newest", "not a version"},
		{"16", "16.2", "not a version"},
		{"16.2", "16.3.1.1", "not a version"},
		{"16.2", "16.-3", "not a version"},
	} {
		err := CheckUpgrade(c.from, c.to)
		if c.problem == "" && err != nil || c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)) {
			t.Errorf("from %s to %s: %v, want %q", c.from, c.to, err, c.problem)
		}
	}
}

func TestFormatOf(t *testing.T) {
	for version, want := range map[string]Format{
		"15.1": FormatFirst, "16.2": FormatFirst, "16.2.9": FormatFirst, "16.3": FormatBuilds, "16.3.1": FormatBuilds, "17.1": FormatBuilds, "": Newest,
	} {
		if got := FormatOf(version); got != want {
			t.Errorf("%q speaks %d, want %d", version, got, want)
		}
	}
	for i, f := range formats { // newest first, down to the first
		if want := Newest - Format(i); f.format != want {
			t.Errorf("row %d brings the format %d, want %d", i, f.format, want)
		}
	}
}
