package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"firedrill/checker/history/wholefile"
)

// Write writes the history as JSON Lines. Equal histories become equal bytes. Format and Version of the
// header are set; the history itself is left alone. Strings should be UTF-8, as JSON has no other.
func Write(w io.Writer, h *History) error {
	header := h.Header
	header.Format, header.Version = Format, Version
	first, err := plainJSON(header)
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	out := bufio.NewWriterSize(w, 64<<10)
	out.Write(first)
	for i := range h.Events {
		line := AppendEvent(out.AvailableBuffer(), &h.Events[i])
		out.Write(append(line, '\n')) // a bufio.Writer keeps its first error for Flush
	}
	return out.Flush()
}

// WriteFile writes the history to a file, compressed by zstd when the name ends in .zst. The file appears
// under its name only when it is whole.
func (h *History) WriteFile(path string) error {
	return wholefile.Write(path, func(w io.Writer) error { return h.writeTo(w, strings.HasSuffix(path, ".zst")) })
}

func (h *History) writeTo(w io.Writer, compress bool) error {
	if !compress {
		return Write(w, h)
	}
	// One goroutine: the caller plays a run on every core already.
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return err
	}
	if err := Write(z, h); err != nil {
		z.Close()
		return err
	}
	return z.Close()
}

// plainJSON encodes without the escapes that only HTML needs, and ends with a newline.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// AppendEvent appends an event to b, as it is in a history file but for the newline. It encodes as encoding/json would, some
// ten times as fast: a run of one simulated minute has ten thousand events and takes well under a tenth of a second.
func AppendEvent(b []byte, e *Event) []byte {
	b = append(b, `{"t":`...)
	b = strconv.AppendInt(b, e.Time, 10)
	b = append(b, `,"type":`...)
	b = appendString(b, string(e.Type))
	b = stringField(b, "client", e.Client)
	b = uintField(b, "op", e.Op)
	b = stringField(b, "operation", e.Operation)
	b = stringField(b, "key", e.Key)
	b = stringField(b, "value", e.Value)
	b = stringField(b, "expected", e.Expected)
	b = uintField(b, "version", e.Version)
	b = stringField(b, "outcome", e.Outcome)
	b = itemsField(b, "items", e.Items)
	b = intField(b, "status", int64(e.Status))
	b = stringField(b, "service", e.Service)
	b = intField(b, "sent", e.Sent)
	if e.OK {
		b = append(b, `,"ok":true`...)
	}
	b = stringField(b, "by", e.By)
	b = stringField(b, "server", e.Server)
	b = stringField(b, "node", e.Node)
	b = stringField(b, "event", e.Event)
	b = stringField(b, "unit", e.Unit)
	b = stringField(b, "peer", e.Peer)
	b = uintField(b, "term", e.Term)
	b = uintField(b, "index", e.Index)
	b = uintField(b, "hash", e.Hash)
	b = uintField(b, "state", e.State)
	b = stringField(b, "detail", e.Detail)
	b = intField(b, "step", int64(e.Step))
	b = stringField(b, "fault", e.Fault)
	b = stringField(b, "target", e.Target)
	b = stringsField(b, "resolved", e.Resolved)
	b = stringField(b, "phase", e.Phase)
	if e.Optional {
		b = append(b, `,"optional":true`...)
	}
	b = stringField(b, "reason", e.Reason)
	return append(b, '}')
}

func appendName(b []byte, name string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func stringField(b []byte, name, v string) []byte {
	if v == "" {
		return b
	}
	return appendString(appendName(b, name), v)
}

func uintField(b []byte, name string, v uint64) []byte {
	if v == 0 {
		return b
	}
	return strconv.AppendUint(appendName(b, name), v, 10)
}

func intField(b []byte, name string, v int64) []byte {
	if v == 0 {
		return b
	}
	return strconv.AppendInt(appendName(b, name), v, 10)
}

func stringsField(b []byte, name string, vs []string) []byte {
	if len(vs) == 0 {
		return b
	}
	b = append(appendName(b, name), '[')
	for i, v := range vs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, v)
	}
	return append(b, ']')
}

func itemsField(b []byte, name string, items []Item) []byte {
	if len(items) == 0 {
		return b
	}
	b = append(appendName(b, name), '[')
	for i := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, `{"key":`...), items[i].Key)
		b = appendString(append(b, `,"value":`...), items[i].Value)
		b = strconv.AppendUint(append(b, `,"version":`...), items[i].Version, 10)
		b = append(b, '}')
	}
	return append(b, ']')
}

// appendString quotes a string. Objects are JSON in a string, so quotes are common; what else needs an
// escape is rare and left to encoding/json.
func appendString(b []byte, s string) []byte {
	start := len(b)
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c >= 0x7f:
			quoted, err := plainJSON(s)
			if err != nil {
				panic("history: a string that is no JSON: " + err.Error()) // encoding/json accepts every string
			}
			return append(b[:start], bytes.TrimSuffix(quoted, []byte("\n"))...)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
