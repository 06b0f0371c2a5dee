package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestProfiles: the documented profile holds the vendor's published timers; every profile is valid and whole.
func TestProfiles(t *testing.T) {
	got, err := Profile("documented")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what      string
		got, want time.Duration
	}{
		{"controllers: 4 heartbeats of 10s", got.ControllerHeartbeat.Std() * time.Duration(got.ControllerFailedHeartbeats), 40 * time.Second},
		{"controller heartbeat", got.ControllerHeartbeat.Std(), 10 * time.Second},
		{"warm start: the middle of 2 to 3 minutes", got.WarmStart.Std(), 150 * time.Second},
		{"engine to controller: 6 heartbeats of 10s", got.SEHeartbeat.Std() * time.Duration(got.SEFailedHeartbeats), time.Minute},
		{"engine heartbeat", got.SEHeartbeat.Std(), 10 * time.Second},
		{"engine to engine: 10 heartbeats of 100ms", got.DPHeartbeat.Std() * time.Duration(got.DPFailedHeartbeats), time.Second},
		{"data-plane heartbeat", got.DPHeartbeat.Std(), 100 * time.Millisecond},
		{"gratuitous ARP again", got.GARPRefresh.Std(), 60 * time.Second},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
	for _, name := range Profiles() {
		p, err := Profile(name)
		if err != nil || p.Validate() != nil {
			t.Errorf("%s: %v, %v", name, err, p.Validate())
		}
	}
	if _, err := Profile("fats"); err == nil || !strings.Contains(err.Error(), "documented or fast") {
		t.Errorf("an unknown profile gave %v", err)
	}
}

// TestOverride sets every timer by itself, so that none is forgotten when one is added.
func TestOverride(t *testing.T) {
	base, _ := Profile("fast")
	if got := base.Override(Timers{}); got != base {
		t.Errorf("nothing to override, but %+v became %+v", base, got)
	}
	for i := range reflect.TypeFor[Timers]().NumField() {
		var o Timers
		want := base
		name := reflect.TypeFor[Timers]().Field(i).Name
		reflect.ValueOf(&o).Elem().Field(i).SetInt(7)
		reflect.ValueOf(&want).Elem().Field(i).SetInt(7)
		if got := base.Override(o); got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

// TestTimersValidate sets every timer to what is too little, and every count to what is too much.
func TestTimersValidate(t *testing.T) {
	base, _ := Profile("fast")
	mayBeZero := map[string]bool{"warm_start": true, "failback_delay": true, "controller_latency_warning": true}
	for i := range reflect.TypeFor[Timers]().NumField() {
		field := reflect.TypeFor[Timers]().Field(i)
		name := field.Tag.Get("json")
		bad := []int64{-1, 0}
		if field.Type.Kind() == reflect.Int {
			bad = []int64{-1, 0, 1001}
		} else if mayBeZero[name] {
			bad = []int64{-1}
		}
		for _, value := range bad {
			timers := base
			reflect.ValueOf(&timers).Elem().Field(i).SetInt(value)
			if err := timers.Validate(); err == nil || !strings.HasPrefix(err.Error(), "timers: "+name+": ") {
				t.Errorf("%s = %d: %v", name, value, err)
			}
		}
	}
	base.APITimeout = base.APIAttempt - 1
	if err := base.Validate(); err == nil || !strings.Contains(err.Error(), "api_timeout") {
		t.Errorf("an operation shorter than one attempt: %v", err)
	}
}

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
		says string
	}{
		{"250ms", 250 * time.Millisecond, ""},
		{"1m30s", 90 * time.Second, ""},
		{"0s", 0, ""},
		{"0", 0, ""},
		{"10", 0, `"10" is not a duration; write a number and a unit`},
		{"", 0, `"" is not a duration`},
		{"-1s", 0, "-1s is negative"},
		{"300000h1000000000h", 0, "is not a duration"},
	} {
		d := Duration(42)
		err := d.UnmarshalText([]byte(c.text))
		if c.says == "" && (err != nil || d.Std() != c.want) {
			t.Errorf("%q: %v, %v", c.text, d, err)
		}
		if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || d != 42) {
			t.Errorf("%q: error %v, value %v", c.text, err, d)
		}
		text, _ := d.MarshalText()
		var again Duration
		if err := again.UnmarshalText(text); err != nil || again != d {
			t.Errorf("%v comes back as %v, %v", d, again, err)
		}
	}
}
