package consensus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"firedrill/model"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// ErrCorrupt says that the log or its snapshot is damaged where a crash cannot have done it. The node must
// not start: it may have forgotten what it promised.
var ErrCorrupt = errors.New("the log is damaged")

// log is raft's durable state: one file of records, and the snapshot that its first record names. A record
// is
//
//	length uint32 | CRC-32C uint32 | type byte | payload
//
// little endian; the checksum covers type and payload, the length counts them.
//
// A new snapshot begins a new file: the snapshot is written and synced, then the file with all that the
// snapshot does not cover, then its name is made durable, and only then the old ones go. Whenever the power
// fails, the newest file that has its proper name is whole.
type log struct {
	disk model.Disk
	seq  uint64 // number of the current file
	name string
	buf  []byte
}

// saved is what a log held when it was opened.
type saved struct {
	snapshot *pb.Snapshot
	hard     *pb.HardState
	entries  []*pb.Entry
}

const (
	recordHead  = 8
	logVersion  = 1
	typeHeader  = 'L' // version byte, then the index of the snapshot that the file builds on
	typeEntry   = 'E' // a raftpb.Entry; replaces those from its index on
	typeHard    = 'H' // a raftpb.HardState
	typeSnap    = 'S' // a raftpb.Snapshot, alone in its file
	logPrefix   = "log-"
	snapPrefix  = "snapshot-"
	freshSuffix = ".new"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func logName(seq uint64) string    { return fmt.Sprintf("%s%016x", logPrefix, seq) }
func snapName(index uint64) string { return fmt.Sprintf("%s%016x", snapPrefix, index) }

func appendRecord(b []byte, kind byte, payload []byte) []byte {
	sum := crc32.Update(crc32.Checksum([]byte{kind}, castagnoli), castagnoli, payload)
	b = binary.LittleEndian.AppendUint32(b, uint32(1+len(payload)))
	b = binary.LittleEndian.AppendUint32(b, sum)
	b = append(b, kind)
	return append(b, payload...)
}

// nextRecord splits the first record off; ok is false if none is whole.
func nextRecord(b []byte) (kind byte, payload, rest []byte, ok bool) {
	if len(b) < recordHead {
		return 0, nil, nil, false
	}
	length := uint64(binary.LittleEndian.Uint32(b))
	if length == 0 || length > uint64(len(b)-recordHead) {
		return 0, nil, nil, false
	}
	body := b[recordHead : recordHead+length]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return 0, nil, nil, false
	}
	return body[0], body[1:], b[recordHead+length:], true
}

// openLog reads the newest log, or begins one on an empty disk.
func openLog(disk model.Disk) (*log, *saved, error) {
	names, err := disk.List()
	if err != nil {
		return nil, nil, err
	}
	l := &log{disk: disk}
	for _, n := range names {
		var seq uint64
		if _, err := fmt.Sscanf(n, logPrefix+"%016x", &seq); err == nil && n == logName(seq) {
			l.seq = max(l.seq, seq)
		}
	}
	if l.seq == 0 {
		return l, &saved{}, l.rotate(nil, nil, nil)
	}
	l.name = logName(l.seq)
	s, err := l.read()
	if err != nil {
		return nil, nil, err
	}
	return l, s, l.sweep(s.snapshot.GetMetadata().GetIndex())
}

// read replays the current file. A torn end is what a crash during an append leaves: it was never promised,
// and is cut off. Damage with whole records behind it is no crash.
func (l *log) read() (*saved, error) {
	data, err := l.disk.Read(l.name)
	if err != nil {
		return nil, err
	}
	s := &saved{}
	rest, first := data, true
	for len(rest) > 0 {
		kind, payload, next, ok := nextRecord(rest)
		if !ok {
			break
		}
		if first != (kind == typeHeader) {
			return nil, l.corrupt(len(data)-len(rest), "a header record is missing or misplaced")
		}
		if err := l.replay(s, kind, payload); err != nil {
			return nil, l.corrupt(len(data)-len(rest), err.Error())
		}
		rest, first = next, false
	}
	if first {
		return nil, l.corrupt(0, "the file has no header")
	}
	if len(rest) == 0 {
		return s, nil
	}
	at := len(data) - len(rest)
	if wholeRecordWithin(rest) {
		return nil, l.corrupt(at, "a damaged record has whole ones behind it")
	}
	if err := l.disk.Truncate(l.name, int64(at)); err != nil {
		return nil, err
	}
	return s, l.disk.Sync(l.name)
}

// wholeRecordWithin looks for a record at every later offset.
func wholeRecordWithin(b []byte) bool {
	for i := 1; i+recordHead < len(b); i++ {
		if _, _, _, ok := nextRecord(b[i:]); ok {
			return true
		}
	}
	return false
}

