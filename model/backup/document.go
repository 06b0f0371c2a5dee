package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"firedrill/model/config"
)

// document is the file.
type document struct {
	Header Header `json:"header"`
	// Objects are by kind and name. Where a secret is set, they have [config.Redacted].
	Objects map[config.Kind][]json.RawMessage `json:"objects"`
	// Secrets is an age file, armored, encrypted to the passphrase. In it is a [sealed].
	Secrets string `json:"secrets"`
}

// sealed is what only the passphrase opens.
type sealed struct {
	// Content is the checksum of the document without the secrets, so that nobody without the passphrase can change an
	// object and make the checksum fit.
	Content string `json:"content"`
	// Secrets are by key (Kind/name), then by field.
	Secrets map[string]map[string]string `json:"secrets"`
}

// encode writes JSON without escapes for HTML, the same bytes for the same value.
func encode(v any, indent string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		panic("backup: a document of our own cannot be written: " + err.Error())
	}
	return b.Bytes()
}

// decode reads JSON, and refuses unknown fields and trailing data.
func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the document")
	}
	return nil
}

// checksum covers everything but itself. White space is left out, since people and tools lay JSON out anew.
func (d document) checksum() string {
	d.Header.Checksum = ""
	sum := sha256.Sum256(encode(d, ""))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// content is the checksum of what is in clear.
func (d document) content() string {
	d.Secrets = ""
	return d.checksum()
}

// parse reads a document that is whole and of a version that this build reads.
func parse(data []byte) (*document, error) {
	var probe struct {
		Header struct {
			Format  string `json:"format"`
			Version int    `json:"version"`
		} `json:"header"`
	}
	if err := json.Unmarshal(data, &probe); err != nil {
		return nil, damaged("it is cut off or no JSON: %v", err)
	}
	switch h := probe.Header; {
	case h.Format != Format:
		return nil, damaged("header.format is %.40q, not %q", h.Format, Format)
	case h.Version > Version:
		return nil, fmt.Errorf("%w: %d; this build reads up to %d", ErrVersion, h.Version, Version)
	case h.Version < 1:
		return nil, damaged("there is no version %d", h.Version)
	}
	d := new(document)
	if err := decode(data, d); err != nil {
		return nil, damaged("%v", err)
	}
	if got := d.checksum(); got != d.Header.Checksum {
		return nil, damaged("its checksum is %s, not %.80q as its header says", got, d.Header.Checksum)
	}
	return d, nil
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}
