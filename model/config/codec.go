package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// kinds makes an empty object of each kind, in the order in which kinds are listed to people. A kind stands behind
// those that it refers to.
var kinds = []struct {
	kind Kind
	make func() Object
}{
	{KindCluster, func() Object { return new(Cluster) }},
	{KindCloud, func() Object { return new(Cloud) }},
	{KindServiceEngineGroup, func() Object { return new(ServiceEngineGroup) }},
	{KindServiceEngine, func() Object { return new(ServiceEngine) }},
	{KindHealthMonitor, func() Object { return new(HealthMonitor) }},
	{KindPool, func() Object { return new(Pool) }},
	{KindVirtualService, func() Object { return new(VirtualService) }},
	{KindBackupConfiguration, func() Object { return new(BackupConfiguration) }},
	{KindPlacement, func() Object { return new(Placement) }},
	{KindUpgrade, func() Object { return new(Upgrade) }},
}

// Kinds lists every kind of object.
func Kinds() []Kind {
	out := make([]Kind, len(kinds))
	for i, k := range kinds {
		out[i] = k.kind
	}
	return out
}

func newObject(kind Kind) (Object, error) {
	for _, k := range kinds {
		if k.kind == kind {
			return k.make(), nil
		}
	}
	return nil, fmt.Errorf("unknown kind %q; use one of %s", kind, oneOf(Kinds()))
}

// ParseKind returns the kind of that name; its error lists the kinds.
func ParseKind(s string) (Kind, error) {
	if _, err := newObject(Kind(s)); err != nil {
		return "", err
	}
	return Kind(s), nil
}

func (k Key) String() string { return string(k.Kind) + "/" + k.Name }

// ParseKey reads Kind/name.
func ParseKey(s string) (Key, error) {
	kind, name, ok := strings.Cut(s, "/")
	if !ok || name == "" {
		return Key{}, fmt.Errorf("%q is not a key; write Kind/name, such as Pool/web", s)
	}
	k, err := ParseKind(kind)
	return Key{k, name}, err
}

// Decode reads an object from JSON. Unknown fields, wrong types and trailing data are refused; validity
// beyond that is the matter of [Object.Validate].
func Decode(kind Kind, body []byte) (Object, error) {
	o, err := newObject(kind)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(o); err != nil {
		return nil, fmt.Errorf("%s: %s", kind, strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: data after the object", kind)
	}
	return o, nil
}

// Encode writes an object as JSON, the same bytes for the same object, with its secrets in clear. Nothing is
// escaped for HTML, so that people can read it.
func Encode(o Object) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(o); err != nil {
		panic(fmt.Sprintf("config: %s %s cannot be written: %v", o.Kind(), o.ObjectName(), err)) // no type here can fail
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// oneOf lists alternatives for an error.
func oneOf[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, a := range all {
		words[i] = string(a)
	}
	return strings.Join(words, ", ")
}
