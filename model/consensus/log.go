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
// little endian; the length counts type and payload, the checksum covers them and the record's place in the
// file, so that a record inside the payload of another is not taken for one of the log's own.
//
// What is written at once ends with a record of its own that says nothing. So a record that was promised always has a
// whole one behind it, and damage to it is no torn write, which is cut off; what rots of the last record is nothing
// (Alagappan and others, "Protocol-Aware Recovery for Consensus-Based Storage", FAST 2018).
//
// A new snapshot begins a new file: the snapshot is written and synced, then the file with all that the
// snapshot does not cover, then its name is made durable, and only then the old ones go. Whenever the power
// fails, the newest file that has its proper name is whole.
type log struct {
	disk model.Disk
	id   uint64 // of the node, in the header of the file
	seq  uint64 // number of the current file
	name string
	size int // of the current file, in bytes
	buf  []byte
}

// saved is what a log held when it was opened.
type saved struct {
	id       uint64
	members  *table // in place of those of the snapshot
	snapshot *pb.Snapshot
	hard     *pb.HardState
	entries  []*pb.Entry
	ended    bool // the last record is an end
}

const (
	recordHead  = 8
	logVersion  = 3   // 2: with the node's ID, and records of members; 3: with records of ends
	typeHeader  = 'L' // version byte, then the index of the snapshot that the file builds on, then the node's ID
	typeMembers = 'M' // a table: the members that the entries of the file start from, if not those of the snapshot
	typeEntry   = 'E' // a raftpb.Entry; replaces those from its index on
	typeHard    = 'H' // a raftpb.HardState
	typeSnap    = 'S' // a raftpb.Snapshot, alone in its file
	typeEnd     = 'Z' // nothing: ends what was written at once
	logPrefix   = "log-"
	snapPrefix  = "snapshot-"
	freshSuffix = ".new"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func logName(seq uint64) string    { return fmt.Sprintf("%s%016x", logPrefix, seq) }
func snapName(index uint64) string { return fmt.Sprintf("%s%016x", snapPrefix, index) }

// appendRecord adds a record to b, whose first byte stands in the file at base.
func appendRecord(b []byte, base int, kind byte, payload []byte) []byte {
	at := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(1+len(payload)))
	b = binary.LittleEndian.AppendUint32(b, 0) // the checksum, below
	b = append(b, kind)
	b = append(b, payload...)
	binary.LittleEndian.PutUint32(b[at+4:], checksum(base+at, b[at+recordHead:]))
	return b
}

func checksum(at int, body []byte) uint32 {
	var place [8]byte
	binary.LittleEndian.PutUint64(place[:], uint64(at))
	return crc32.Update(crc32.Checksum(place[:], castagnoli), castagnoli, body)
}

// recordAt reads the record that begins there in a file; ok is false if none is whole.
func recordAt(file []byte, at int) (kind byte, payload []byte, next int, ok bool) {
	b := file[at:]
	if len(b) < recordHead {
		return 0, nil, 0, false
	}
	length := uint64(binary.LittleEndian.Uint32(b))
	if length == 0 || length > uint64(len(b)-recordHead) {
		return 0, nil, 0, false
	}
	body := b[recordHead : recordHead+length]
	if checksum(at, body) != binary.LittleEndian.Uint32(b[4:]) {
		return 0, nil, 0, false
	}
	return body[0], body[1:], at + recordHead + int(length), true
}

// openLog reads the newest log, or begins one on an empty disk. What it returns is durable: a process that was
// killed may have left behind what was written and not synced, and whatever is read here is acted upon.
func openLog(disk model.Disk, id uint64) (*log, *saved, error) {
	names, err := disk.List()
	if err != nil {
		return nil, nil, err
	}
	l := &log{disk: disk, id: id, seq: newest(names)}
	if l.seq == 0 {
		return l.begin(names)
	}
	l.name = logName(l.seq)
	s, err := l.read()
	if err != nil {
		return nil, nil, err
	}
	if s.id == 0 { // it is being wiped
		return l, &saved{id: id}, l.rotate(nil, nil, nil)
	}
	if s.id != id {
		return nil, nil, fmt.Errorf("node %d opens the disk of %d: %w", id, s.id, ErrOtherID)
	}
	var rest []byte
	if !s.ended { // what is left of a write that was cut off counts from now on
		rest = l.end(nil)
	}
	if err := l.write(rest); err != nil {
		return nil, nil, err
	}
	if err := l.disk.SyncDir(); err != nil { // before what the file replaced is swept away
		return nil, nil, err
	}
	return l, s, l.sweep(s.snapshot.GetMetadata().GetIndex())
}

// newest is the number of the log that is in force, or 0.
func newest(names []string) (newest uint64) {
	for _, n := range names {
		var seq uint64
		if _, err := fmt.Sscanf(n, logPrefix+"%016x", &seq); err == nil && n == logName(seq) {
			newest = max(newest, seq)
		}
	}
	return newest
}

// begin makes the first file. A snapshot without a log is no beginning: there was a log, and it is gone.
func (l *log) begin(names []string) (*log, *saved, error) {
	for _, n := range names {
		if strings.HasPrefix(n, snapPrefix) {
			return nil, nil, fmt.Errorf("%s: it has no log: %w", n, ErrCorrupt)
		}
	}
	return l, &saved{id: l.id}, l.rotate(nil, nil, nil)
}