func (l *log) corrupt(at int, why string) error {
	return fmt.Errorf("%s: at byte %d: %s: %w", l.name, at, why, ErrCorrupt)
}

func (l *log) replay(s *saved, kind byte, payload []byte) error {
	switch kind {
	case typeHeader:
		return l.replayHeader(s, payload)
	case typeEntry:
		e := new(pb.Entry)
		if err := proto.Unmarshal(payload, e); err != nil {
			return err
		}
		from := s.snapshot.GetMetadata().GetIndex() + 1
		if len(s.entries) > 0 {
			from = s.entries[0].GetIndex()
		}
		at := e.GetIndex() - from
		if e.GetIndex() < from || at > uint64(len(s.entries)) {
			return fmt.Errorf("entry %d does not follow", e.GetIndex())
		}
		s.entries = append(s.entries[:at], e)
	case typeHard:
		s.hard = new(pb.HardState)
		return proto.Unmarshal(payload, s.hard)
	default:
		return fmt.Errorf("record of unknown type %q", kind)
	}
	return nil
}

func (l *log) replayHeader(s *saved, payload []byte) error {
	if len(payload) != 9 || payload[0] != logVersion {
		return errors.New("a header that this build does not know")
	}
	index := binary.LittleEndian.Uint64(payload[1:])
	if index == 0 {
		return nil
	}
	data, err := l.disk.Read(snapName(index))
	if err != nil {
		return fmt.Errorf("%s: %w", snapName(index), err)
	}
	kind, body, rest, ok := nextRecord(data)
	if !ok || kind != typeSnap || len(rest) != 0 {
		return fmt.Errorf("%s is damaged", snapName(index))
	}
	s.snapshot = new(pb.Snapshot)
	return proto.Unmarshal(body, s.snapshot)
}

// append writes entries and the hard state, and syncs.
func (l *log) append(entries []*pb.Entry, hard *pb.HardState) error {
	b, err := l.records(l.buf[:0], entries, hard)
	if err != nil {
		return err
	}
	l.buf = b
	if err := l.disk.Append(l.name, b); err != nil {
		return err
	}
	return l.disk.Sync(l.name)
}

func (l *log) records(b []byte, entries []*pb.Entry, hard *pb.HardState) ([]byte, error) {
	for _, e := range entries {
		payload, err := proto.Marshal(e)
		if err != nil {
			return nil, err
		}
		b = appendRecord(b, typeEntry, payload)
	}
	if hard != nil {
		payload, err := proto.Marshal(hard)
		if err != nil {
			return nil, err
		}
		b = appendRecord(b, typeHard, payload)
	}
	return b, nil
}

// rotate begins a new file that builds on a snapshot, and removes what it replaces.
func (l *log) rotate(s *pb.Snapshot, hard *pb.HardState, rest []*pb.Entry) error {
	index := s.GetMetadata().GetIndex()
	if index > 0 {
		payload, err := proto.Marshal(s)
		if err != nil {
			return err
		}
		if err := l.create(snapName(index), appendRecord(nil, typeSnap, payload)); err != nil {
			return err
		}
	}
	header := binary.LittleEndian.AppendUint64([]byte{logVersion}, index)
	b, err := l.records(appendRecord(nil, typeHeader, header), rest, hard)
	if err != nil {
		return err
	}
	if err := l.create(logName(l.seq+1), b); err != nil {
		return err
	}
	l.seq++
	l.name = logName(l.seq)
	return l.sweep(index)
}

// create makes a file that is whole, or not there under its name, whenever the power fails.
func (l *log) create(name string, data []byte) error {
	fresh := name + freshSuffix
	if err := l.disk.Remove(fresh); err != nil {
		return err
	}
	if err := l.disk.Append(fresh, data); err != nil {
		return err
	}
	if err := l.disk.Sync(fresh); err != nil {
		return err
	}
	if err := l.disk.Rename(fresh, name); err != nil {
		return err
	}
	return l.disk.SyncDir()
}

// sweep removes what the current file does not need: older files, other snapshots, unfinished ones.
func (l *log) sweep(snapshot uint64) error {
	names, err := l.disk.List()
	if err != nil {
		return err
	}
	needed := []string{l.name, snapName(snapshot)}
	for _, n := range names {
		ours := strings.HasPrefix(n, logPrefix) || strings.HasPrefix(n, snapPrefix)
		if ours && !slices.Contains(needed, n) {
			if err := l.disk.Remove(n); err != nil {
				return err
			}
		}
	}
	return nil
}
