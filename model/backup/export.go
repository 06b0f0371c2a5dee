package backup

import (
	"encoding/json"
	"fmt"
	"strings"

	"firedrill/model/config"
)

// Export writes the configuration, without what are facts about this installation (see [config.Kind.Fact]). The same
// state and options give the same document but for what age draws at random and the checksum over it. It fails with
// [ErrWeakPassphrase], or when an option makes no sense.
func Export(state *config.State, passphrase string, o Options) ([]byte, error) {
	if err := config.CheckPassphrase(passphrase); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWeakPassphrase, err)
	}
	if o.WorkFactor == 0 {
		o.WorkFactor = DefaultWorkFactor
	}
	if o.WorkFactor < 1 || o.WorkFactor > MaxWorkFactor {
		return nil, fmt.Errorf("backup: work factor %d is out of range; use 1 to %d", o.WorkFactor, MaxWorkFactor)
	}
	created := o.Created.UTC()
	if y := created.Year(); y < 0 || y > 9999 {
		return nil, fmt.Errorf("backup: the year %d cannot be written (RFC 3339)", y)
	}
	build := strings.ToValidUTF8(o.Build, "?") // what JSON replaces would not be what the checksum covers
	d := &document{Header: Header{Format: Format, Version: Version, Build: build, Created: created, Index: state.Index()}}
	inside := sealed{Secrets: d.fill(state), Content: d.content()}
	var err error
	if d.Secrets, err = seal(encode(inside, ""), passphrase, o.WorkFactor); err != nil {
		return nil, err
	}
	d.Header.Checksum = d.checksum()
	return encode(d, "  "), nil
}

// fill writes the objects, and returns their secrets.
func (d *document) fill(state *config.State) map[string]map[string]string {
	d.Objects = make(map[config.Kind][]json.RawMessage)
	secrets := make(map[string]map[string]string)
	for _, kind := range config.Kinds() {
		if kind.Fact() {
			continue
		}
		for _, e := range state.List(kind) {
			// Not the entry's body, which is laid out as its client liked.
			d.Objects[kind] = append(d.Objects[kind], config.Encode(config.Redact(e.Object)))
			own := make(map[string]string)
			for _, s := range config.Secrets(e.Object) {
				if *s.Value != "" {
					own[s.Field] = *s.Value
				}
			}
			if len(own) > 0 {
				secrets[e.Key.String()] = own
			}
		}
	}
	return secrets
}
