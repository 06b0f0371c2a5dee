package sim

import (
	"encoding/binary"
	"fmt"

	"firedrill/checker/history"

	"github.com/cespare/xxhash/v2"
)

// trace keeps a running hash over every event delivered and every effect of every node: two runs with the
// same hash did the same things at the same times.
type trace struct {
	digest xxhash.Digest
	buf    [40]byte
	text   []byte // space for one entry of the history
	events uint64
	print  func(at int64, line string) // nil unless somebody reads along
}

func newTrace() *trace {
	t := &trace{}
	t.digest.Reset()
	return t
}

// reads tells whether somebody reads along; only then is anything formatted.
func (t *trace) reads() bool { return t.print != nil }

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

// noteEvent adds everything that an entry of the history says.
func (t *trace) noteEvent(e *history.Event) {
	b := append(t.text[:0], 'h')
	for _, n := range [...]uint64{uint64(e.Time), e.Op, e.Version, uint64(e.Sent), e.Term, e.Index, e.Hash, e.State, uint64(e.Step), uint64(e.Status)} {
		b = binary.AppendUvarint(b, n)
	}
	for _, s := range [...]string{string(e.Type), e.Client, e.Operation, e.Key, e.Value, e.Expected, e.Outcome, e.Service, e.By, e.Server,
		e.Node, e.Event, e.Unit, e.Peer, e.Detail, e.Fault, e.Target, e.Phase, e.Reason} {
		b = appendText(b, s)
	}
	for _, i := range e.Items {
		b = binary.AppendUvarint(appendText(appendText(b, i.Key), i.Value), i.Version)
	}
	for _, r := range e.Resolved {
		b = appendText(b, r)
	}
	if e.OK {
		b = append(b, 1)
	}
	t.digest.Write(b)
	t.text = b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func (t *trace) sum() string { return fmt.Sprintf("%016x", t.digest.Sum64()) }
