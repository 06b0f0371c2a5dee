package node

import (
	"io"
	"sync"

	"firedrill/checker/history"
	"firedrill/model"
)

// Recorder writes what happens as lines of a history, without its header. A line is one write, so that a process that is
// killed leaves whole lines behind it.
type Recorder struct {
	clock *Clock

	mu   sync.Mutex
	out  io.Writer
	line []byte
	err  error // of the first write that failed
}

// NewRecorder returns a recorder by the clock of a run.
func NewRecorder(clock *Clock, out io.Writer) *Recorder { return &Recorder{clock: clock, out: out} }

// Record writes an event down, at the present time.
func (r *Recorder) Record(e history.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.Time = int64(r.clock.Run()) // under the lock: times never run backwards in what one process records
	r.write(append(history.AppendEvent(r.line[:0], &e), '\n'))
}

// Say writes a line that is no event.
func (r *Recorder) Say(line []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.write(append(append(r.line[:0], line...), '\n'))
}

func (r *Recorder) write(line []byte) {
	r.line = line
	if _, err := r.out.Write(line); err != nil && r.err == nil {
		r.err = err
	}
}

// Node records what a node did.
func (r *Recorder) Node(name string, e model.Event) {
	r.Record(history.Event{
		Type: history.NodeEv, Node: name, Event: string(e.Kind), Unit: e.Unit, Peer: e.Peer,
		Term: e.Term, Index: e.Index, Hash: e.Hash, State: e.State, Detail: e.Detail,
	})
}

// Err is the first error of writing: from then on the record has holes.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}
