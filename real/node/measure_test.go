package node

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMeasure(t *testing.T) {
	dir := t.TempDir()
	server, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := server.Addr().String()
	_ = server.Close()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	for _, c := range []struct{ what, address, problem string }{
		{MeasureDisk, "", ""},
		{MeasureTimer, "", ""},
		{MeasureRequest, at, "refused"}, // nobody answers there any more: an error, not an endless wait
		{MeasureRequest, "nowhere", "not an ip:port"},
		{MeasureLink, "nowhere", "nowhere"},
		{"luck", "", `"luck" is nothing to measure`},
	} {
		all, err := Measure(ctx, dir, c.what, c.address, 5)
		switch {
		case c.problem != "":
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("%s: %v, want %q", c.what, err, c.problem)
			}
		case err != nil || len(all) != 5:
			t.Errorf("%s: %v, %v", c.what, all, err)
		}
		for _, d := range all {
			if d < 0 || d > time.Minute {
				t.Errorf("%s took %v", c.what, d)
			}
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
}
