package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"firedrill/checker"
)

// ReadResults reads results.json and holds it against the format. The first thing that is wrong becomes a
// one-line error that names the file, the line where one is known, and what would be right.
func ReadResults(path string) (*Results, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r, err := parseResults(data)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return r, nil
}

// misread is an error with its place in a file.
type misread struct {
	line    int // 0: not known
	problem string
}

func (m *misread) Error() string {
	if m.line == 0 {
		return " " + m.problem
	}
	return fmt.Sprintf("%d: %s", m.line, m.problem)
}

func parseResults(data []byte) (*Results, error) {
	r := new(Results)
	if err := parseVersioned(data, Version, r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, nil
}

// parseVersioned reads JSON of one version into a struct, and refuses what the struct does not know.
func parseVersioned(data []byte, version int, into any) error {
	// The version goes first: a newer file may have fields that only look wrong.
	var head struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return explain(data, version, err)
	}
	switch {
	case head.Version == nil:
		return &misread{line: 1, problem: fmt.Sprintf("version is missing; this program reads version %d", version)}
	case *head.Version > version:
		return &misread{lineOfField(data, "version"), fmt.Sprintf("version %d is newer than this program, which reads version %d", *head.Version, version)}
	case *head.Version != version:
		return &misread{lineOfField(data, "version"), fmt.Sprintf("there is no version %d; this program reads version %d", *head.Version, version)}
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return explain(data, version, err)
	}
	return nil
}

// check refuses what the types allow but a reader would trip over.
func (r *Results) check() error {
	type id struct {
		scenario, world string
		seed            uint64
	}
	seen := make(map[id]bool, len(r.Runs))
	for i := range r.Runs {
		run := &r.Runs[i]
		switch run.Verdict {
		case checker.Pass, checker.Fail, checker.Error:
		default:
			return &misread{problem: fmt.Sprintf("runs[%d]: the verdict %q is unknown; it is one of pass, fail, error", i, run.Verdict)}
		}
		if run.Scenario == "" {
			return &misread{problem: fmt.Sprintf("runs[%d]: scenario is missing; it is the name of what was run", i)}
		}
		key := id{run.Scenario, run.World, run.Seed}
		if seen[key] {
			return &misread{problem: fmt.Sprintf("runs[%d]: %s seed %d is there twice; a run is listed once", i, run.Scenario, run.Seed)}
		}
		seen[key] = true
	}
	return nil
}

// explain turns an error of encoding/json into one that names the line.
func explain(data []byte, version int, err error) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return &misread{line: 1, problem: `the file is empty; at least {"version":1,"runs":[]} is needed`}
	case strings.Contains(err.Error(), "unexpected end of JSON"):
		return &misread{lineAt(data, int64(len(data))), fmt.Sprintf("the file breaks off at byte %d; write it again, or fetch it whole", len(data))}
	case errors.As(err, &syntax):
		return &misread{lineAt(data, syntax.Offset), fmt.Sprintf("this is no JSON: %v at byte %d", err, syntax.Offset)}
	case errors.As(err, &typ):
		return &misread{lineAt(data, typ.Offset), fmt.Sprintf("%s is %s, but takes %v", typ.Field, typ.Value, typ.Type)}
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return &misread{lineOfField(data, strings.Trim(name, `"`)), fmt.Sprintf("unknown field %s; version %d has no such field", name, version)}
	}
	return &misread{problem: err.Error()}
}

func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(offset, int64(len(data)))], []byte("\n"))
}

// lineOfField finds the first use of a field name; encoding/json does not tell its place.
func lineOfField(data []byte, name string) int {
	at := regexp.MustCompile(`"` + regexp.QuoteMeta(name) + `"\s*:`).FindIndex(data)
	if at == nil {
		return 0
	}
	return lineAt(data, int64(at[0]))
}
