package real

import (
	"bytes"
	"encoding/json"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"firedrill/real/node"
)

// voice is what one incarnation of a machine says: its record on the standard output, a line an event, and what people may
// want to know on the other.
type voice struct {
	said tail
	fell chan struct{} // closed when everything has been heard
	err  error         // then: why nothing more can be heard; nil: it has ended

	mu  sync.Mutex
	ear net.Conn // what the machine hears
}

// hear listens until the container ends.
func hear(stream client.HijackedResponse, line func(*voice, []byte)) *voice {
	v := &voice{ear: stream.Conn, fell: make(chan struct{})}
	go func() {
		defer close(v.fell)
		defer stream.Close()
		_, v.err = stdcopy.StdCopy(&lines{each: func(l []byte) { line(v, l) }}, &v.said, stream.Reader)
	}()
	return v
}

// earWithin is how long a machine may take to hear something; one that is frozen takes some dozens of messages before that.
const earWithin = 2 * time.Second

// tell says something to the machine.
func (v *voice) tell(what node.Message) error {
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	_ = v.ear.SetWriteDeadline(time.Now().Add(earWithin))
	_, err = v.ear.Write(append(text, '\n'))
	return err
}

// falls waits until all has been said; false if that takes longer than it may.
func (v *voice) falls(within time.Duration) bool {
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case <-v.fell:
		return true
	case <-t.C:
		return false
	}
}

// lines is a writer that takes lines apart. What is left without an end is not a line.
type lines struct {
	rest []byte
	each func([]byte)
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte{'\n'})
		if !whole {
			return len(p), nil
		}
		l.each(line)
		l.rest = rest
	}
}

// tail is a writer that keeps the end of what is written.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

// tailLength is how much of what a container said last fits into an error.
const tailLength = 4000

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if extra := len(t.kept) - tailLength; extra > 0 {
		t.kept = append(t.kept[:0], t.kept[extra:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.kept))
}
