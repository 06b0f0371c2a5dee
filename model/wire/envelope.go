// Package wire holds the messages between nodes, generated from wire.proto, and the envelope they travel in.
package wire

import "fmt"

// Version is the schema version this build speaks. A receiver accepts its own version and the one before,
// so that a rolling upgrade has old and new nodes side by side.
const Version = 1

// Encode puts one body into an envelope and returns its bytes.
func Encode(body isEnvelope_Body) []byte {
	b, err := (&Envelope{Version: Version, Body: body}).MarshalVT()
	if err != nil {
		panic(fmt.Sprintf("wire: a message of our own cannot be marshalled: %v", err)) // invalid UTF-8 in a name: refused by validation
	}
	return b
}

// Decode returns the body of an envelope. It fails on damaged bytes and on a version it does not speak.
func Decode(data []byte) (isEnvelope_Body, error) {
	var e Envelope
	if err := e.UnmarshalVT(data); err != nil {
		return nil, fmt.Errorf("wire: damaged message: %w", err)
	}
	if e.Version == 0 || e.Version > Version || e.Version+1 < Version {
		return nil, fmt.Errorf("wire: message of version %d, this build speaks %d", e.Version, Version)
	}
	if e.Body == nil {
		return nil, fmt.Errorf("wire: message without a body this build knows")
	}
	return e.Body, nil
}
