package backup

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"firedrill/model/config"
)

// factor is the header of the age file.
func factor(t fataler, data []byte) string {
	d, err := parse(data)
	if err != nil {
		t.Fatalf("%v", err)
	}
	head := make([]byte, 80)
	if _, err := io.ReadFull(armor.NewReader(strings.NewReader(d.Secrets)), head); err != nil {
		t.Fatalf("%v", err)
	}
	return string(head)
}

// forge changes a backup of the full configuration, and seals it again as one who knows the passphrase can.
func forge(t fataler, change func(*document, *sealed)) []byte {
	t.Helper()
	d, inside := opened(t)
	change(d, inside)
	if inside.Content == "" {
		inside.Content = d.content()
	}
	var err error
	if d.Secrets, err = seal(encode(inside, ""), passphrase, TestWorkFactor); err != nil {
		t.Fatalf("%v", err)
	}
	return checksummed(d)
}

// opened is a backup of the full configuration with what is encrypted in it.
func opened(t fataler) (*document, *sealed) {
	t.Helper()
	d, err := parse(export(t, full(t)))
	if err != nil {
		t.Fatalf("%v", err)
	}
	plain, err := unseal(d.Secrets, passphrase)
	if err != nil {
		t.Fatalf("%v", err)
	}
	inside := new(sealed)
	if err := decode(plain, inside); err != nil {
		t.Fatalf("%v", err)
	}
	inside.Content = ""
	return d, inside
}

func checksummed(d *document) []byte {
	d.Header.Checksum = d.checksum()
	return encode(d, "  ")
}

// lock changes the text of the encrypted part.
func lock(t fataler, secrets func(old string) string) []byte {
	d, _ := opened(t)
	d.Secrets = secrets(d.Secrets)
	return checksummed(d)
}

// toOther encrypts for somebody's key instead of a passphrase.
func toOther(t *testing.T) string {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	armored := armor.NewWriter(&text)
	w, err := age.Encrypt(armored, key.Recipient())
	if err = errors.Join(err, w.Close(), armored.Close()); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func sealAt(t fataler, data string, workFactor int) string {
	text, err := seal([]byte(data), passphrase, workFactor)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return text
}

// cut takes bytes off the end of the age file under its armor, so that the payload is not whole.
func cut(t fataler, text string, n int) string {
	raw, err := io.ReadAll(armor.NewReader(strings.NewReader(text)))
	if err != nil {
		t.Fatalf("%v", err)
	}
	var out strings.Builder
	w := armor.NewWriter(&out)
	_, err = w.Write(raw[:len(raw)-n])
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatalf("%v", err)
	}
	return out.String()
}

func TestOpenRefuses(t *testing.T) {
	good := string(export(t, full(t)))
	replaced := func(old, new string) []byte {
		if !strings.Contains(good, old) {
			t.Fatalf("no %s in %s", old, good)
		}
		return []byte(strings.Replace(good, old, new, 1))
	}
	forged := func(change func(*document, *sealed)) []byte { return forge(t, change) }
	object := func(kind config.Kind, body string) []byte {
		return forged(func(d *document, s *sealed) { d.Objects[kind] = []json.RawMessage{json.RawMessage(body)} })
	}
	for _, c := range []struct {
		name string
		data []byte
		is   error
		says string
	}{
		{"empty", nil, ErrDamaged, "cut off or no JSON"},
		{"text", []byte("hello"), ErrDamaged, "cut off or no JSON"},
		{"other JSON", []byte("{}"), ErrDamaged, `header.format is "", not "firedrill.backup"`},
		{"data behind it", []byte(good + "{}"), ErrDamaged, "no JSON"},
		{"newer", replaced(`"version": 1`, `"version": 2`), ErrVersion, "2; this build reads up to 1"},
		{"newer, with more in it", replaced(`"version": 1`, `"version": 2, "more": {}`), ErrVersion, "2; this build reads up to 1"},
		{"no version", replaced(`"version": 1`, `"version": 0`), ErrDamaged, "no version 0"},
		{"another field", replaced(`"version": 1`, `"version": 1, "more": 1`), ErrDamaged, `unknown field "more"`},
		{"another checksum", replaced(`"sha256:`, `"sha256:0`), ErrDamaged, "its checksum is sha256:"},
		{"another object", replaced(`"port": 443`, `"port": 444`), ErrDamaged, "its checksum is sha256:"},
		{"another date", replaced(`2026-02-03`, `2026-02-04`), ErrDamaged, "its checksum is sha256:"},

		{"changed by a stranger", forged(func(d *document, s *sealed) { s.Content = "sha256:0" }), ErrDamaged, "did not know its passphrase"},
		{"secrets are no age file", lock(t, func(string) string { return "hello" }), ErrDamaged, "secrets: "},
		{"secrets are gone", lock(t, func(string) string { return "" }), ErrDamaged, "secrets: "},
		{"secrets are cut off", lock(t, func(s string) string { return s[:len(s)/2] }), ErrDamaged, "secrets: "},
		{"the payload is cut off", lock(t, func(s string) string { return cut(t, s, 3) }), ErrDamaged, "secrets: "},
		{"somebody else's", lock(t, func(string) string { return toOther(t) }), ErrDamaged, "secrets: "},
		{"too much work", lock(t, func(string) string { return sealAt(t, "{}", 19) }), ErrDamaged, "work factor too large"},
		{"no secrets in it", lock(t, func(string) string { return sealAt(t, "hush", 1) }), ErrDamaged, "what is encrypted cannot be read"},
		{"more than secrets in it", lock(t, func(string) string { return sealAt(t, "{} {}", 1) }), ErrDamaged, "what is encrypted cannot be read"},

		{"a secret is missing", forged(func(d *document, s *sealed) { delete(s.Secrets, "Cloud/lab") }), ErrDamaged, "Cloud lab: password does not fit"},
		{"a secret of nobody", forged(func(d *document, s *sealed) { s.Secrets["Cloud/x"] = map[string]string{"password": "x"} }), ErrDamaged, "objects that are not there"},
		{"a secret that is not shown", forged(func(d *document, s *sealed) { s.Secrets["Cloud/bare"] = map[string]string{"password": "x"} }), ErrDamaged, "Cloud bare: password does not fit"},
		{"a secret of no field", forged(func(d *document, s *sealed) { s.Secrets["Pool/web"] = map[string]string{"x": "x"} }), ErrDamaged, "Pool web: a secret is encrypted that"},

		{"an unknown kind", object("Pond", `{}`), ErrInvalid, `unknown kind "Pond"`},
		{"an unknown field", object(config.KindPool, `{"name":"web","colour":"red"}`), ErrInvalid, `unknown field "colour"`},
		{"an invalid object", object(config.KindPool, `{"name":"web","servers":[{"ip":"198.19.1.1","port":0}]}`), ErrInvalid, "Pool web: servers[0].port: 0 is not a port"},
		{"a dangling reference", object(config.KindPool, `{"name":"wob"}`), ErrInvalid, "VirtualService shop: pool_ref: Pool/web does not exist"},
		{"a fact", object(config.KindServiceEngine, `{"name":"a","se_group_ref":"pair","mgmt_ip":"198.18.1.1","data_ip":"198.19.0.1"}`), ErrInvalid, "ServiceEngine a: kind: it states a fact"},
	} {
		b, err := Open(c.data, passphrase)
		if b != nil || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %+v, %v, want %v with %q", c.name, b, err, c.is, c.says)
		}
	}
	var field *config.FieldError
	if _, err := Open(object(config.KindPool, `{"name":"wob"}`), passphrase); !errors.As(err, &field) || field.Field != "pool_ref" {
		t.Errorf("%v names no field", err)
	}
	if _, err := Inspect([]byte("{}")); !errors.Is(err, ErrDamaged) {
		t.Errorf("Inspect: %v", err)
	}
}

