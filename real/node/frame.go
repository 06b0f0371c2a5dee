package node

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A message travels as its length, four bytes in network order, and itself.
const lengthSize = 4

// largestMessage bounds a message in bytes, so that a damaged length cannot fill the memory. The largest are snapshots of
// the configuration.
const largestMessage = 64 << 20

// appendFrame appends a message as it travels.
func appendFrame(b, msg []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(msg))), msg...)
}

// readFrame reads a message, which is the caller's.
func readFrame(r io.Reader) ([]byte, error) {
	var length [lengthSize]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > largestMessage {
		return nil, fmt.Errorf("a message of %d bytes; at most %d are taken", n, largestMessage)
	}
	msg := make([]byte, n)
	_, err := io.ReadFull(r, msg)
	return msg, err
}
