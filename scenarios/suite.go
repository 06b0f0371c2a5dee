package scenarios

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
)

//go:embed suite/*.yaml
var suite embed.FS

// Suite returns the scenarios that ship with firedrill, by name. Each is a file suite/NAME.yaml.
func Suite() ([]*Scenario, error) {
	files, err := suite.ReadDir("suite")
	if err != nil {
		return nil, err
	}
	out := make([]*Scenario, len(files))
	for i, f := range files {
		if out[i], err = parseSuite(path.Join("suite", f.Name())); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b *Scenario) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Find returns a scenario of the suite; the error of an unknown name suggests one that exists.
func Find(name string) (*Scenario, error) {
	names, err := suiteNames()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(names, name) {
		return nil, fmt.Errorf("there is no scenario %q; %s", name, suggest(name, names))
	}
	return parseSuite("suite/" + name + ".yaml")
}

func parseSuite(file string) (*Scenario, error) {
	data, err := suite.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Parse("scenarios/"+file, data)
}

func suiteNames() ([]string, error) {
	files, err := suite.ReadDir("suite")
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(f.Name(), ".yaml")
	}
	return names, err
}
