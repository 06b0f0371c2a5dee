package consensus

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// core is the replicated state: the state machine, and beside it what makes commands exactly-once.
type core struct {
	sm       StateMachine
	sessions *sessions
	members  table
	hash     uint64 // over all commands so far
	reads    byte   // the newest format of an entry that this build knows
}

const (
	firstFormat     = 1
	snapshotVersion = 2 // 2: with the members
)

var errDamaged = errors.New("damaged encoding")

// encodeEntry makes the content of a log entry: format, client, sequence, command.
func encodeEntry(format byte, client string, sequence uint64, command []byte) []byte {
	b := make([]byte, 0, 1+2*binary.MaxVarintLen64+len(client)+len(command))
	b = append(b, format)
	b = appendBytes(b, client)
	b = binary.AppendUvarint(b, sequence)
	return append(b, command...)
}

func decodeEntry(b []byte, reads byte) (client string, sequence uint64, command []byte, err error) {
	d := decoder{b: b}
	if format := d.byte(); format < firstFormat || format > reads {
		return "", 0, nil, fmt.Errorf("log entry of a format this build does not know: %w", errDamaged)
	}
	client = string(d.bytes())
	sequence = d.uvarint()
	return client, sequence, d.b, d.err
}

// apply runs one entry. An entry that cannot be read is the same on every node, so it is passed over alike.
func (c *core) apply(index, term uint64, data []byte) Applied {
	c.hash = chain(c.hash, data)
	out := Applied{Index: index, Term: term, Hash: c.hash, State: c.sm.Hash()}
	client, sequence, command, err := decodeEntry(data, c.reads)
	if err != nil {
		return out
	}
	out.Client, out.Sequence = client, sequence
	switch verdict, kept := c.sessions.admit(client, sequence); verdict {
	case duplicate:
		out.Duplicate, out.Result = true, kept
	case expired:
		out.Expired = true
	default:
		out.Result = c.sm.Apply(index, command)
		c.sessions.keep(client, sequence, out.Result)
	}
	out.State = c.sm.Hash()
	return out
}

// pass takes note of an entry that is no command.
func (c *core) pass(index, term uint64, data []byte) Applied {
	c.hash = chain(c.hash, data)
	return Applied{Index: index, Term: term, Hash: c.hash, State: c.sm.Hash()}
}

// chain extends a running hash by one command.
func chain(hash uint64, data []byte) uint64 {
	var d xxhash.Digest
	d.Reset()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], hash)
	_, _ = d.Write(b[:])
	_, _ = d.Write(data)
	return d.Sum64()
}

// snapshot is the whole state: version, members, running hash, sessions from the longest unused on, state machine.
func (c *core) snapshot() []byte {
	b := c.members.encode([]byte{snapshotVersion})
	b = binary.LittleEndian.AppendUint64(b, c.hash)
	b = c.sessions.encode(b)
	return append(b, c.sm.Snapshot()...)
}

// restore replaces the state; on an error the state is as it was.
func (c *core) restore(data []byte) error {
	members, d := snapshotMembers(data)
	hash := d.fixed64()
	fresh := newSessions(c.sessions.limit)
	fresh.decode(d)
	if d.err != nil {
		return fmt.Errorf("snapshot: %w", d.err)
	}
	if err := c.sm.Restore(d.b); err != nil {
		return err
	}
	c.members, c.hash, c.sessions = members, hash, fresh
	return nil
}

// snapshotMembers reads the beginning of a snapshot, and leaves the rest in the decoder.
func snapshotMembers(data []byte) (table, *decoder) {
	var t table
	d := &decoder{b: data}
	if d.byte() != snapshotVersion {
		d.err = fmt.Errorf("a version this build does not know: %w", errDamaged)
		return t, d
	}
	t.decode(d)
	return t, d
}

func appendBytes[T string | []byte](b []byte, v T) []byte {
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

// decoder reads what appendBytes and its kin wrote; after the first error it yields zeros.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) take(n uint64) []byte {
	if d.err != nil || n > uint64(len(d.b)) {
		d.err = errDamaged
		return nil
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) byte() byte {
	if v := d.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (d *decoder) fixed64() uint64 {
	if v := d.take(8); v != nil {
		return binary.LittleEndian.Uint64(v)
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if d.err != nil || n <= 0 {
		d.err = errDamaged
		return 0
	}
	d.take(uint64(n))
	return v
}

func (d *decoder) bytes() []byte { return d.take(d.uvarint()) }
