package drill

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"firedrill/scenarios"
)

// setting is a place in a scenario and the values that it is to take, one after the other.
type setting struct {
	path   string // such as config.service_engine_groups[0].dp_hb_timeout_count
	values []string
}

// parseSetting reads PATH=V1,V2.
func parseSetting(text string) (setting, error) {
	path, values, ok := strings.Cut(text, "=")
	if !ok || path == "" || values == "" {
		return setting{}, fmt.Errorf("--set %q: write a place in the scenario and its values, such as timers.dp_hb_frequency=50ms,100ms", text)
	}
	s := setting{path: path, values: strings.Split(values, ",")}
	seen := make(map[string]bool)
	for _, v := range s.values {
		if v == "" || seen[v] {
			return setting{}, fmt.Errorf("--set %q: the value %q is empty or there twice", text, v)
		}
		seen[v] = true
	}
	return s, nil
}

// mostCombinations bounds a sweep: more is a slip of the pen.
const mostCombinations = 1000

// combinations is every choice of one value for each setting; the last setting varies fastest.
func combinations(settings []setting) ([][]string, error) {
	out := [][]string{nil}
	for _, s := range settings {
		var next [][]string
		for _, before := range out {
			for _, v := range s.values {
				next = append(next, append(before[:len(before):len(before)], v))
			}
		}
		if out = next; len(out) > mostCombinations {
			return nil, fmt.Errorf("--set: these are more than %d combinations", mostCombinations)
		}
	}
	return out, nil
}

// apply returns the scenario with the settings at the values chosen. It is read by the loader, as if somebody had edited
// the file, so that what it refuses is refused here in the same words.
func apply(s *scenarios.Scenario, settings []setting, values []string) (*scenarios.Scenario, error) {
	text, err := scenarios.Marshal(s)
	if err != nil {
		return nil, err
	}
	var doc any
	if err := yaml.UnmarshalWithOptions(text, &doc, yaml.UseOrderedMap()); err != nil {
		return nil, err
	}
	var told []string
	for i, one := range settings {
		if doc, err = put(doc, steps(one.path), scalar(values[i])); err != nil {
			return nil, fmt.Errorf("--set %s: %w", one.path, err)
		}
		told = append(told, one.path+"="+values[i])
	}
	if text, err = yaml.Marshal(doc); err != nil {
		return nil, err
	}
	changed, err := scenarios.Parse(s.Name, text)
	var input *scenarios.InputError
	if errors.As(err, &input) { // its line is one of a text that nobody has seen
		return nil, fmt.Errorf("--set %s: %s", strings.Join(told, " --set "), input.Problem)
	}
	return changed, err
}

// scalar reads a value as YAML would; what is no YAML is text.
func scalar(text string) any {
	var v any
	if yaml.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	return v
}

var step = regexp.MustCompile(`[^.\[\]]+|\[[0-9]+\]`)

// steps cuts a path into keys and indices: config, pools, [0], name.
func steps(path string) []string { return step.FindAllString(path, -1) }

// put sets a value below a document. Keys that are not there are added: a scenario does not write out what it leaves
// to defaults. A list is not made longer.
func put(doc any, path []string, value any) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	if list, ok := doc.([]any); ok {
		i, err := strconv.Atoi(strings.Trim(path[0], "[]"))
		if err != nil || path[0][0] != '[' || i >= len(list) {
			return nil, fmt.Errorf("%s: here stands a list of %d; write [0] to [%d]", path[0], len(list), len(list)-1)
		}
		list[i], err = put(list[i], path[1:], value)
		return list, err
	}
	mapping, ok := doc.(yaml.MapSlice)
	if !ok && doc != nil || path[0][0] == '[' {
		return nil, fmt.Errorf("%s: there is nothing below %v", path[0], doc)
	}
	for i := range mapping {
		if mapping[i].Key == path[0] {
			var err error
			mapping[i].Value, err = put(mapping[i].Value, path[1:], value)
			return mapping, err
		}
	}
	below, err := put(nil, path[1:], value)
	return append(mapping, yaml.MapItem{Key: path[0], Value: below}), err
}
