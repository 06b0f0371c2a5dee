package config

import (
	"reflect"
	"strings"
	"testing"
)

// TestSecretFields lists every secret there is: a new one is added here, or its tag is wrong.
func TestSecretFields(t *testing.T) {
	want := map[Kind][]string{KindCloud: {"password"}, KindBackupConfiguration: {"backup_passphrase"}}
	for _, k := range kinds {
		var got []string
		for _, s := range Secrets(k.make()) {
			got = append(got, s.Field)
		}
		if !reflect.DeepEqual(got, want[k.kind]) {
			t.Errorf("%s: got %q, want %q", k.kind, got, want[k.kind])
		}
	}
}

func TestFindSecrets(t *testing.T) {
	type login struct {
		User     string `json:"user"`
		Password string `json:"password,omitempty" secret:"true"`
	}
	type nested struct {
		Name  string
		First login `json:"first"`
		Last  login `json:"last"`
	}
	got := findSecrets(reflect.TypeFor[nested](), "", nil)
	if want := []secretField{{"first.password", []int{1, 1}}, {"last.password", []int{2, 1}}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for says, o := range map[string]any{
		"logins holds a secret in a list": struct {
			Logins []login `json:"logins"`
		}{},
		"login holds a secret in a list": struct {
			Login *login `json:"login"`
		}{},
		"the secret pin is no string": struct {
			PIN int `json:"pin" secret:"true"`
		}{},
	} {
		func() {
			defer func() {
				if r := recover(); r == nil || !strings.Contains(r.(string), says) {
					t.Errorf("got %v, want %q", r, says)
				}
			}()
			findSecrets(reflect.TypeOf(o), "", nil)
		}()
	}
}

func TestRedact(t *testing.T) {
	secret, bare := validCloud(), &Cloud{Name: "lab", Access: NoAccess}
	shown := Redact(secret).(*Cloud)
	if shown.Password != Redacted || shown.Username != "admin" || secret.Password != "battery staple" {
		t.Errorf("shown %+v of %+v", shown, secret)
	}
	if got := Redact(bare).(*Cloud); got.Password != "" {
		t.Errorf("a secret that is not set shows as %q", got.Password)
	}
	if pool := validPool(); Redact(pool) != Object(pool) {
		t.Error("an object without secrets was copied")
	}
}

func TestRedactedBody(t *testing.T) {
	s := apply(t, create(validCloud()), create(validMonitor()))
	cloud, _ := s.Get(keyOf(validCloud()))
	if got, want := string(cloud.RedactedBody()), `{"name":"lab","access":"WRITE_ACCESS","username":"admin","password":"<sensitive>"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	monitor, _ := s.Get(keyOf(validMonitor()))
	if got := string(monitor.RedactedBody()); got != string(monitor.Body) {
		t.Errorf("got %s, want %s", got, monitor.Body)
	}
}

// TestUpdateKeepsSecrets: what was read can be changed and sent back without knowing the secret.
func TestUpdateKeepsSecrets(t *testing.T) {
	shown := Redact(validCloud()).(*Cloud)
	shown.Access = NoAccess
	s := apply(t, create(validCloud()), update(shown, 1))
	e, _ := s.Get(keyOf(shown))
	got := e.Object.(*Cloud)
	if got.Access != NoAccess || got.Password != "battery staple" || string(e.Body) != string(Encode(got)) {
		t.Errorf("it became %s, %s", Encode(got), e.Body)
	}
	for password, want := range map[string]string{"new": "new", "": ""} {
		s.Apply(s.Index()+1, update(but(validCloud(), func(c *Cloud) { c.Password = password }), 0))
		if e, _ := s.Get(keyOf(shown)); e.Object.(*Cloud).Password != want {
			t.Errorf("%q became %q", password, e.Object.(*Cloud).Password)
		}
	}
}

// TestErrorsShowNoSecret: an error ends in logs and on screens.
func TestErrorsShowNoSecret(t *testing.T) {
	for _, o := range []Object{
		but(validCloud(), func(c *Cloud) { c.Password = "hush\x00" }), but(validCloud(), func(c *Cloud) { c.Username, c.Password = "", "hush" }),
		but(validBackup(), func(b *BackupConfiguration) { b.BackupPassphrase = "hush" }),
		but(validBackup(), func(b *BackupConfiguration) { b.BackupPassphrase = "hushhush\x00" }),
	} {
		if err := o.Validate(); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%v", err)
		}
	}
}

func TestCheckPassphrase(t *testing.T) {
	for p, says := range map[string]string{
		"": "too short", "1234567": "use 8 characters or more", strings.Repeat("a", 1025): "too long; use at most 1024",
		Redacted: "stands for a passphrase", "\xff1234567": "is not UTF-8", "12345678\n": "a control character",
	} {
		if err := CheckPassphrase(p); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", p, err, says)
		}
	}
	for _, p := range []string{"12345678", "mot de passé", strings.Repeat("a", 1024)} {
		if err := CheckPassphrase(p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
}