func TestWrongPassphrase(t *testing.T) {
	data := export(t, full(t))
	empty := export(t, config.NewState()) // it has no secrets, yet nobody else opens it
	for _, p := range []string{"", "x", passphrase + " ", strings.ToUpper(passphrase)} {
		for _, file := range [][]byte{data, empty} {
			if b, err := Open(file, p); b != nil || !errors.Is(err, ErrPassphrase) || errors.Is(err, ErrDamaged) {
				t.Errorf("%q: %+v, %v", p, b, err)
			}
		}
	}
}

// checkOpen opens anything: it is refused with one of the four errors, or can be restored and backed up.
func checkOpen(t *testing.T, data []byte) {
	b, err := Open(data, passphrase)
	if err != nil {
		if b != nil || !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) && !errors.Is(err, ErrPassphrase) && !errors.Is(err, ErrInvalid) {
			t.Fatalf("%+v, %v", b, err)
		}
		return
	}
	s := full(t)
	if out := s.Replace(100, b.Items); out.Code != config.CodeOK {
		t.Fatalf("%+v", out)
	}
	if again := open(t, export(t, s)); string(config.EncodeItems(again.Items)) != string(config.EncodeItems(b.Items)) {
		t.Fatalf("%s\nbecame %s", b.Items, again.Items)
	}
}

// FuzzOpen opens any file.
func FuzzOpen(f *testing.F) {
	good := export(f, full(f))
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(export(f, config.NewState()))
	f.Add([]byte(`{"header":{"format":"firedrill.backup","version":1},"objects":{"Pool":null},"secrets":""}`))
	f.Fuzz(checkOpen)
}

// FuzzContent opens files with any content, sealed as it must be.
func FuzzContent(f *testing.F) {
	d, inside := opened(f)
	f.Add(encode(d.Objects, ""), encode(inside.Secrets, ""))
	f.Add([]byte(`{"Cloud":[{"name":"a","access":"NO_ACCESS","username":"b","password":"<sensitive>"}]}`), []byte(`{"Cloud/a":{"password":"c"}}`))
	f.Add([]byte(`{"Pool":[{"name":"a"},{"name":"a"}],"Pond":[]}`), []byte(`{"Pool/a":{}}`))
	f.Fuzz(func(t *testing.T, objects, secrets []byte) {
		d := &document{Header: Header{Format: Format, Version: Version}}
		inside := sealed{}
		if json.Unmarshal(objects, &d.Objects) != nil || json.Unmarshal(secrets, &inside.Secrets) != nil {
			return
		}
		inside.Content = d.content()
		d.Secrets = sealAt(t, string(encode(inside, "")), TestWorkFactor)
		checkOpen(t, checksummed(d))
	})
}
