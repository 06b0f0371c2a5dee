package backup

import (
	"fmt"

	"firedrill/model/config"
)

// Inspect returns the header of a backup that is whole, for a list of backups. It fails with [ErrDamaged] or
// [ErrVersion].
func Inspect(data []byte) (*Header, error) {
	d, err := parse(data)
	if err != nil {
		return nil, err
	}
	return &d.Header, nil
}

// Open reads a backup, and tells whether it may be restored, which no state of a cluster changes. It fails with
// [ErrDamaged], [ErrVersion], [ErrPassphrase] or [ErrInvalid].
func Open(data []byte, passphrase string) (*Backup, error) {
	d, err := parse(data)
	if err != nil {
		return nil, err
	}
	plain, err := unseal(d.Secrets, passphrase)
	if err != nil {
		return nil, err
	}
	var inside sealed
	if decode(plain, &inside) != nil { // whose text could show a secret
		return nil, damaged("what is encrypted cannot be read")
	}
	if inside.Content != d.content() {
		return nil, damaged("it was changed by somebody who did not know its passphrase")
	}
	items, err := d.items(inside.Secrets)
	if err != nil {
		return nil, err
	}
	if err := config.CheckItems(items); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return &Backup{d.Header, items}, nil
}

// items puts objects and secrets together again. Every secret has its place, and every place its secret.
func (d *document) items(secrets map[string]map[string]string) ([]config.Item, error) {
	var out []config.Item
	for kind := range d.Objects {
		if _, err := config.ParseKind(string(kind)); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	left := len(secrets) // objects whose secrets have no place so far
	for _, kind := range config.Kinds() {
		for _, body := range d.Objects[kind] {
			o, err := config.Decode(kind, body)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
			}
			own := secrets[config.Key{Kind: kind, Name: o.ObjectName()}.String()]
			if err := reveal(o, own); err != nil {
				return nil, err
			}
			if own != nil {
				left--
			}
			out = append(out, config.ItemOf(o))
		}
	}
	if left > 0 {
		return nil, damaged("there are secrets of objects that are not there")
	}
	return out, nil
}

// reveal puts its secrets into an object.
func reveal(o config.Object, own map[string]string) error {
	found := 0
	for _, s := range config.Secrets(o) {
		value, ok := own[s.Field]
		if ok != (*s.Value == config.Redacted) {
			return damaged("%s %s: %s does not fit what is encrypted", o.Kind(), o.ObjectName(), s.Field)
		}
		if ok {
			*s.Value = value
			found++
		}
	}
	if found < len(own) {
		return damaged("%s %s: a secret is encrypted that the object does not have", o.Kind(), o.ObjectName())
	}
	return nil
}
