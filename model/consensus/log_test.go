package consensus

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"firedrill/model"
	"firedrill/model/disktest"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

func entry(index, term uint64, data string) *pb.Entry {
	return &pb.Entry{Index: proto.Uint64(index), Term: proto.Uint64(term), Data: []byte(data)}
}

func hardState(term, vote, commit uint64) *pb.HardState {
	return &pb.HardState{Term: proto.Uint64(term), Vote: proto.Uint64(vote), Commit: proto.Uint64(commit)}
}

func snapshotAt(index, term uint64, data string) *pb.Snapshot {
	return &pb.Snapshot{Data: []byte(data), Metadata: &pb.SnapshotMetadata{
		Index: proto.Uint64(index), Term: proto.Uint64(term), ConfState: &pb.ConfState{Voters: []uint64{1, 2, 3}}}}
}

// describe writes what a log holds in one line, so that two can be compared.
func (s *saved) describe() string {
	var b strings.Builder
	if m := s.snapshot.GetMetadata(); m != nil {
		fmt.Fprintf(&b, "snapshot %d/%d %q ", m.GetIndex(), m.GetTerm(), s.snapshot.Data)
	}
	for _, e := range s.entries {
		fmt.Fprintf(&b, "%d/%d %q ", e.GetIndex(), e.GetTerm(), e.Data)
	}
	if h := s.hard; h != nil {
		fmt.Fprintf(&b, "hard %d,%d,%d", h.GetTerm(), h.GetVote(), h.GetCommit())
	}
	return b.String()
}

func mustOpenLog(t testing.TB, disk model.Disk) (*log, string) {
	t.Helper()
	l, s, err := openLog(disk, 1)
	if err != nil {
		t.Fatal(err)
	}
	return l, s.describe()
}

