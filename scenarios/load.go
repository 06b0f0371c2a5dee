package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/token"
)

// Load reads a scenario file. What is wrong with its content comes back as an *[InputError].
func Load(path string) (*Scenario, error) {
	if ext := filepath.Ext(path); ext != ".yaml" && ext != ".yml" {
		return nil, &InputError{File: path, Problem: "a scenario file ends in .yaml or .yml"}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// Parse reads a scenario, sets what it leaves to defaults, and checks that it can be played. File is its name
// in errors, which are all *[InputError].
func Parse(file string, data []byte) (*Scenario, error) {
	d := &decoder{file: file, what: "the scenario", places: make(map[string]token.Position)}
	s := new(Scenario)
	if err := d.decode(data, s); err != nil {
		return nil, err
	}
	applyDefaults(s, d.given)
	normalize(s)
	if p := validate(s); p != nil {
		return nil, d.fail(d.place(p.path), "%v", p)
	}
	return s, nil
}

// normalize gives equal scenarios one form: About on one line, bodies without blanks between their tokens.
func normalize(s *Scenario) {
	s.About = strings.Join(strings.Fields(s.About), " ")
	for i := range s.Workload.Operate {
		op := &s.Workload.Operate[i]
		var b bytes.Buffer
		if json.Compact(&b, []byte(op.Value)) == nil {
			op.Value = b.String()
		}
	}
}

// Marshal writes a scenario so that [Parse] reads it back. Defaults are written out: a file that is kept as a
// regression test must not change its meaning when a default does.
func Marshal(s *Scenario) ([]byte, error) {
	out, err := yaml.MarshalWithOptions(s, yaml.Indent(2), yaml.IndentSequence(true), yaml.UseSingleQuote(true))
	if err != nil {
		return nil, fmt.Errorf("scenario %s cannot be written: %w", s.Name, err)
	}
	return out, nil
}
