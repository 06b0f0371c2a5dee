package consensus

import (
	"errors"
	"fmt"

	pb "go.etcd.io/raft/v3/raftpb"
)

// ErrNewer says that the log holds what a newer build has written. This one must not go on: to pass an entry over that
// others apply would make its state another one.
var ErrNewer = errors.New("the log was written by a newer build")

// SetFormat makes the entries that this node proposes from now on ones of that format, at most the newest that it
// reads. Whoever calls it has seen to it that all members read it, and will.
func (r *Replica) SetFormat(format byte) { r.writes = max(firstFormat, min(format, r.cfg.Format)) }

// lastFormat bounds formats: a change of members that became a command by [ForceStandalone] begins with the tag of a field
// of protobuf, 8 or more.
const lastFormat = 7

// readable refuses entries of a newer format, before they are on the disk of this node or as soon as they are found there.
func (c *Config) readable(entries []*pb.Entry) error {
	for _, e := range entries {
		if len(e.Data) > 0 && !isChange(e) && e.Data[0] > c.Format && e.Data[0] <= lastFormat {
			return fmt.Errorf("entry %d is of format %d, this build reads %d: %w", e.GetIndex(), e.Data[0], c.Format, ErrNewer)
		}
	}
	return nil
}
