package sim

import (
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// trace keeps a running hash over every event delivered and every effect of every node: two runs with the
// same hash did the same things at the same times.
type trace struct {
	digest xxhash.Digest
	buf    [40]byte
	events uint64
	print  func(at int64, line string) // nil unless somebody reads along
}

func newTrace() *trace {
	t := &trace{}
	t.digest.Reset()
	return t
}

// note adds what happened: its kind, when, at which machine, two numbers and a payload.
func (t *trace) note(kind byte, at int64, m *machine, a, b uint64, payload []byte) {
	index := uint32(0)
	if m != nil {
		index = uint32(m.index)
	}
	buf := t.buf[:0]
	buf = append(buf, kind)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(at))
	buf = binary.LittleEndian.AppendUint32(buf, index)
	buf = binary.LittleEndian.AppendUint64(buf, a)
	buf = binary.LittleEndian.AppendUint64(buf, b)
	buf = binary.LittleEndian.AppendUint32(buf, uint32(len(payload)))
	t.digest.Write(buf)
	t.digest.Write(payload)
}

func (t *trace) noteString(kind byte, at int64, m *machine, s string) {
	t.note(kind, at, m, xxhash.Sum64String(s), uint64(len(s)), nil)
}

func (t *trace) sum() string { return fmt.Sprintf("%016x", t.digest.Sum64()) }
