package backup

import (
	"bytes"
	crand "crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firedrill/model/config"
)

const passphrase = "correct horse"

var (
	update  = flag.Bool("update", false, "write testdata anew")
	options = Options{Build: "1.2.3", Created: time.Date(2026, 2, 3, 4, 5, 6, 7, time.FixedZone("", 3600)), WorkFactor: TestWorkFactor}
)

// fataler is what rapid's tests and others have in common.
type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// stateOf holds objects, which must be in order.
func stateOf(t fataler, objects ...config.Object) *config.State {
	t.Helper()
	s := config.NewState()
	for i, o := range objects {
		key := config.Key{Kind: o.Kind(), Name: o.ObjectName()}
		if out := s.Apply(uint64(i+1), config.Change{Op: config.OpCreate, Key: key, Body: config.Encode(o)}); out.Code != config.CodeOK {
			t.Fatalf("%s: %+v", key, out)
		}
	}
	return s
}

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

// full has an object of every kind.
func full(t fataler) *config.State {
	return stateOf(t,
		&config.Cluster{Name: "lab", Nodes: []config.ClusterNode{{Name: "controller-1", IP: ip("198.18.0.1")}}},
		&config.Cloud{Name: "bare", Access: config.NoAccess},
		&config.Cloud{Name: "lab", Access: config.WriteAccess, Username: "admin", Password: "<battery> & staple"},
		&config.ServiceEngineGroup{Name: "pair", CloudRef: "lab", HAMode: config.HAModeLegacyActiveStandby},
		&config.ServiceEngine{Name: "engine-1", GroupRef: "pair", Management: ip("198.18.1.1"), Data: ip("198.19.0.11")},
		&config.HealthMonitor{Name: "http", Type: config.MonitorHTTP, HTTPPath: "/?a&b"},
		&config.Pool{Name: "web", HealthMonitorRefs: []string{"http"}, Servers: []config.Server{{IP: ip("198.19.1.1"), Port: 80}}},
		&config.VirtualService{Name: "shop", VIP: ip("198.19.2.1"), Port: 443, PoolRef: "web", SEGroupRef: "pair"},
		&config.BackupConfiguration{Name: "daily", BackupPassphrase: "hush hush hush", SaveLocal: true, Enabled: true},
	)
}

// anyState draws a configuration, secrets and all.
func anyState() *rapid.Generator[*config.State] {
	return rapid.Custom(func(t *rapid.T) *config.State {
		name := rapid.StringMatching(`[A-Za-z0-9._-]{1,12}`)
		secret := rapid.StringOfN(rapid.RuneFrom([]rune("<>&\"\\/ é\u2028\ufffd😀a")), 0, 10, 40)
		s, index := config.NewState(), uint64(0)
		for range rapid.IntRange(0, 8).Draw(t, "objects") {
			var o config.Object
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				o = &config.Cloud{Name: name.Draw(t, "name"), Access: config.NoAccess, Username: "u" + secret.Draw(t, "user"), Password: secret.Draw(t, "password")}
			case 1:
				o = &config.BackupConfiguration{Name: name.Draw(t, "name"), BackupPassphrase: "12345678" + secret.Draw(t, "passphrase")}
			case 2:
				o = &config.Pool{Name: name.Draw(t, "name"), Servers: []config.Server{}}
			case 3:
				o = &config.ServiceEngineGroup{Name: "group", HAMode: config.HAModeShared}
			default:
				o = &config.ServiceEngine{Name: name.Draw(t, "name"), GroupRef: "group", Management: ip("198.18.1.1"), Data: ip("198.19.0.11")}
			}
			index += rapid.Uint64Range(1, 1<<40).Draw(t, "index")
			var fields map[string]any // clients need not write them in our order
			if err := json.Unmarshal(config.Encode(o), &fields); err != nil {
				t.Fatalf("%v", err)
			}
			body := encode(fields, " ")
			s.Apply(index, config.Change{Op: config.OpCreate, Key: config.Key{Kind: o.Kind(), Name: o.ObjectName()}, Body: body})
		}
		return s
	})
}

func export(t fataler, s *config.State) []byte {
	t.Helper()
	data, err := Export(s, passphrase, options)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return data
}

func open(t fataler, data []byte) *Backup {
	t.Helper()
	b, err := Open(data, passphrase)
	if err != nil {
		t.Fatalf("%v of %s", err, data)
	}
	return b
}

// decrypted is a document with what is encrypted in clear, and without what age's randomness changes.
func decrypted(t fataler, data []byte) string {
	t.Helper()
	d, err := parse(data)
	if err != nil {
		t.Fatalf("%v", err)
	}
	plain, err := unseal(d.Secrets, passphrase)
	if err != nil {
		t.Fatalf("%v", err)
	}
	d.Header.Checksum, d.Secrets = "", string(plain)
	return string(encode(d, " "))
}

