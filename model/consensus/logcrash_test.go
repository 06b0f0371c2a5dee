package consensus

import (
	"slices"
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"firedrill/model/disktest"
)

// crasher plays a log on a disk that fails after every operation, and knows what may be found then.
type crasher struct {
	*rapid.T
	disk    *disktest.Strict
	log     *log
	now     saved    // what has been promised
	allowed []string // what may be found at this moment: now, or some of what is being written
	term    uint64
}

// TestLogCrash: whenever the power fails or the process dies, the log can be opened, holds all that an append or
// a rotation promised when it returned, and keeps what it has once shown, whatever fails next.
func TestLogCrash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &crasher{T: t, disk: disktest.NewStrict(), term: 1, allowed: []string{""}}
		c.disk.Step = c.crash
		var err error
		if c.log, _, err = openLog(c.disk, 1); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 5).Draw(t, "operations") {
			switch rapid.IntRange(0, 4).Draw(t, "operation") {
			case 0:
				c.rotate()
			case 1:
				c.reopen()
			default:
				c.append()
			}
			c.crash()
		}
	})
}

// crash looks at all that may be left of the disk.
func (c *crasher) crash() {
	for _, left := range append(c.disk.AfterPowerLoss(), c.disk.AfterKill()) {
		found := c.open(left)
		if !slices.Contains(c.allowed, found) {
			c.Fatalf("found   %s\nallowed %q", found, c.allowed)
		}
		for _, later := range left.AfterPowerLoss() {
			if again := c.open(later); again != found {
				c.Fatalf("shown %s\nthen  %s", found, again)
			}
		}
	}
}

func (c *crasher) open(disk *disktest.Strict) string {
	_, s, err := openLog(disk, 1)
	if err != nil {
		names, _ := disk.List()
		c.Fatalf("%v on a disk with %v", err, names)
	}
	return s.describe()
}

func (c *crasher) next() uint64 {
	return c.now.snapshot.GetMetadata().GetIndex() + uint64(len(c.now.entries)) + 1
}

// entries draws some from an index on.
func (c *crasher) entries(from uint64, least int) []*pb.Entry {
	c.term += rapid.Uint64Range(0, 1).Draw(c.T, "terms")
	out := make([]*pb.Entry, rapid.IntRange(least, 3).Draw(c.T, "entries"))
	for i := range out {
		out[i] = entry(from+uint64(i), c.term, rapid.StringN(0, 20, 40).Draw(c.T, "data"))
	}
	return out
}

func (c *crasher) append() {
	first := c.now.snapshot.GetMetadata().GetIndex() + 1
	entries := c.entries(rapid.Uint64Range(first, c.next()).Draw(c.T, "from"), 0)
	var hard *pb.HardState
	if len(entries) == 0 || rapid.Bool().Draw(c.T, "hard") {
		hard = hardState(c.term, rapid.Uint64Range(0, 3).Draw(c.T, "vote"), first-1)
	}
	after := c.now
	for _, e := range entries { // any number of them may have reached the disk, in order
		after.entries = append(slices.Clip(after.entries[:e.GetIndex()-first]), e)
		c.allowed = append(c.allowed, after.describe())
	}
	if hard != nil {
		after.hard = hard
		c.allowed = append(c.allowed, after.describe())
	}
	c.done(c.log.append(entries, hard), after)
}

// rotate takes a snapshot of what is in the log, or takes over one from a leader who is ahead.
func (c *crasher) rotate() {
	was := c.now.snapshot.GetMetadata().GetIndex()
	index := rapid.Uint64Range(was+1, c.next()+2).Draw(c.T, "index")
	after := saved{snapshot: snapshotAt(index, c.term, rapid.StringN(0, 20, 40).Draw(c.T, "state")), hard: hardState(c.term, 1, index)}
	if index < c.next() {
		after.entries = slices.Clone(c.now.entries[index-was:])
	} else {
		after.entries = c.entries(index+1, 0)
		after.hard.Commit = proto.Uint64(index + uint64(len(after.entries)))
	}
	c.allowed = append(c.allowed, after.describe())
	c.done(c.log.rotate(after.snapshot, after.hard, after.entries), after)
}

// reopen goes on with the log of a process that was killed.
func (c *crasher) reopen() {
	l, s, err := openLog(c.disk, 1)
	if err != nil {
		c.Fatal(err)
	}
	c.log = l
	c.done(nil, *s)
}

func (c *crasher) done(err error, after saved) {
	if err != nil {
		c.Fatal(err)
	}
	c.now, c.allowed = after, []string{after.describe()}
}
