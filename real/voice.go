package real

import (
	"bytes"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// voice is what one incarnation of a machine says: its record on the standard output, a line an event, and what people may
// want to know on the other.
type voice struct {
	stream client.HijackedResponse
	said   tail
	fell   chan struct{} // closed when everything has been heard
	err    error         // then: why nothing more can be heard; nil: it has ended
}

// hear listens until the container ends.
func hear(stream client.HijackedResponse, line func([]byte)) *voice {
	v := &voice{stream: stream, fell: make(chan struct{})}
	go func() {
		defer close(v.fell)
		defer stream.Close()
		_, v.err = stdcopy.StdCopy(&lines{each: line}, &v.said, stream.Reader)
	}()
	return v
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