// TestRoundTrip: a backup of what a backup made is that backup, on an empty node as on one in use.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := anyState().Draw(t, "state")
		first := export(t, before)
		b := open(t, first)
		after := rapid.OneOf(rapid.Just(config.NewState()), anyState()).Draw(t, "target")
		items, err := config.DecodeItems(config.EncodeItems(b.Items))
		if err != nil {
			t.Fatalf("%v", err)
		}
		if out := after.Replace(b.Header.Index, items); out.Code != config.CodeOK {
			t.Fatalf("%+v", out)
		}
		second := export(t, after)
		if got, want := decrypted(t, second), decrypted(t, first); got != want {
			t.Fatalf("%s\nbecame %s", want, got)
		}
		if again := open(t, second); !reflect.DeepEqual(again.Items, b.Items) {
			t.Fatalf("%s\nbecame %s", b.Items, again.Items)
		}
	})
}

// seedRandomness replaces the process's randomness, as a simulation does.
func seedRandomness(t *testing.T) {
	old := crand.Reader
	crand.Reader = rand.NewChaCha8([32]byte{1})
	t.Cleanup(func() { crand.Reader = old })
}

// TestFormat holds the format on file: what this build writes, and that it reads what earlier ones wrote.
func TestFormat(t *testing.T) {
	const file = "testdata/backup.json"
	state := full(t)
	if *update {
		seedRandomness(t)
		if err := os.WriteFile(file, export(t, state), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := decrypted(t, export(t, state)), decrypted(t, data); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	b := open(t, data)
	wantHeader := Header{Format, Version, "1.2.3", options.Created.UTC(), 9, b.Header.Checksum}
	if b.Header != wantHeader || len(b.Items) != 7 {
		t.Errorf("got %+v and %d items, want %+v", b.Header, len(b.Items), wantHeader)
	}
	if h, err := Inspect(data); err != nil || *h != wantHeader {
		t.Errorf("Inspect: %+v, %v", h, err)
	}
	for _, secret := range []string{"staple", "hush", passphrase} {
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("%q is in clear", secret)
		}
	}
}

// TestDeterminism: all that is random comes from the stream that a simulation replaces.
func TestDeterminism(t *testing.T) {
	var files [2][]byte
	for i := range files {
		seedRandomness(t)
		files[i] = export(t, full(t))
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Errorf("%s\n%s", files[0], files[1])
	}
}

// TestDamage: a file of which a byte is missing at the end, or is another, is refused, or still says the same.
func TestDamage(t *testing.T) {
	data := export(t, full(t))
	want := decrypted(t, data)
	check := func(damage string, file []byte) {
		b, err := Open(file, passphrase)
		switch {
		case err == nil && decrypted(t, file) != want:
			t.Errorf("%s: it is taken for %+v", damage, b)
		case err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion):
			t.Errorf("%s: %v", damage, err)
		}
	}
	for n := range data[:len(data)-2] {
		if b, err := Open(data[:n], passphrase); !errors.Is(err, ErrDamaged) {
			t.Errorf("the first %d bytes: %+v, %v", n, b, err)
		}
	}
	for at := range data {
		for _, bits := range []byte{1, 2, 0x10, 0x20, 0x80} {
			file := bytes.Clone(data)
			file[at] ^= bits
			check(fmt.Sprintf("%q for %q at %d", file[at], data[at], at), file)
		}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(compact.Bytes(), passphrase); err != nil {
		t.Errorf("laid out anew: %v", err)
	}
}

func TestExportRefuses(t *testing.T) {
	for _, c := range []struct {
		name, passphrase string
		change           func(*Options)
		is               error
		says             string
	}{
		{"no passphrase", "", func(*Options) {}, ErrWeakPassphrase, "use 8 characters"},
		{"a short passphrase", "1234567", func(*Options) {}, ErrWeakPassphrase, "use 8 characters"},
		{"too little work", passphrase, func(o *Options) { o.WorkFactor = -1 }, nil, "use 1 to 18"},
		{"too much work", passphrase, func(o *Options) { o.WorkFactor = 19 }, nil, "use 1 to 18"},
		{"a year of five digits", passphrase, func(o *Options) { o.Created = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, nil, "year 10000"},
	} {
		o := options
		c.change(&o)
		data, err := Export(full(t), c.passphrase, o)
		if err == nil || data != nil || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestDefaultWorkFactor: production's protection is there unless somebody asks for less.
func TestDefaultWorkFactor(t *testing.T) {
	data, err := Export(config.NewState(), passphrase, Options{Build: "\xff"})
	if err != nil {
		t.Fatal(err)
	}
	if b := open(t, data); b.Header.Build != "?" || !strings.Contains(factor(t, data), " 16\n") {
		t.Errorf("%+v, %q", b.Header, factor(t, data))
	}
}
