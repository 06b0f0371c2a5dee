// Package wire holds the messages between nodes, generated from wire.proto, and the envelope they travel in.
package wire

import (
	"errors"
	"fmt"

	"firedrill/model/release"
)

// ErrNewer is what a message of a newer build comes to.
var ErrNewer = errors.New("written by a newer build")

// Encode puts a body into an envelope of the first format, which every node reads, and returns its bytes. Who has more
// to say to those that read more has a [Voice].
func Encode(body isEnvelope_Body) []byte {
	return seal(&Envelope{Version: uint32(release.FormatFirst), Body: body})
}

func seal(e *Envelope) []byte {
	b, err := e.MarshalVT()
	if err != nil {
		panic(fmt.Sprintf("wire: a message of our own cannot be marshalled: %v", err)) // invalid UTF-8 in a name: refused by validation
	}
	return b
}

// Decode returns the body of an envelope. It fails on damaged bytes and on a format that this source does not know.
func Decode(data []byte) (isEnvelope_Body, error) {
	e, err := open(data, release.Newest)
	if err != nil {
		return nil, err
	}
	return e.Body, nil
}

func open(data []byte, newest release.Format) (*Envelope, error) {
	e := new(Envelope)
	if err := e.UnmarshalVT(data); err != nil {
		return nil, fmt.Errorf("wire: damaged message: %w", err)
	}
	if e.Version > uint32(newest) {
		return nil, fmt.Errorf("wire: a message of format %d, this build reads %d: %w", e.Version, newest, ErrNewer)
	}
	if e.Version == 0 || e.Body == nil {
		return nil, fmt.Errorf("wire: a message without a format or a body that this build knows")
	}
	return e, nil
}