// sampleLog has a snapshot, and then: what the rotation wrote, and three appends.
func sampleLog(t *testing.T) *disktest.Strict {
	t.Helper()
	disk := disktest.NewStrict()
	l, _ := mustOpenLog(t, disk)
	for _, err := range []error{
		l.append([]*pb.Entry{entry(1, 1, "one"), entry(2, 1, "two")}, hardState(1, 1, 0)),
		l.rotate(snapshotAt(1, 1, "state"), hardState(1, 1, 1), []*pb.Entry{entry(2, 1, "two")}),
		l.append([]*pb.Entry{entry(3, 2, "three"), entry(4, 2, "four")}, hardState(2, 3, 2)),
		l.append([]*pb.Entry{entry(3, 3, "other")}, nil),
		l.append(nil, hardState(4, 2, 3)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return disk
}

const (
	sampleSnapshot = "snapshot-0000000000000001"
	sampleFile     = "log-0000000000000002"
	sampleBefore   = `snapshot 1/1 "state" 2/1 "two" 3/3 "other" hard 2,3,2` // without the last append
	sampleWhole    = `snapshot 1/1 "state" 2/1 "two" 3/3 "other" hard 4,2,3`
)

func TestLogReplay(t *testing.T) {
	disk := sampleLog(t)
	_, got := mustOpenLog(t, disk.AfterPowerLoss()[0])
	if got != sampleWhole {
		t.Errorf("got  %s\nwant %s", got, sampleWhole)
	}
	if names, _ := disk.List(); !slices.Equal(names, []string{sampleFile, sampleSnapshot}) {
		t.Errorf("the disk holds %q", names)
	}
}

// lastRecords is where the last record of a file that says something begins, and the end behind it.
func lastRecords(file []byte) (last, end int) {
	for {
		_, _, next, ok := recordAt(file, end)
		if !ok || next == len(file) {
			return last, end
		}
		last, end = end, next
	}
}

// spoiled is the sample with one file replaced.
func spoiled(t *testing.T, name string, data []byte) *disktest.Strict {
	t.Helper()
	disk := sampleLog(t).AfterKill()
	disk.Put(name, data, len(data))
	return disk
}

func flip(data []byte, bit int) []byte {
	out := bytes.Clone(data)
	out[bit/8] ^= 1 << (bit % 8)
	return out
}

// TestLogTornEnd cuts and spoils the last write in every way that a loss of power can: it counts as never written where
// its record is not whole, and the log goes on.
func TestLogTornEnd(t *testing.T) {
	file, _ := sampleLog(t).Read(sampleFile)
	last, end := lastRecords(file)
	type way struct {
		data []byte
		want string
	}
	var ways []way
	for at := last; at < len(file); at++ {
		want := sampleBefore
		if at >= end {
			want = sampleWhole
		}
		zeros := slices.Concat(file[:at], make([]byte, len(file)-at))
		ways = append(ways, way{file[:at], want}, way{zeros, want})
	}
	for bit := end * 8; bit < len(file)*8; bit++ {
		ways = append(ways, way{flip(file, bit), sampleWhole})
	}
	for i, w := range append(ways, way{slices.Concat(file[:last], make([]byte, 700)), sampleBefore}) {
		disk := spoiled(t, sampleFile, w.data)
		l, got := mustOpenLog(t, disk)
		if got != w.want {
			t.Fatalf("way %d: got  %s\nwant %s", i, got, w.want)
		}
		if data, _ := disk.Read(sampleFile); len(data) != l.size {
			t.Fatalf("way %d: %d bytes, and the log counts %d", i, len(data), l.size)
		}
		if err := l.append(nil, hardState(9, 9, 3)); err != nil {
			t.Fatal(err)
		}
		disk.Power()
		if _, got := mustOpenLog(t, disk); !strings.HasSuffix(got, "hard 9,9,3") {
			t.Fatalf("way %d: an append after the repair is lost: %s", i, got)
		}
	}
}

// TestLogDamage flips every bit that is not in the end of the last write.
func TestLogDamage(t *testing.T) {
	disk := sampleLog(t)
	for _, name := range []string{sampleFile, sampleSnapshot} {
		data, _ := disk.Read(name)
		end := len(data)
		if name == sampleFile {
			_, end = lastRecords(data)
		}
		for bit := range end * 8 {
			if _, s, err := openLog(spoiled(t, name, flip(data, bit)), 1); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%s with bit %d of byte %d flipped: error %v, content %v", name, bit%8, bit/8, err, s.describe())
			}
		}
	}
}

func TestLogRefuses(t *testing.T) {
	whole, _ := sampleLog(t).Read(sampleFile)
	header := slices.Clip(appendRecord(nil, 0, typeHeader, append([]byte{logVersion}, make([]byte, 16)...)))
	for _, c := range []struct {
		name, file string
		data       []byte
		says       string
	}{
		{"an empty file", sampleFile, nil, "no header"},
		{"no header", sampleFile, appendRecord(nil, 0, typeHard, nil), "header record is missing"},
		{"a second header", sampleFile, appendRecord(header, 0, typeHeader, nil), "misplaced"},
		{"another version", sampleFile, appendRecord(nil, 0, typeHeader, make([]byte, 17)), "does not know"},
		{"another type", sampleFile, appendRecord(header, 0, '?', nil), "unknown type"},
		{"a gap", sampleFile, appendRecord(header, 0, typeEntry, mustMarshal(entry(2, 1, ""))), "entry 2 does not follow"},
		{"an entry before the snapshot", sampleFile, appendRecord(whole, 0, typeEntry, mustMarshal(entry(1, 1, ""))), "entry 1 does not follow"},
		{"no protobuf", sampleFile, appendRecord(header, 0, typeEntry, []byte{0xff}), "proto"},
		{"an empty snapshot", sampleSnapshot, nil, "is damaged"},
	} {
		if _, _, err := openLog(spoiled(t, c.file, c.data), 1); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %q", c.name, err, c.says)
		}
	}
	for _, gone := range []string{sampleFile, sampleSnapshot} {
		disk := sampleLog(t)
		disk.Lose(gone)
		if _, _, err := openLog(disk, 1); !errors.Is(err, ErrCorrupt) {
			t.Errorf("without %s: error %v", gone, err)
		}
	}
}

func mustMarshal(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

// TestLogDiskError: a disk that cannot be read says nothing about the log.
func TestLogDiskError(t *testing.T) {
	disk := sampleLog(t)
	disk.ReadErr = model.ErrDiskIO
	if _, _, err := openLog(disk, 1); !errors.Is(err, model.ErrDiskIO) || errors.Is(err, ErrCorrupt) {
		t.Errorf("error %v", err)
	}
	l := &log{disk: disk, name: sampleFile}
	if err := l.corrupt(0, fmt.Errorf("the snapshot: %w", model.ErrDiskIO)); errors.Is(err, ErrCorrupt) {
		t.Errorf("a snapshot that cannot be read counts as damaged: %v", err)
	}
}

// TestLogRecordWithinRecord tears an entry whose content, chosen by a client, looks like the log itself.
func TestLogRecordWithinRecord(t *testing.T) {
	disk := disktest.NewStrict()
	l, _ := mustOpenLog(t, disk)
	image, _ := disk.Read(l.name)
	if err := l.append([]*pb.Entry{entry(1, 1, string(image)+"and more")}, nil); err != nil {
		t.Fatal(err)
	}
	data, _ := disk.Read(l.name)
	disk.Put(l.name, data[:len(data)-len(l.end(nil))-1], 0)
	if _, got := mustOpenLog(t, disk); got != "" {
		t.Errorf("the log holds %s", got)
	}
}
