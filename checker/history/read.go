package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// maxLine bounds one line, so that a file that is no history cannot fill the memory.
const maxLine = 16 << 20

// Read reads a history and holds it against the format. The first thing that is wrong becomes an error
// that says "name:line: what is wrong; what would be right".
func Read(name string, r io.Reader) (*History, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	rd := reader{open: make(map[string]uint64)}
	h := &History{}
	number := 0
	for lines.Scan() {
		number++
		var err error
		if number == 1 {
			err = rd.header(lines.Bytes(), &h.Header)
		} else {
			var e Event
			if err = rd.event(lines.Bytes(), &e); err == nil {
				h.Events = append(h.Events, e)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, number, err)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%s:%d: the line is longer than %d bytes; write one event a line", name, number+1, maxLine)
	case err != nil:
		return nil, fmt.Errorf("%s:%d: %w", name, number+1, err)
	case number == 0:
		return nil, fmt.Errorf("%s:1: the file is empty; %s", name, wantHeader)
	}
	return h, nil
}

// ReadFile reads the file at path, through zstd when its name ends in .zst. Errors are those of [Read] and
// of the file system.
func ReadFile(path string) (*History, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if !strings.HasSuffix(path, ".zst") {
		return Read(path, f)
	}
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer z.Close()
	return Read(path, z)
}

var wantHeader = fmt.Sprintf(`the first line is the header, at least {"format":%q,"version":%d}`, Format, Version)

// reader knows what earlier lines allow the next one to be.
type reader struct {
	now   int64
	ended bool
	open  map[string]uint64 // the operation that each client has under way
}

func (r *reader) header(line []byte, h *Header) error {
	// Format and version come first: another format has other fields, and so may a newer version.
	var id struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(line, &id); err != nil || id.Format != Format {
		return fmt.Errorf("this is no %s; %s", Format, wantHeader)
	}
	switch {
	case id.Version > Version:
		return fmt.Errorf("version %d is newer than this program; it reads up to version %d", id.Version, Version)
	case id.Version < 1:
		return fmt.Errorf("version is missing; %s", wantHeader)
	}
	if err := strict(line, h); err != nil {
		return fmt.Errorf("%w; a header has format, version, scenario, world, seed, services, nodes, expect, timers, cluster_ip", err)
	}
	return nil
}

func (r *reader) event(line []byte, e *Event) error {
	if err := strict(line, e); err != nil {
		return fmt.Errorf("%w; %s", err, wanted(e.Type))
	}
	s, ok := shapes[e.Type]
	if !ok {
		return fmt.Errorf("the type %q is unknown; it is one of %s", e.Type, oneOf(types))
	}
	used := e.used()
	if missing := s.required &^ used; missing != 0 {
		return fmt.Errorf("the %s lacks %s; %s", e.Type, missing.names(), wanted(e.Type))
	}
	if foreign := used &^ (s.required | s.optional); foreign != 0 {
		return fmt.Errorf("the type %s has no %s; %s", e.Type, foreign.names(), wanted(e.Type))
	}
	if err := r.time(e); err != nil {
		return err
	}
	return r.content(e)
}

// wanted says what an event of the type looks like.
func wanted(t Type) string {
	s, ok := shapes[t]
	switch {
	case !ok:
		return "an event is one JSON object with t, type and the fields of its type"
	case s.required|s.optional == 0:
		return fmt.Sprintf("the type %s has t and type only", t)
	}
	return fmt.Sprintf("the type %s has t, type, %s and may have %s", t, s.required.names(), s.optional.names())
}

func (r *reader) time(e *Event) error {
	switch {
	case r.ended:
		return errors.New("the run has ended above; nothing follows an end")
	case e.Time < r.now:
		return fmt.Errorf("time goes back from %d to %d; events stand in the order of one clock that begins at 0", r.now, e.Time)
	case e.Type == Probe && (e.Sent < 0 || e.Sent > e.Time):
		return fmt.Errorf("the probe was sent at %d, but its fate was known at %d; sent is from 0 to t", e.Sent, e.Time)
	}
	r.now, r.ended = e.Time, e.Type == End
	return nil
}

// content checks the fields that hold one of a few words, and that calls and returns take turns.
func (r *reader) content(e *Event) error {
	switch e.Type {
	case Call:
		if !known(operations, e.Operation) {
			return fmt.Errorf("the operation %q is unknown; it is one of %s", e.Operation, oneOf(operations))
		}
		if op, busy := r.open[e.Client]; busy {
			return fmt.Errorf("client %s calls operation %d while its operation %d is open; return that first, as unknown if need be",
				e.Client, e.Op, op)
		}
		r.open[e.Client] = e.Op
	case Return:
		if !known(outcomes, e.Outcome) {
			return fmt.Errorf("the outcome %q is unknown; it is one of %s", e.Outcome, oneOf(outcomes))
		}
		switch op, busy := r.open[e.Client]; {
		case !busy:
			return fmt.Errorf("client %s returns from operation %d without a call; the call comes first", e.Client, e.Op)
		case op != e.Op:
			return fmt.Errorf("client %s returns from operation %d, but its open call is operation %d", e.Client, e.Op, op)
		}
		delete(r.open, e.Client)
	case Fault:
		if !known(phases, e.Phase) {
			return fmt.Errorf("the phase %q is unknown; it is one of %s", e.Phase, oneOf(phases))
		}
	}
	return nil
}

// strict decodes one JSON value and nothing else, and refuses what v has no field for.
func strict(line []byte, v any) error {
	if len(bytes.TrimSpace(line)) == 0 {
		return errors.New("the line is empty")
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return fmt.Errorf("%s is %s, but takes %s", wrong.Field, wrong.Value, wrong.Type)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the line breaks off inside a value")
	case err != nil:
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if rest := bytes.TrimSpace(line[d.InputOffset():]); len(rest) > 0 {
		return errors.New("more than one value on the line")
	}
	return nil
}
