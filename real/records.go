package real

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"firedrill/checker/history"
	"firedrill/model"
)

const eventCarried = string(model.EventCarried)

// parseEvent reads a line of a container's record.
func parseEvent(line []byte) (*history.Event, error) {
	var e history.Event
	if err := json.Unmarshal(line, &e); err != nil {
		return nil, err
	}
	return &e, nil
}

// record returns all that the container has recorded.
func (m *machine) record(ctx context.Context) ([]history.Event, error) {
	text, _, err := m.logs(ctx)
	if err != nil {
		return nil, err
	}
	var out []history.Event
	for line := range bytes.Lines(text) {
		e, err := parseEvent(line)
		if err != nil {
			return nil, fmt.Errorf("%s has recorded what is no event, %q: %w", m.Name, bytes.TrimSpace(line[:min(len(line), 200)]), err)
		}
		if e.Time < 0 {
			return nil, fmt.Errorf("%s has recorded something %d ns before the run began: its clock is not this machine's", m.Name, -e.Time)
		}
		out = append(out, *e)
	}
	return out, nil
}
