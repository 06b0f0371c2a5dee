package config

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Redacted stands for a secret wherever an object is shown. An update that sends it back keeps the secret that is
// there; anywhere else it is refused, so that no object ever has it for a secret.
const Redacted = "<sensitive>"

// Secret is a field of an object that only those may see who need it. A field becomes one by the tag secret:"true".
type Secret struct {
	Field string  // as in JSON, such as password
	Value *string // in the object itself; "" when the secret is not set
}

// Secrets returns the secrets of an object, set or not, in the order of its fields.
func Secrets(o Object) []Secret {
	fields := secretFields[o.Kind()]
	if len(fields) == 0 {
		return nil
	}
	out, v := make([]Secret, len(fields)), reflect.ValueOf(o).Elem()
	for i, f := range fields {
		out[i] = Secret{f.name, v.FieldByIndex(f.index).Addr().Interface().(*string)}
	}
	return out
}

// Redact returns the object as others may see it, with [Redacted] for every secret that is set. The object itself
// stays as it is, and is returned if it has none.
func Redact(o Object) Object {
	if len(secretFields[o.Kind()]) == 0 {
		return o
	}
	v := reflect.ValueOf(o).Elem()
	shown := reflect.New(v.Type())
	shown.Elem().Set(v) // lists stay shared; no secret is in one
	out := shown.Interface().(Object)
	for _, s := range Secrets(out) {
		if *s.Value != "" {
			*s.Value = Redacted
		}
	}
	return out
}

// RedactedBody is the entry's object as JSON that others may see. It must not be changed.
func (e *Entry) RedactedBody() []byte {
	if len(secretFields[e.Key.Kind]) == 0 {
		return e.Body
	}
	return Encode(Redact(e.Object))
}

// keepSecrets gives an object the secrets of the one that it replaces, where it says [Redacted], and tells whether
// it did.
func keepSecrets(o, old Object) bool {
	kept := false
	was := Secrets(old)
	for i, s := range Secrets(o) {
		if *s.Value == Redacted && *was[i].Value != "" {
			*s.Value, kept = *was[i].Value, true
		}
	}
	return kept
}

// secretField is where a kind has a secret.
type secretField struct {
	name  string
	index []int // for reflect.Value.FieldByIndex
}

// secretFields is looked up once, so that the common kinds, which have none, pay nothing.
var secretFields = func() map[Kind][]secretField {
	out := make(map[Kind][]secretField)
	for _, k := range kinds {
		if found := findSecrets(reflect.TypeOf(k.make()).Elem(), "", nil); len(found) > 0 {
			out[k.kind] = found
		}
	}
	return out
}()

// findSecrets lists the secrets of a struct and of those in it. A secret in a list is a mistake of ours: when a client
// sends the list back in another order, nobody could tell whose secret it was.
func findSecrets(t reflect.Type, prefix string, at []int) []secretField {
	var out []secretField
	for f := range t.Fields() {
		json, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		name, index := prefix+json, append(at[:len(at):len(at)], f.Index...)
		if f.Tag.Get("secret") == "true" {
			if f.Type.Kind() != reflect.String {
				panic(fmt.Sprintf("config: the secret %s is no string", name))
			}
			out = append(out, secretField{name, index})
			continue
		}
		switch f.Type.Kind() {
		case reflect.Struct:
			out = append(out, findSecrets(f.Type, name+".", index)...)
		case reflect.Slice, reflect.Array, reflect.Map, reflect.Pointer:
			if e := f.Type.Elem(); e.Kind() == reflect.Struct && len(findSecrets(e, name+"[].", index)) > 0 {
				panic(fmt.Sprintf("config: %s holds a secret in a list", name))
			}
		}
	}
	return out
}

// text accepts what a person may type on one line, or nothing.
func (v *validator) text(field, s string) {
	problem := textProblem(s, 256)
	v.check(problem == "", field, "it %s", problem)
}

// secret accepts a secret or none. What it refuses it does not show.
func (v *validator) secret(field, s string) {
	v.check(s != Redacted, field, "%s keeps the secret that is there, and there is none", Redacted)
	problem := textProblem(s, LongestPassphrase)
	v.check(problem == "", field, "it %s", problem)
}

// textProblem says why a text is not one line of at most so many bytes, or "".
func textProblem(s string, most int) string {
	switch {
	case len(s) > most:
		return fmt.Sprintf("is too long; use at most %d bytes", most)
	case !utf8.ValidString(s):
		return "is not UTF-8"
	case strings.ContainsFunc(s, unicode.IsControl):
		return "holds a control character"
	}
	return ""
}