// begun writes the first members into a log that holds nothing, and tells whether it was so.
func (l *log) begun(s *saved, members []Member) (fresh bool, err error) {
	if s.members != nil || s.snapshot != nil {
		return false, nil
	}
	if s.hard != nil || len(s.entries) > 0 {
		return false, l.corrupt(0, errors.New("it has entries and no members"))
	}
	t, err := newTable(members)
	if err != nil {
		return false, err
	}
	s.members = &t
	return true, l.write(l.end(appendRecord(nil, l.size, typeMembers, t.encode(nil))))
}

// read replays the current file. A torn end is what a crash during an append leaves: it was never promised,
// so it is cut off. Damage with whole records behind it is no torn end.
func (l *log) read() (*saved, error) {
	data, err := l.disk.Read(l.name)
	if err != nil {
		return nil, err
	}
	s, at := &saved{}, 0
	for {
		kind, payload, next, ok := recordAt(data, at)
		if !ok {
			break
		}
		if (at == 0) != (kind == typeHeader) {
			return nil, l.corrupt(at, errors.New("a header record is missing or misplaced"))
		}
		if err := l.replay(s, kind, payload); err != nil {
			return nil, l.corrupt(at, err)
		}
		s.ended, at = kind == typeEnd, next
	}
	if at == 0 {
		return nil, l.corrupt(0, errors.New("the file has no header"))
	}
	l.size = at
	if at == len(data) {
		return s, nil
	}
	if wholeRecordBehind(data, at) {
		return nil, l.corrupt(at, errors.New("a damaged record has whole ones behind it"))
	}
	return s, l.disk.Truncate(l.name, int64(at))
}

// wholeRecordBehind looks for a record at every later place.
func wholeRecordBehind(file []byte, at int) bool {
	for i := at + 1; i < len(file); i++ {
		if _, _, _, ok := recordAt(file, i); ok {
			return true
		}
	}
	return false
}

// corrupt wraps what is wrong at a byte of the file; a failure of the disk says nothing about the log.
func (l *log) corrupt(at int, why error) error {
	if errors.Is(why, model.ErrDiskIO) {
		return why
	}
	return fmt.Errorf("%s: at byte %d: %w: %w", l.name, at, why, ErrCorrupt)
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
	case typeMembers:
		d := decoder{b: payload}
		s.members = new(table)
		s.members.decode(&d)
		return d.err
	case typeEnd:
	case typeHard:
		s.hard = new(pb.HardState)
		return proto.Unmarshal(payload, s.hard)
	default:
		return fmt.Errorf("record of unknown type %q", kind)
	}
	return nil
}

func (l *log) replayHeader(s *saved, payload []byte) error {
	if len(payload) != 17 || payload[0] != logVersion {
		return errors.New("a header that this build does not know")
	}
	index := binary.LittleEndian.Uint64(payload[1:])
	s.id = binary.LittleEndian.Uint64(payload[9:])
	if index == 0 {
		return nil
	}
	data, err := l.disk.Read(snapName(index))
	if err != nil {
		return fmt.Errorf("%s: %w", snapName(index), err)
	}
	kind, body, end, ok := recordAt(data, 0)
	if !ok || kind != typeSnap || end != len(data) {
		return fmt.Errorf("%s is damaged", snapName(index))
	}
	s.snapshot = new(pb.Snapshot)
	return proto.Unmarshal(body, s.snapshot)
}

// append writes entries and the hard state, and syncs.
func (l *log) append(entries []*pb.Entry, hard *pb.HardState) error {
	b, err := records(l.buf[:0], l.size, entries, hard)
	if err != nil {
		return err
	}
	l.buf = l.end(b)
	return l.write(l.buf)
}

// end makes records that begin at the end of the file one write.
func (l *log) end(b []byte) []byte { return appendRecord(b, l.size, typeEnd, nil) }

func (l *log) write(b []byte) error {
	if err := l.disk.Append(l.name, b); err != nil {
		return err
	}
	l.size += len(b)
	return l.disk.Sync(l.name)
}

// records adds entries and the hard state to b, whose first byte stands in the file at base. The hard state
// comes last: it may count on the entries.
func records(b []byte, base int, entries []*pb.Entry, hard *pb.HardState) ([]byte, error) {
	for _, e := range entries {
		payload, err := proto.Marshal(e)
		if err != nil {
			return nil, err
		}
		b = appendRecord(b, base, typeEntry, payload)
	}
	if hard != nil {
		payload, err := proto.Marshal(hard)
		if err != nil {
			return nil, err
		}
		b = appendRecord(b, base, typeHard, payload)
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
		if err := l.create(snapName(index), appendRecord(nil, 0, typeSnap, payload)); err != nil {
			return err
		}
	}
	return l.replace(index, nil, hard, rest)
}

// replace begins a new file that builds on the snapshot at an index, with other members than its own if they are
// given, and removes what it replaces.
func (l *log) replace(index uint64, members *table, hard *pb.HardState, rest []*pb.Entry) error {
	header := binary.LittleEndian.AppendUint64([]byte{logVersion}, index)
	b := appendRecord(nil, 0, typeHeader, binary.LittleEndian.AppendUint64(header, l.id))
	if members != nil {
		b = appendRecord(b, 0, typeMembers, members.encode(nil))
	}
	b, err := records(b, 0, rest, hard)
	if err != nil {
		return err
	}
	b = appendRecord(b, 0, typeEnd, nil)
	if err := l.create(logName(l.seq+1), b); err != nil {
		return err
	}
	l.seq++
	l.name, l.size = logName(l.seq), len(b)
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
